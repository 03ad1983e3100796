"""`python -m clients.ngc_sdk`: one question to NGC through NVIDIA's SDK (`ngcsdk`), in a process of its own.

The SDK prints, starts threads, installs signal handlers, reads settings from the environment when it is imported, and
writes to its home folder. None of that is to happen where Pulumi runs. The question comes as JSON on standard input,
the answer goes as JSON to standard output, the key comes in the environment (https://docs.ngc.nvidia.com/sdk/).
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
import os
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from ngcbase.constants import SCOPED_KEY_PREFIX
from ngcbase.errors import NgcAPIError, NgcException, ResourceNotFoundException
from ngcsdk import APIClient

from engines.errors import cause

_COMPLETE = "UPLOAD_COMPLETE"


def models(client: APIClient, pattern: str) -> list[dict[str, str]]:
    """
    Args:
        pattern: as `nvidia/med/*`.
    """
    found = client.registry.model.list(pattern)
    return [
        {
            "name": model.name,
            "path": "/".join(part for part in (model.orgName, model.teamName, model.name) if part),
            "version": model.latestVersionIdStr or "",
            "kind": model.application or "",
            "told": model.shortDescription or model.description or model.displayName or "",
        }
        for model in found
    ]


def files(client: APIClient, path: str, version: str, wanted: list[str]) -> dict[str, Any]:
    """What a version consists of, with a signed address for each file, which is good for some minutes; or which version
    is the latest, if there is not that one.

    Args:
        wanted: patterns of file paths.
    """
    org, *team, name = path.split("/")
    where = {"org": org, "team": team[0] if team else None}
    target = f"{path}:{version}"
    try:
        status = client.registry.model.info(target).modelVersion.status
    except ResourceNotFoundException:
        return {"latest": client.registry.model.info(path).model.latestVersionIdStr}
    if status != _COMPLETE:
        return {"status": status, "files": []}
    listed = [
        {"path": file.path, "size": file.sizeInBytes, "sha256": _hex(file.sha256_base64)}
        for file in client.registry.model.list_files(target, **where)
        if any(fnmatch.fnmatchcase(file.path, pattern) for pattern in wanted)
    ]
    address = client.registry.model.get_direct_download_URL(name, version, **where)
    for file in listed:
        signed = client.connection.make_api_request(
            "GET",
            f"{address}?{urlencode({'path': file['path']})}",
            auth_org=where["org"],
            auth_team=where["team"],
            operation_name="fetch download url",
        )
        file["url"] = signed["urls"][0]
    return {"status": status, "files": listed}


def _act_for(client: APIClient, org: str) -> None:
    """Whoever has a key acts for an organization, as NVIDIA's own `Client.configure` has it: the one that was
    configured, or the key's own; or else, as keys of the old kind have none, the one that has the model."""
    if client.config.app_key and not client.config.org_name:
        is_of_one = client.config.app_key.startswith(SCOPED_KEY_PREFIX)
        details = client.authentication.get_sak_key_details(client.config.app_key) if is_of_one else None
        client.config.org_name = getattr(details, "orgName", None) or org


def _hex(digest: str | None) -> str | None:
    """The digest as `sha256sum` writes it; None if it is not to be understood."""
    try:
        raw = base64.b64decode(digest or "", validate=True)
    except binascii.Error:
        return None
    return raw.hex() if len(raw) == 32 else None


_QUESTIONS: dict[str, Callable[..., Any]] = {"models": models, "files": files}


def _description(error: NgcException) -> str:
    """What NGC itself said, or else why nobody did."""
    try:
        status = json.loads(getattr(error, "explanation", None) or "")["requestStatus"]
        return str(status.get("statusDescription") or status.get("statusCode"))
    except (ValueError, LookupError, TypeError):
        return cause(error)


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    question = json.load(sys.stdin)
    # An address given so is taken as it is; NGC_CLI_API_URL, which keys are sent to, becomes https whatever it says.
    client = APIClient(base_url=question["url"])
    try:
        _act_for(client, question["org"])
        said: dict[str, Any] = {"answer": _QUESTIONS[question["ask"]](client, **question["about"])}
    except NgcException as error:
        status = error.status_code if isinstance(error, NgcAPIError) else None
        said = {"error": {"status": status or None, "kind": type(error).__name__, "told": _description(error)}}
    with answers:
        json.dump(said, answers)


if __name__ == "__main__":
    main()
