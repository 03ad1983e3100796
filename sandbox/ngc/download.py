"""``GET /v2/models/nvidia/med/{name}/versions/{version}/zip``: one model of the catalogue as a zip.

Source of the address: https://github.com/Project-MONAI/MONAI, monai/apps/mmars/model_desc.py. That a download can be
continued (``Range``, ``If-Range``, ``ETag``) is RFC 9110; whether NGC offers it, no source shows.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sandbox.ngc import mmar
from sandbox.ngc.answers import refusal


def routes(folder: Path, admits: Callable[[Request], bool]) -> list[Route]:
    """
    folder  where zips are kept while the stand-in runs
    admits  may this request read?
    """

    async def download(request: Request) -> Response:
        if not admits(request):
            return refusal(401, "UNAUTHORIZED", "Authentication required")
        name, version = request.path_params["name"], request.path_params["version"]
        try:
            content = await run_in_threadpool(mmar.archive, name, version)
        except mmar.NotPublished:
            return refusal(404, "NOT_FOUND", f"Model version nvidia/med/{name}:{version} is not found")
        digest = hashlib.sha256(content).hexdigest()
        path = folder / digest
        if not path.exists():
            path.write_bytes(content)
        filename = f"{name}_{version}.zip"
        return FileResponse(path, headers={"etag": f'"{digest}"'}, media_type="application/zip", filename=filename)

    return [Route("/v2/models/nvidia/med/{name}/versions/{version}/zip", download, methods=["GET"])]
