"""A registry of images for tests: with a log-in if wanted, slow or cut off where wanted, and it counts what it sends.

Sources: https://distribution.github.io/distribution/spec/api/, as far as an engine needs it for a pull;
https://distribution.github.io/distribution/spec/auth/token/ and https://distribution.github.io/distribution/spec/auth/oauth/
for the log-in by token.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import json
import random
import tarfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.faults import TRANSPORT
from sandbox.serve import serve

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Image:
    """
    Attributes:
        layers: digests of the packed layers, the lowest first. tars: what is in them.
        blobs: contents by digest, the configuration's too.
    """

    manifest: bytes
    layers: tuple[str, ...]
    tars: tuple[bytes, ...]
    blobs: dict[str, bytes]

    @property
    def digest(self) -> str:
        return _digest(self.manifest)


def random_image(sizes: Sequence[int], *, architecture: str = "amd64") -> Image:
    """An image of layers that hold so many random bytes each; another one at each call."""
    tars = [_tar(f"layer-{number}", random.randbytes(size)) for number, size in enumerate(sizes)]  # noqa: S311
    return image_of(tars, architecture=architecture)


def image_of(tars: Sequence[bytes], *, architecture: str = "amd64") -> Image:
    """
    Args:
        tars: contents of its layers, the lowest first.
    """
    packed = [gzip.compress(tar, compresslevel=1) for tar in tars]
    layers = [_digest(each) for each in packed]
    rootfs = {"type": "layers", "diff_ids": [_digest(tar) for tar in tars]}
    config = json.dumps({"architecture": architecture, "os": "linux", "config": {}, "rootfs": rootfs}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
        "layers": [
            {"mediaType": _LAYER, "size": len(each), "digest": layer}
            for layer, each in zip(layers, packed, strict=True)
        ],
    }
    blobs = {**dict(zip(layers, packed, strict=True)), _digest(config): config}
    return Image(json.dumps(manifest).encode(), tuple(layers), tuple(tars), blobs)


@dataclass
class Registry:
    """
    Attributes:
        login: how it wants to know who asks. user, password: whom it lets in. identity_token: is as good as these.
        images: by `name:tag`.
        held: a blob of this digest stops after so many bytes, until it is taken out of here.
        cut: a blob of this digest breaks off after so many bytes of each request, as long as it is in here.
        sent: bytes of each blob, over all requests. begun: how often each blob was asked for from its beginning.
        asked: `METHOD path` of all requests.
        host: as an image's name begins.
    """

    login: Literal["none", "basic", "token"] = "none"
    user: str = "$oauthtoken"
    password: str = "registry-key"
    identity_token: str = ""
    images: dict[str, Image] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    host: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, image: Image) -> str:
        """
        Args:
            name: `team/app:1`.

        Returns:
            The image's name on an engine.
        """
        self.images[name] = image
        return f"{self.host}/{name}"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/token", self._token, methods=["GET", "POST"]),
                Route("/v2/{path:path}", self._v2, methods=["GET", "HEAD"]),
            ]
        )

    async def _token(self, request: Request) -> Response:
        self.asked.append(f"{request.method} /token")
        form = await request.form() if request.method == "POST" else {}
        by_identity = self.identity_token and form.get("refresh_token") == self.identity_token
        by_password = (form.get("username"), form.get("password")) == (self.user, self.password)
        if not (by_identity or by_password or self._knows(request.headers.get("authorization", ""))):
            return _refused(401, "UNAUTHORIZED", "authentication required")
        return JSONResponse({"token": self._bearer, "access_token": self._bearer, "expires_in": 3600})

    @property
    def _bearer(self) -> str:
        return hashlib.sha256(self.password.encode()).hexdigest()

    def _knows(self, authorization: str) -> bool:
        kind, _, value = authorization.partition(" ")
        if kind == "Basic":
            return base64.b64decode(value).decode() == f"{self.user}:{self.password}"
        return kind == "Bearer" and value == self._bearer

    async def _v2(self, request: Request) -> Response:
        path = request.path_params["path"]
        with self._lock:
            self.asked.append(f"{request.method} /v2/{path}")
        if self.login != "none" and not self._knows(request.headers.get("authorization", "")):
            realm = f'realm="http://{self.host}/token",service="tests"' if self.login == "token" else 'realm="tests"'
            message = {"WWW-Authenticate": f"{'Bearer' if self.login == 'token' else 'Basic'} {realm}"}
            return _refused(401, "UNAUTHORIZED", "authentication required", message)
        name, _, rest = path.rpartition("/manifests/")
        if name:
            return self._manifest(name, rest)
        name, _, digest = path.rpartition("/blobs/")
        if name:
            return self._blob(digest, request)
        return JSONResponse({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})

    def _manifest(self, name: str, reference: str) -> Response:
        for key, image in self.images.items():
            if key == f"{name}:{reference}" or (key.startswith(f"{name}:") and image.digest == reference):
                return Response(image.manifest, media_type=_MANIFEST, headers={"Docker-Content-Digest": image.digest})
        return _refused(404, "MANIFEST_UNKNOWN", "manifest unknown")

    def _blob(self, digest: str, request: Request) -> Response:
        blob = next((image.blobs[digest] for image in self.images.values() if digest in image.blobs), None)
        if blob is None:
            return _refused(404, "BLOB_UNKNOWN", "blob unknown to registry")
        start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers = {"Content-Length": str(len(blob) - start), "Docker-Content-Digest": digest}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(blob) - 1}/{len(blob)}"
        elif request.method == "GET":
            with self._lock:
                self.begun[digest] += 1
        content = self._content(digest, blob, start, request)
        return StreamingResponse(content, 206 if start else 200, headers, "application/octet-stream")

    async def _content(self, digest: str, blob: bytes, start: int, request: Request) -> AsyncIterator[bytes]:
        at = start
        while at < len(blob):
            until = min(len(blob), at + _CHUNK, self.held.get(digest, len(blob)))
            until = min(until, start + self.cut.get(digest, len(blob)))
            if until > at:
                with self._lock:
                    self.sent[digest] += until - at
                yield blob[at:until]
                at = until
            elif digest in self.cut:
                request.scope["extensions"][TRANSPORT].close()
                await asyncio.Event().wait()  # until this request is cancelled, as its client is gone
            else:
                await asyncio.sleep(0.005)


@contextmanager
def registry(**wanted: object) -> Iterator[Registry]:
    """On loopback, where engines take plain http."""
    made = Registry(**wanted)  # type: ignore[arg-type]
    with serve(made.app()) as url:
        made.host = url.removeprefix("http://")
        yield made


def _refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message, "detail": None}]}, status, headers)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _tar(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return made.getvalue()
