"""Where an engine is, by the stack file and by the variables that the docker CLI reads."""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clients.docker_engine import docker_engine
from clients.errors import Unreachable
from engines import provider
from engines.address import EngineAddress
from engines.errors import NoEngine, cause
from engines.ssh import OPTIONS, PROJECT

TCP = "tcp://gpu1:2376"
VERIFY = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}


@pytest.mark.parametrize(
    ("docker_host", "env", "expected"),
    [
        (None, {}, EngineAddress("unix:///var/run/docker.sock")),
        (None, {"DOCKER_HOST": "ssh://gpu1"}, EngineAddress("ssh://gpu1")),
        (None, {"DOCKER_HOST": ""}, EngineAddress("unix:///var/run/docker.sock")),
        (None, {"DOCKER_HOST": TCP, **VERIFY}, EngineAddress(TCP, "/certs")),
        (TCP, {}, EngineAddress(TCP)),
        ("tcp://gpu1", {}, EngineAddress("tcp://gpu1:2375")),
        ("tcp://gpu1", VERIFY, EngineAddress(TCP, "/certs")),
        ("tcp://[::1]", VERIFY, EngineAddress("tcp://[::1]:2376", "/certs")),
        (TCP, {"DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/config"}, EngineAddress(TCP, "/config")),
        (TCP, {"DOCKER_TLS_VERIFY": "1"}, EngineAddress(TCP, str(Path.home() / ".docker"))),
        (TCP, {"DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": "/certs"}, EngineAddress(TCP)),
        (f"{TCP}?cert_path=my%20certs", VERIFY, EngineAddress(TCP, "my certs")),
        # Only TCP knows certificates.
        ("ssh://gpu1", VERIFY, EngineAddress("ssh://gpu1")),
        ("unix:///x.sock", VERIFY, EngineAddress("unix:///x.sock")),
    ],
)
def test_an_address_is_found_as_the_docker_cli_finds_it(
    docker_host: str | None, env: dict[str, str], expected: EngineAddress
) -> None:
    assert EngineAddress.of(docker_host, env) == expected


@pytest.mark.parametrize("address", [EngineAddress("ssh://gpu1"), EngineAddress(TCP), EngineAddress(TCP, "a b/c?d&é")])
def test_an_address_is_one_text(address: EngineAddress) -> None:
    assert EngineAddress.of(address.text, {}) == address


@pytest.mark.parametrize(
    ("host", "env", "expected"),
    [
        ("unix:///x.sock", {}, {"host": "unix:///x.sock"}),
        (TCP, {}, {"host": TCP}),
        ("tcp://gpu1", {}, {"host": "tcp://gpu1:2375"}),
        ("ssh://gpu1", {}, {"host": "ssh://gpu1", "ssh_opts": list(OPTIONS)}),
        (f"{TCP}?cert_path=certs", {}, {"host": TCP, "cert_path": "certs"}),
        (TCP, VERIFY, {"host": TCP, "cert_path": "/certs"}),
        # These variables would win over the address: an empty value keeps them out.
        ("ssh://gpu1", VERIFY, {"host": "ssh://gpu1", "ssh_opts": list(OPTIONS), "cert_path": ""}),
        ("unix:///x.sock", {"DOCKER_CONTEXT": "x"}, {"host": "unix:///x.sock", "context": ""}),
        (TCP, {"DOCKER_CERT_PATH": "/certs"}, {"host": TCP, "cert_path": ""}),
    ],
)
def test_the_docker_provider_is_sent_the_same_way(host: str, env: dict[str, str], expected: dict[str, object]) -> None:
    assert provider.inputs(host, env) == expected


def test_a_default_engine_gets_the_same_options_by_the_projects_configuration() -> None:
    project = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())
    assert project["config"]["docker:sshOpts"]["value"] == list(OPTIONS)


def test_what_the_options_name_is_there() -> None:
    """States have these paths."""
    assert (PROJECT / "engines" / "ssh_proxy.py").is_file()
    assert "-I engines/ssh_proxy.py " in OPTIONS[-1]


