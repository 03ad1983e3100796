"""Pulumi's real host of dynamic providers, driven over gRPC as the engine drives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

PROJECT = Path(__file__).parents[2]

# How Pulumi writes a value that a preview cannot know, and one that is secret (sdk/go/common/resource).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_TIMEOUT = 60  # seconds for a call: no test should hang

Props = Mapping[str, Any]


class ProviderFailed(Exception):
    """A call ended with an error: what the user would read."""


def _secret(value: Any) -> dict[str, Any]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


@dataclass(frozen=True)
class Provider:
    """One provider class in the host. Its own key in the properties comes and goes here."""

    stub: provider_pb2_grpc.ResourceProviderStub
    serialized: str

    def check(self, news: Props) -> dict[str, str]:
        """Reasons by property; none if all is well."""
        request = provider_pb2.CheckRequest(urn="urn", news=self._struct(news))
        return {failure.property: failure.reason for failure in self._call(self.stub.Check, request).failures}

    def diff(self, id_: str, olds: Props, news: Props) -> bool:
        request = provider_pb2.DiffRequest(id=id_, urn="urn", olds=self._struct(olds), news=self._struct(news))
        answer = self._call(self.stub.Diff, request)
        assert answer.changes in (provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE)
        assert not answer.replaces
        return bool(answer.changes == provider_pb2.DiffResponse.DIFF_SOME)

    def create(self, inputs: Props) -> tuple[str, dict[str, Any]]:
        """The id and the state."""
        request = provider_pb2.CreateRequest(urn="urn", properties=self._struct(inputs))
        answer = self._call(self.stub.Create, request)
        return str(answer.id), _plain(answer.properties)

    def read(self, id_: str, state: Props) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The id, the state, and the inputs; an empty id means that it is gone."""
        request = provider_pb2.ReadRequest(id=id_, urn="urn", properties=self._struct(state))
        answer = self._call(self.stub.Read, request)
        return str(answer.id), _plain(answer.properties), _plain(answer.inputs)

    def update(self, id_: str, olds: Props, news: Props) -> dict[str, Any]:
        """The new state."""
        request = provider_pb2.UpdateRequest(id=id_, urn="urn", olds=self._struct(olds), news=self._struct(news))
        return _plain(self._call(self.stub.Update, request).properties)

    def delete(self, id_: str, state: Props) -> None:
        self._call(self.stub.Delete, provider_pb2.DeleteRequest(id=id_, urn="urn", properties=self._struct(state)))

    def _struct(self, props: Props) -> struct_pb2.Struct:
        return _struct({**props, PROVIDER_KEY: self.serialized})

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=_TIMEOUT)
        except grpc.RpcError as error:
            raise ProviderFailed(error.details().removeprefix("Exception calling application: ")) from None


@dataclass(frozen=True)
class ProviderHost:
    stub: provider_pb2_grpc.ResourceProviderStub
    _output: IO[bytes]
    _process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """As `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def provider(self, kind: type[ResourceProvider]) -> Provider:
        return Provider(self.stub, serialize_provider(kind()))

    def said(self) -> str:
        """What it printed, which a user sees during `up`."""
        return _content(self._output)


@contextmanager
def provider_host(
    config: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
) -> Iterator[ProviderHost]:
    """
    Args:
        config: the stack's, by key without the namespace. It is sent as the engine does: JSON, and secret if anything
            in it is.
        env: variables on top of this process's.
    """
    variables = {f"xnat-aiaa:{key}": _secret(json.dumps(value)) for key, value in (config or {}).items()}
    with TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pulumi.dynamic"],
            cwd=PROJECT,
            env={**os.environ, "PULUMI_PROJECT": "xnat-aiaa", **(env or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            with grpc.insecure_channel(f"127.0.0.1:{_port(process, output)}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(args=_struct(variables)), timeout=_TIMEOUT)
                yield ProviderHost(stub, output, process)
        finally:
            process.terminate()
            process.wait()


def _port(process: subprocess.Popen[bytes], output: IO[bytes]) -> int:
    """The first line that it writes."""
    deadline = time.monotonic() + _TIMEOUT
    while "\n" not in (said := _content(output)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the provider host does not start: {said}")
        time.sleep(0.02)
    return int(said.partition("\n")[0])


def _content(file: IO[bytes]) -> str:
    """Without moving the place where the process writes."""
    return os.pread(file.fileno(), 1 << 20, 0).decode()


def _struct(content: Props) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(dict(content))
    return message


def _plain(message: struct_pb2.Struct) -> dict[str, Any]:
    return {key: value for key, value in json_format.MessageToDict(message).items() if key != PROVIDER_KEY}
