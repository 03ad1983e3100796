"""A Docker engine that answers as a test says: its API, for single containers and image pulls, over HTTP."""

from __future__ import annotations

import base64
import io
import json
import re
import tarfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

_API = "1.41"
_EVERYTHING = re.compile(".*")


@dataclass
class ScriptedContainer:
    """
    Attributes:
        state: what changes `docker inspect`'s `State` from a container that runs.
        files: contents by path. made_by_a_run: those that are there after it ran.
        exit_code: of a run. log: what it says.
        published: addresses and ports of the engine's host.
    """

    id: str
    state: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    made_by_a_run: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0
    log: str = ""
    published: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class ScriptedDocker:
    """
    Attributes:
        host: its address, as a stack file's `docker` has it.
        containers: by name; take one away and it is gone.
        started: names, in order.
        images: processors (`amd64`) by name, of those that it has.
        registry: what it says when it pulls an image of this name: events, of which an `Event` is waited for; or a text
            with which it refuses. An image that comes has the processor `comes_for`.
        pulls: names of the images that it was asked to pull, each with its log-in.
    """

    host: str
    containers: dict[str, ScriptedContainer] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    registry: dict[str, Sequence[dict[str, Any] | threading.Event] | str] = field(default_factory=dict)
    comes_for: str = "amd64"
    pulls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        path = request.path.removeprefix(f"/v{_API}")
        if path == "/version":
            return _json({"ApiVersion": _API, "Arch": "amd64"})
        if path == "/images/create":
            return self._pull(request)
        if match := re.fullmatch(r"/images/(.+)/json", path):
            return self._image(match[1])
        if match := re.fullmatch(r"/distribution/(.+)/json", path):
            return self._manifest(match[1], request)
        _, _, name, what = path.split("/") if path.count("/") == 3 else (*path.split("/"), "")
        found = {name: c for key, c in self.containers.items() for name in (key, c.id)}.get(name)
        if found is None:
            return _json({"message": f"No such container: {name}"}, 404)
        match what:
            case "json":
                state = {"Status": "running", "ExitCode": 0, "OOMKilled": False, "Error": ""} | found.state
                config = {"Image": "image:1", "Tty": False}
                bindings = [{"HostIp": address, "HostPort": str(port)} for address, port in found.published]
                host = {"PortBindings": {"5000/tcp": bindings}}
                return _json({"Id": found.id, "State": state, "Config": config, "HostConfig": host})
            case "start":
                self.started.append(next(key for key, c in self.containers.items() if c is found))
                found.files = found.made_by_a_run | found.files
                return Response(status=204)
            case "wait":
                return _json({"StatusCode": found.exit_code, "Error": None})
            case "archive":
                path = request.args["path"]
                if path not in found.files:
                    return _json({"message": f"Could not find the file {path} in container {found.id}"}, 404)
                return Response(_tar(path, found.files[path]), headers={"X-Docker-Container-Path-Stat": "e30="})
            case "logs":
                text = found.log.encode()
                return Response(bytes([1, 0, 0, 0]) + len(text).to_bytes(4) + text)
            case "":
                self.containers = {key: c for key, c in self.containers.items() if c is not found}
                return Response(status=204)
        return _json({"message": f"not scripted: {request.method} {request.path}"}, 501)

    def _image(self, name: str) -> Response:
        if name not in self.images:
            return _json({"message": f"No such image: {name}"}, 404)
        return _json({"Id": f"sha256:{name}", "Architecture": self.images[name], "RepoTags": [name]})

    def _pull(self, request: Request) -> Response:
        reference = request.args["tag"]
        name = f"{request.args['fromImage']}{'@' if ':' in reference else ':'}{reference}"
        self.pulls.append((name, _auth(request)))
        script = self.registry.get(name, "manifest unknown")
        if isinstance(script, str):
            return _json({"message": script}, 500)
        return Response(self._events(name, script), content_type="application/json")

    def _events(self, name: str, script: Sequence[dict[str, Any] | threading.Event]) -> Iterator[bytes]:
        for event in script:
            if isinstance(event, threading.Event):
                event.wait(60)
            else:
                yield json.dumps(event).encode() + b"\r\n"
                if "error" in event:
                    return
        self.images[name] = self.comes_for

    def _manifest(self, name: str, request: Request) -> Response:
        self.pulls.append((f"manifest of {name}", _auth(request)))
        script = self.registry.get(name, "manifest unknown")
        if isinstance(script, str):
            return _json({"message": script}, 500)
        return _json(
            {"Descriptor": {"digest": "sha256:1"}, "Platforms": [{"architecture": self.comes_for, "os": "linux"}]}
        )


@contextmanager
def scripted_docker() -> Iterator[ScriptedDocker]:
    with HTTPServer(threaded=True) as server:
        engine = ScriptedDocker(f"tcp://{server.host}:{server.port}")
        server.expect_request(_EVERYTHING).respond_with_handler(engine.answer)
        yield engine


def _auth(request: Request) -> dict[str, str]:
    return dict(json.loads(base64.urlsafe_b64decode(request.headers.get("X-Registry-Auth", "e30="))))


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


def _tar(path: str, content: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo(path.rpartition("/")[2])
        member.size = len(content.encode())
        archive.addfile(member, io.BytesIO(content.encode()))
    return made.getvalue()
