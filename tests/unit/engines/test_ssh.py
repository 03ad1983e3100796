"""Engines over SSH: the docker CLI's command line, and ssh's own words when there is no engine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from clients.docker_engine import docker_engine
from clients.errors import Unreachable
from engines import ssh
from tests.support.scripted_ssh import ScriptedSsh, to

Script = Callable[[str], ScriptedSsh]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts an `ssh` on PATH that does what the Python text says."""

    def make(does: str) -> ScriptedSsh:
        made = ScriptedSsh(tmp_path, does)
        monkeypatch.setenv("PATH", made.path)
        return made

    return make


@pytest.fixture
def engine(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/version").respond_with_json({"ApiVersion": "1.44", "Version": "28"})
    httpserver.expect_request("/v1.44/containers/json").respond_with_json([])
    return httpserver


@pytest.mark.parametrize(
    ("url", "before", "host", "remote"),
    [
        ("ssh://GPU_1.lab", [], "GPU_1.lab", "docker system dial-stdio"),
        ("ssh://gpu1", [], "gpu1", "docker system dial-stdio"),
        ("ssh://admin@gpu1", ["-l", "admin"], "gpu1", "docker system dial-stdio"),
        ("ssh://gpu1:2222", ["-p", "2222"], "gpu1", "docker system dial-stdio"),
        (
            "ssh://admin@[fe80::1%25eth0]:2222",
            ["-l", "admin", "-p", "2222"],
            "fe80::1%eth0",
            "docker system dial-stdio",
        ),
        ("ssh://DOM%5Cadmin@gpu1", ["-l", "DOM\\admin"], "gpu1", "docker system dial-stdio"),
        ("ssh://gpu1/", [], "gpu1", "docker system dial-stdio"),
        (
            "ssh://gpu1/run/user/1000/docker.sock",
            [],
            "gpu1",
            "docker --host=unix:///run/user/1000/docker.sock system dial-stdio",
        ),
        ("ssh://gpu1/a;b", [], "gpu1", "docker '--host=unix:///a;b' system dial-stdio"),
    ],
)
def test_the_command_line_is_the_docker_clis(url: str, before: list[str], host: str, remote: str) -> None:
    words = ssh.command(url)
    assert words[1 : 1 + len(before)] == before
    assert words[-3] == "--"
    assert words[-2] == host
    assert words[-1] == remote
    assert ("-p" in words) == (":2222" in url), "without a port, ssh's configuration gives it"


def test_an_engine_answers_and_no_ssh_is_left(scripted: Script, engine: HTTPServer) -> None:
    made = scripted(to(engine))
    with docker_engine("ssh://gpu1") as client:
        assert client.containers.list() == []
    (words,) = {tuple(words) for words in made.arguments()}
    assert words[-2:] == ("gpu1", "docker system dial-stdio")
    assert made.none_is_left()


def test_docker_host_may_be_an_engine_over_ssh(
    scripted: Script, engine: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(to(engine))
    monkeypatch.setenv("DOCKER_HOST", "ssh://gpu1")
    with docker_engine(None) as client:
        assert client.containers.list() == []


@pytest.mark.parametrize(
    ("words", "line", "advice"),
    [
        ("me@gpu1: Permission denied (publickey).", "me@gpu1: Permission denied (publickey).", "with a key"),
        ("*** Property of X ***\nme@gpu1: Permission denied (publickey).", "me@gpu1: Permission denied", "with a key"),
        ("@@@@\nIT IS POSSIBLE ...\nHost key verification failed.", "Host key verification failed.", "known_hosts"),
        (
            "ssh: Could not resolve hostname gpu9: Name or service not known\n"
            "kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535",
            "Could not resolve hostname gpu9",
            "fix the host's name",
        ),
        ("ssh: connect to host gpu1 port 22: Connection refused", "Connection refused", "its SSH port"),
        ("bash: line 1: docker: command not found", "docker: command not found", "install the docker CLI"),
        ("sh: 1: docker: not found", "docker: not found", "install the docker CLI"),
        ("zsh:1: command not found: docker", "command not found: docker", "install the docker CLI"),
        ("fish: Unknown command: docker", "Unknown command: docker", "install the docker CLI"),
        (
            "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 10.0.0.5 port 22",
            "Connection reset by 10.0.0.5 port 22",
            "fail2ban",
        ),
        ("Bad owner or permissions on /home/me/.ssh/config", "Bad owner", "chmod 600"),
        ("Unable to negotiate with 10.0.0.5 port 22: no matching host key type found.", "negotiate", "~/.ssh/config"),
        (
            "Your password has expired.\nPassword change required but no TTY available.",
            "Password change required",
            "change that password",
        ),
        ("docker: 'system dial-stdio' is not a docker command.", "dial-stdio", "18.09"),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "permission denied while",
            "usermod -aG docker",
        ),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "Cannot connect", "start Docker on"),
        (".ssh/config: line 3: Bad configuration option: prot", "Bad configuration option", "~/.ssh/config"),
        ("something that nobody knows", "something that nobody knows", "dial-stdio` shows the same"),
        ("", "ssh ended with exit code 255", "dial-stdio` shows the same"),
    ],
)
def test_sshs_own_words_are_the_error_in_one_line(scripted: Script, words: str, line: str, advice: str) -> None:
    made = scripted(f"sys.stderr.write({words!r}); sys.exit(255)")
    with pytest.raises(Unreachable) as caught, docker_engine("ssh://gpu1"):
        pass
    assert str(caught.value).startswith("Docker engine ssh://gpu1 did not answer: ")
    assert line in str(caught.value)
    assert advice in caught.value.advice
    assert len(caught.value.line.splitlines()) == 1
    assert made.none_is_left()


def test_what_a_log_in_prints_before_the_engines_answer_is_named(scripted: Script) -> None:
    scripted("print('Welcome to gpu1', flush=True); os.read(0, 1); time.sleep(60)")
    with pytest.raises(Unreachable) as caught, docker_engine("ssh://gpu1"):
        pass
    assert "Welcome to gpu1" in str(caught.value)
    assert "prints nothing" in caught.value.advice


def test_a_machine_without_ssh_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="ssh") as caught, docker_engine("ssh://gpu1"):
        pass
    assert "openssh-client" in caught.value.advice


def test_an_ssh_whose_network_is_gone_is_ended(
    scripted: Script, engine: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "_LAST_WORDS", 0.1)
    made = scripted(to(engine).replace("lambda: engine.shutdown(socket.SHUT_WR)", "lambda: time.sleep(60)"))
    with docker_engine("ssh://gpu1") as client:
        client.containers.list()
    assert made.none_is_left()


def test_ssh_is_started_without_the_handlers_of_a_fork(scripted: Script, engine: HTTPServer) -> None:
    """gRPC's handlers end the connection in a process that speaks gRPC (https://github.com/grpc/grpc/issues/43055)."""
    ran: list[str] = []
    os.register_at_fork(before=lambda: ran.append("before"), after_in_child=lambda: ran.append("in the child"))
    scripted(to(engine))
    with docker_engine("ssh://gpu1") as client:
        client.containers.list()
    assert ran == []
