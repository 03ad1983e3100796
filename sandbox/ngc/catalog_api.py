"""What NVIDIA's SDK asks NGC for, to list models and to fetch one file by file.

``GET /v2/search/catalog/resources/MODEL?q=<JSON>``                    models, by a pattern of their path
``GET /v2/models/nvidia/med/{name}``                                   one, and its latest version
``GET /v2/models/nvidia/med/{name}/versions/{version}``                one version, and whether it is complete
``GET /v2/models/nvidia/med/{name}/versions/{version}/files``          its files with size and checksum
``GET /v2/models/org/nvidia/team/med/{name}/{version}/files?path=``    a signed address of one file
``GET /objects/{digest}?X-Amz-Signature=``                             the file, for whoever has that address
``GET /token``                                                         a token for an API key of the old kind
``POST /v3/keys/get-caller-info``                                      whose an API key is that begins with nvapi-

With a key the SDK asks the same under ``/v2/org/nvidia/team/med/models/{name}``, the signed address under
``.../{version}/files``. Addresses and shapes are those that ngcsdk 4.37.0 sends and reads; nobody has recorded NGC's
own answers in full, so they hold what the SDK looks at.
"""

import base64
import fnmatch
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.ngc import mmar
from sandbox.ngc.answers import refusal
from sandbox.ngc.catalog import CATALOG, Published

_APPLICATIONS = {"deepgrow": "Annotation", "others": "Detection"}  # else AIAA's type, as NGC's listing has it
_SUCCESS = {"requestStatus": {"statusCode": "SUCCESS"}}

Endpoint = Callable[[Request], Response]


class CatalogApi:
    """
    folder   where files are kept while the stand-in runs
    refuses  a refusal, if this request may not read
    token    what an API key is exchanged for
    """

    def __init__(
        self, folder: Path, refuses: Callable[[Request], Response | None], *, api_key: str | None, token: str
    ) -> None:
        self._folder, self._refuses, self._api_key, self._token = folder, refuses, api_key, token
        self._signing = secrets.token_bytes(16)

    def routes(self) -> list[Route]:
        guest, keyed = "/v2/models/nvidia/med/{name}", "/v2/org/nvidia/team/med/models/{name}"
        return [
            Route("/v2/search/catalog/resources/MODEL", _search),
            Route("/token", self._give_token),
            Route("/v3/keys/get-caller-info", self._whose, methods=["POST"]),
            Route("/objects/{digest}", self._object),
            Route("/v2/models/org/nvidia/team/med/{name}/{version}/files", self._checked(self._address)),
            Route(keyed + "/{version}/files", self._checked(self._address)),
            *(Route(model, self._checked(_model)) for model in (guest, keyed)),
            *(Route(model + "/versions/{version}", self._checked(_version)) for model in (guest, keyed)),
            *(Route(model + "/versions/{version}/files", self._checked(_files)) for model in (guest, keyed)),
        ]

    def _checked(self, endpoint: Endpoint) -> Endpoint:
        def checked(request: Request) -> Response:
            name = request.path_params["name"]
            version = request.path_params.get("version")
            if (refused := self._refuses(request)) is not None:
                return refused
            if name not in CATALOG:
                return refusal(404, "NOT_FOUND", f"Model nvidia/med/{name} is not found")
            if version is not None and version not in CATALOG[name].files:
                return refusal(404, "NOT_FOUND", f"Model version nvidia/med/{name}:{version} is not found")
            return endpoint(request)

        return checked

    def _give_token(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").partition(" ")[2]
        wanted = base64.b64encode(f"$oauthtoken:{self._api_key}".encode()).decode()
        if self._api_key is None or not hmac.compare_digest(given, wanted):
            return refusal(401, "UNAUTHORIZED", "Invalid API key")
        return JSONResponse({"token": self._token, "expires_in": 600})

    async def _whose(self, request: Request) -> Response:
        async with request.form() as form:
            if self._api_key is None or form.get("credentials") != self._api_key:
                return refusal(401, "UNAUTHORIZED", "Invalid API key")
        return JSONResponse({"type": "PERSONAL_KEY", "orgName": "radiology"})

    def _address(self, request: Request) -> Response:
        path = request.query_params.get("path")
        content = mmar.files(request.path_params["name"], request.path_params["version"]).get(path or "")
        if content is None:
            return refusal(404, "NOT_FOUND", f"File {path} is not found")
        digest = hashlib.sha256(content).hexdigest()
        (self._folder / digest).write_bytes(content)
        url = f"{request.base_url}objects/{digest}?X-Amz-Signature={self._signature(digest)}"
        return JSONResponse({"filepath": [path], "urls": [url], **_SUCCESS})

    def _object(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        signature = request.query_params.get("X-Amz-Signature", "")
        if not hmac.compare_digest(signature.encode(), self._signature(digest).encode()):
            told = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            return Response(f'<?xml version="1.0"?>\n{told}', 403, media_type="application/xml")
        return FileResponse(self._folder / digest, headers={"etag": f'"{digest}"'}, media_type="binary/octet-stream")

    def _signature(self, digest: str) -> str:
        return hmac.new(self._signing, digest.encode(), hashlib.sha256).hexdigest()


def _search(request: Request) -> Response:
    asked: dict[str, Any] = json.loads(request.query_params["q"])
    pattern = asked["query"].removeprefix("resourceId:")
    found = [name for name in CATALOG if fnmatch.fnmatchcase(f"nvidia/med/{name}", pattern)]
    page, size = asked.get("page", 0), asked["pageSize"]
    resources = [_resource(name, CATALOG[name]) for name in found[page * size : (page + 1) * size]]
    results = [{"groupValue": "MODEL", "totalCount": len(found), "resources": resources}]
    return JSONResponse({"results": results, "resultPageTotal": -(-len(found) // size), **_SUCCESS})


def _resource(name: str, published: Published) -> dict[str, Any]:
    attributes = {"application": _application(published), "latestVersionIdStr": _latest(published)}
    return {
        "resourceId": f"nvidia/med/{name}",
        "name": name,
        "orgName": "nvidia",
        "teamName": "med",
        "description": published.description,
        "attributes": [{"key": key, "value": value} for key, value in attributes.items()],
    }


def _model(request: Request) -> Response:
    name = request.path_params["name"]
    published = CATALOG[name]
    about = {
        "name": name,
        "orgName": "nvidia",
        "teamName": "med",
        "application": _application(published),
        "latestVersionIdStr": _latest(published),
        "shortDescription": published.description,
    }
    return JSONResponse({"model": about, **_SUCCESS})


def _version(request: Request) -> Response:
    about = {"versionId": request.path_params["version"], "status": "UPLOAD_COMPLETE"}
    return JSONResponse({"modelVersion": about, **_SUCCESS})


def _files(request: Request) -> Response:
    contents = mmar.files(request.path_params["name"], request.path_params["version"])
    listed = [
        {
            "path": path,
            "sizeInBytes": len(content),
            "sha256_base64": base64.b64encode(hashlib.sha256(content).digest()).decode(),
        }
        for path, content in contents.items()
    ]
    pages = {"totalPages": 1, "totalResults": len(listed), "index": 0, "size": len(listed)}
    return JSONResponse({"modelFiles": listed, "paginationInfo": pages, **_SUCCESS})


def _application(published: Published) -> str:
    return _APPLICATIONS.get(published.type, published.type.capitalize())


def _latest(published: Published) -> str:
    return max(published.files, key=int)
