"""XNAT's password on the real engines: told nowhere, tried once if it is wrong, a new one takes effect at once."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from sandbox.faults import Fault, FaultPlan
from sandbox.serve import serve
from sandbox.xnat.app import create_app
from sandbox.xnat.options import Options
from sandbox.xnat.site import Site
from tests.support.free_port import free_port
from tests.support.pulumi_stack import PulumiFailed, PulumiStack, pulumi_stack

USER = "svc-aiaa"
PASSWORD = "tangerine-4711"
WRONG = "apricot-1234"
NEW = "clementine-0815"
NAME = "password"


class Xnat:
    """An XNAT that is not the stack's."""

    def __init__(self) -> None:
        self.site = Site(Options(projects=("LIVER", "SPLEEN")))
        self.site.accounts.add(USER, PASSWORD, roles={"Administrator"}, groups={"ALL_DATA_ADMIN"})
        self.app = create_app(self.site.options, self.site)
        self.faults: FaultPlan = self.app.state.faults

    def log_ins(self) -> int:
        """How many there were since this was asked last."""
        asked = [request for request in self.faults.requests if request.path == "/data/JSESSION"]
        self.faults.requests.clear()
        return sum(request.method == "POST" for request in asked)


class CommandLines(threading.Thread):
    """Looks at the command lines of all processes, again and again, for secrets."""

    def __init__(self, secrets: list[bytes]) -> None:
        super().__init__(daemon=True)
        self._secrets = secrets
        self._found: set[bytes] = set()
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:  # it has ended
                    continue
                if any(secret in line for secret in self._secrets):
                    self._found.add(line)

    def end(self) -> set[bytes]:
        self._over.set()
        self.join()
        return self._found


@pytest.fixture
def xnat() -> Xnat:
    return Xnat()


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return path


@pytest.fixture
def stack(xnat: Xnat, password_file: Path, engine_with_image: docker.DockerClient) -> Iterator[PulumiStack]:
    del engine_with_image
    with serve(xnat.app) as url:
        settings = {
            "servers": {"main": {"gpus": [], "ulimits": {"memlock": None}, "port": free_port()}},
            "xnat": {"url": url, "username": USER, "password_file": str(password_file)},
            "registrations": {"site": "main", "projects": {"LIVER": "main", "SPLEEN": "main"}},
            "sandbox": {},
        }
        with pulumi_stack(settings, name=NAME) as stack:
            yield stack


def as_secret(stack: PulumiStack, password: str) -> None:
    """A secret setting in place of the file."""
    path = stack.folder / f"Pulumi.{stack.name}.yaml"
    document = json.loads(path.read_text())
    document["config"]["xnat-aiaa:xnat"].pop("password_file")
    path.write_text(json.dumps(document))
    # Over standard input, as `bin/pulumi config set` takes it: a command line is seen by everybody.
    stack.run("config", "set", "--secret", "--path", "xnat-aiaa:xnat.password", password)


def test_a_wrong_password_is_tried_once_in_a_run_and_a_new_one_works_in_every_command(
    stack: PulumiStack, xnat: Xnat, password_file: Path
) -> None:
    password_file.write_text(WRONG)
    with pytest.raises(PulumiFailed) as failed:
        stack.up()
    assert xnat.log_ins() == 1
    assert f"the log-in of {USER} was refused (401): the password is wrong" in failed.value.output
    assert WRONG not in failed.value.output
    password_file.write_text(PASSWORD)
    stack.up()
    assert xnat.log_ins() == 1
    xnat.site.accounts.users[USER].password = NEW
    password_file.write_text(NEW)
    stack.require_no_changes()
    xnat.log_ins()
    stack.refresh()
    assert xnat.log_ins() == 1
    stack.destroy()
    assert xnat.log_ins() == 1
    assert xnat.site.sessions.of(USER) == []


def test_the_password_is_nowhere_even_if_xnat_repeats_it(
    stack: PulumiStack, xnat: Xnat, engine_with_image: docker.DockerClient
) -> None:
    as_secret(stack, PASSWORD)
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    secrets = [PASSWORD.encode(), basic]
    watch = CommandLines(secrets)
    watch.start()
    told = ""
    try:
        xnat.faults.set(Fault("/xapi/ohifaiaa/*", "echo", method="PUT"))
        with pytest.raises(PulumiFailed) as failed:
            stack.up()
        told += failed.value.output
        xnat.faults.set()
        told += stack.up() + stack.preview_text() + stack.run("refresh", "--yes", "--diff")
        told += stack.run("stack", "export") + stack.run("config") + stack.run("stack", "output", "--json")
        told += json.dumps([*inspected(engine_with_image)], default=str)
        told += stack.destroy()
    finally:
        seen = watch.end()
    assert seen == set()
    assert not [secret for secret in secrets if secret.decode() in told]
    # State with its history and backups, the stack file, the logs: all files but the program's own.
    files = [path for path in stack.folder.parent.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if "history" in path.parts]
    assert not [path for path in files if any(secret in path.read_bytes() for secret in secrets)]


def inspected(engine: docker.DockerClient) -> Iterator[object]:
    """Of the stack's containers all that the engine tells, their environments too; and of its images how they came."""
    found = 0
    for container in engine.containers.list(all=True):
        if f"-{NAME}-" in str(container.name):
            found += 1
            yield container.attrs, container.logs().decode(errors="replace")
    for image in engine.images.list():
        if any(f"-{NAME}-" in tag for tag in image.tags):
            found += 1
            yield image.attrs, image.history()
    assert found >= 3