def context(folder: Path, name: str, host: str, *, tls: bool = False) -> None:
    """As `docker context create` stores it."""
    digest = sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / digest
    meta.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": False}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    if tls:
        files = folder / "contexts" / "tls" / digest / "docker"
        files.mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (files / file).touch()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder in the place of ~/.docker."""
    return tmp_path


def test_a_context_of_the_docker_cli_is_followed(config: Path) -> None:
    context(config, "gpu", "ssh://gpu1")
    assert EngineAddress.of(None, {"DOCKER_CONTEXT": "gpu", "DOCKER_CONFIG": str(config)}) == EngineAddress(
        "ssh://gpu1"
    )


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"DOCKER_CONTEXT": "none"}, "DOCKER_CONTEXT=none: there is no such context in "),
        ({"DOCKER_CONTEXT": "safe"}, "DOCKER_CONTEXT=safe has certificates, which Pulumi's docker provider does not"),
        (
            {"DOCKER_CONTEXT": "safe", "DOCKER_HOST": TCP},
            "DOCKER_HOST and DOCKER_CONTEXT are both set, and may name two engines: unset one of them",
        ),
        (
            {"DOCKER_HOST": "ssh://me:secret@gpu1"},
            "the address in DOCKER_HOST has a password, which no engine takes: l",
        ),
        *(
            ({"DOCKER_HOST": host}, "the address in DOCKER_HOST is ")
            for host in (
                *("tcp://gpu1:abc", "tcp://gpu1:70000", "tcp://[::1", "tcp://", "ssh://", "ssh://gpu1:70000"),
                *("gpu1:2375", "/var/run/docker.sock", "unix:/var/run/docker.sock", "unix://", "fd://", f" {TCP} "),
                *("https://gpu1:2376", "npipe:////./pipe/docker_engine"),
            )
        ),
        ({"DOCKER_HOST": TCP, "DOCKER_TLS_VERIFY": "1"}, "DOCKER_TLS_VERIFY is set without DOCKER_CERT_PATH"),
        ({"DOCKER_CERT_PATH": "/certs"}, "DOCKER_CERT_PATH is set, with which Pulumi's docker provider uses TLS"),
        ({"DOCKER_HOST": "ssh://gpu1", **VERIFY}, "DOCKER_CERT_PATH is set, with which Pulumi's docker provider"),
        ({"DOCKER_HOST": TCP, **VERIFY}, "/certs/ca.pem: No such file or directory"),
    ],
)
def test_variables_by_which_two_programs_find_two_engines_are_an_error(
    config: Path, env: dict[str, str], says: str
) -> None:
    context(config, "safe", TCP, tls=True)
    told = provider.problem(None, {"DOCKER_CONFIG": str(config), **env})
    assert told is not None
    assert told.startswith(says)


def test_an_address_that_nobody_can_connect_to_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://gpu1:abc")
    with pytest.raises(Unreachable) as caught, docker_engine(None):
        pass
    assert caught.value.line.startswith("there is no Docker engine to ask: the address in DOCKER_HOST is wrong: ")


def test_what_was_being_handled_before_is_no_reason_why_an_engine_does_not_answer() -> None:
    try:
        raise ValueError("something else")
    except ValueError:
        with pytest.raises(Unreachable) as caught, docker_engine("tcp://127.0.0.1:9"):
            pass
    assert "did not answer: Connection refused: " in caught.value.line


def test_an_error_of_the_default_engine_has_a_reason_and_an_advice(config: Path) -> None:
    with pytest.raises(NoEngine) as caught:
        EngineAddress.of(None, {"DOCKER_CONTEXT": "none", "DOCKER_CONFIG": str(config)})
    assert caught.value.advice


def test_an_error_without_words_is_called_by_its_kind_and_a_circle_of_causes_ends() -> None:
    assert cause(TimeoutError()) == "TimeoutError"
    one, two = OSError("one"), OSError("two")
    one.__context__, two.__context__ = two, one
    assert cause(one) in ("one", "two")


urls = st.one_of(
    st.text(max_size=30),
    st.builds("{}://{}".format, st.sampled_from(["tcp", "ssh", "unix", "http", ""]), st.text(max_size=12)),
    st.sampled_from(["tcp://[", "tcp://a:b", "tcp://a:99999", "ssh://u:p@h:x", "tcp://\u2100", "unix://", "://", "//"]),
)


@given(
    host=st.none() | urls,
    env=st.dictionaries(
        st.sampled_from(["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"]),
        urls.filter(lambda text: "\0" not in text),
    ),
)
def test_whatever_stands_for_an_address_is_one_or_is_named(host: str | None, env: dict[str, str]) -> None:
    with contextlib.suppress(NoEngine):
        address = EngineAddress.of(host, env)
        assert isinstance(address.text, str)
        assert isinstance(address.scheme, str)
