"""A stand-in for Pulumi's command plugin, for tests where the real one cannot be had: `command:local:Command` alone.

It runs what it is told, as the real one does (pulumi/pulumi-command 1.x, provider/pkg/provider/local): by `/bin/sh -c`
in Pulumi's folder unless `interpreter` and `dir` say otherwise; `create` for updates too unless there is `update`;
nothing in a preview; `triggers` replace, any other changed input updates; a failed command's error is its exit status,
the command and all that it said. Assets, archives and `local.run` are not there.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import threading
from collections.abc import Mapping
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

_TYPE = "command:local:Command"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # as Pulumi writes what a preview cannot know yet
_RESULTS = ("stdout", "stderr")
Props = Mapping[str, Any]


class CommandFailed(Exception):
    """In the real plugin's words."""


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        del request, context
        return plugin_pb2.PluginInfo(version="1.2.1")

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        del request, context
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        del request, context
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        del context
        if f"::{_TYPE}::" not in request.urn and f"${_TYPE}::" not in request.urn:
            reason = f"the stand-in for the command plugin has {_TYPE} only"
            return provider_pb2.CheckResponse(failures=[provider_pb2.CheckFailure(reason=reason)])
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        del context
        olds, news = _plain(request.old_inputs), _plain(request.news)
        changed = sorted(key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key))
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        replaces = [key for key in changed if key == "triggers"]
        return provider_pb2.DiffResponse(changes=some if changed else none, diffs=changed, replaces=replaces)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        props = _plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=_struct(_preview(props)))
        state = self._done(context, props, props.get("create"), {})
        return provider_pb2.CreateResponse(id=secrets.token_hex(8), properties=_struct(state))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        olds, news = _plain(request.olds), _plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct(_preview(news)))
        state = self._done(context, news, news.get("update") or news.get("create"), olds)
        return provider_pb2.UpdateResponse(properties=_struct(state))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        props = _plain(request.properties)
        self._done(context, props, props.get("delete"), props)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """It has no way to look at anything, as the real one has none."""
        del context
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        del request, context
        return empty_pb2.Empty()

    def _done(self, context: Any, props: Props, command: str | None, olds: Props) -> dict[str, Any]:
        former = {key: olds.get(key, "") for key in _RESULTS}
        try:
            return {**props, **(run(props, command, former) if command else former)}
        except CommandFailed as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise


def run(props: Props, command: str, former: Props) -> dict[str, str]:
    """
    Raises:
        CommandFailed: it ended with an error.
    """
    env = {**os.environ, **props.get("environment", {})}
    if props.get("addPreviousOutputInEnv", True):
        env |= {f"PULUMI_COMMAND_{key.upper()}": value for key, value in former.items() if value}
    process = subprocess.Popen(
        [*(props.get("interpreter") or ["/bin/sh", "-c"]), command],
        cwd=props.get("dir"),
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    if given := props.get("stdin"):
        process.stdin.write(given)
    process.stdin.close()
    said: dict[str, list[str]] = {key: [] for key in _RESULTS}
    both: list[str] = []
    readers = [
        threading.Thread(target=_collect, args=(getattr(process, key), said[key], both), daemon=True)
        for key in _RESULTS
    ]
    for reader in readers:
        reader.start()
    code = process.wait()
    for reader in readers:
        reader.join()
    if code != 0:
        status = f"signal: {signal.strsignal(-code)}" if code < 0 else f"exit status {code}"
        quoted = command.replace("\\", "\\\\").replace('"', '\\"')
        raise CommandFailed(f'{status}: running "{quoted}":\n{"".join(both)}')
    return {key: "".join(lines).removesuffix("\n") for key, lines in said.items()}


def _collect(stream: Any, *into: list[str]) -> None:
    for line in stream:
        for lines in into:
            lines.append(line)


def _preview(props: Props) -> dict[str, Any]:
    return {**props, **dict.fromkeys(_RESULTS, _UNKNOWN)}


def _plain(message: struct_pb2.Struct) -> dict[str, Any]:
    return dict(json_format.MessageToDict(message))


def _struct(content: Props) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(dict(content))
    return message


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
