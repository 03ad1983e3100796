"""NGC's catalogue through NVIDIA's SDK, against the stand-in for NGC."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from starlette.types import ASGIApp, Receive, Scope, Send

from clients.errors import Broken, ClientError, Refused, Rejected
from clients.ngc import CatalogModel, NgcCatalog
from clients.ngc_key import Key
from clients.ngc_process import SdkProcess
from sandbox.ngc import mmar
from sandbox.ngc.app import create_app
from sandbox.ngc.catalog import CATALOG
from sandbox.serve import serve
from tests.support.certificate import certificate

SPLEEN = "clara_pt_spleen_ct_segmentation"
PATH = f"nvidia/med/{SPLEEN}"

Listed = Callable[..., None]


@dataclass
class Recorded:
    """An application, and what it was asked for."""

    app: ASGIApp
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["path"], headers))
        await self.app(scope, receive, send)

    def objects(self) -> list[dict[str, str]]:
        """The headers of each request for a file."""
        return [headers for path, headers in self.asked if path.startswith("/objects/")]


@dataclass
class Ngc:
    url: str
    recorded: Recorded
    app: Any


@pytest.fixture
def ngc() -> Iterator[Ngc]:
    app = create_app()
    recorded = Recorded(app)
    with serve(recorded) as url:
        yield Ngc(url, recorded, app)


def fetch(catalog: NgcCatalog, folder: Path, version: str = "1", path: str = PATH, **options: Any) -> Path:
    return catalog.fetch(path, version, folder, 60, lambda _: None, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_models_for_medical_imaging_are_listed_with_their_latest_versions(ngc: Ngc) -> None:
    models = NgcCatalog(ngc.url).models()
    assert [model.name for model in models] == sorted(CATALOG)
    assert CatalogModel(SPLEEN, PATH, "2", "Segmentation", CATALOG[SPLEEN].description) in models


def test_a_folder_without_models_is_told(ngc: Ngc) -> None:
    with pytest.raises(Rejected, match="lists no models in nvidia/none"):
        NgcCatalog(ngc.url).models("nvidia/none")


def test_a_model_is_fetched_as_the_folder_that_ngcs_own_tool_makes(ngc: Ngc, tmp_path: Path) -> None:
    folder = fetch(NgcCatalog(ngc.url), tmp_path)
    assert folder == tmp_path / f"{SPLEEN}_v1"
    assert contents(tmp_path) == {f"{SPLEEN}_v1/{path}": content for path, content in mmar.files(SPLEEN, "1").items()}


def test_what_is_there_is_not_fetched_again_unless_it_was_changed(ngc: Ngc, tmp_path: Path) -> None:
    catalog = NgcCatalog(ngc.url)
    folder = fetch(catalog, tmp_path)
    config, wanted = folder / "config/config_aiaa.json", contents(folder)
    config.write_bytes(config.read_bytes().replace(b"spleen", b"kidney", 1))
    before = len(ngc.recorded.objects())
    assert contents(fetch(catalog, tmp_path)) == wanted
    assert len(ngc.recorded.objects()) == before + 1


def test_a_file_that_was_cut_off_goes_on_where_it_was(ngc: Ngc, tmp_path: Path) -> None:
    catalog = NgcCatalog(ngc.url)
    weights = fetch(catalog, tmp_path, wanted=["models/*"]) / "models/model.ts"
    whole = weights.read_bytes()
    weights.unlink()
    weights.with_name("model.ts.part").write_bytes(whole[:1000])
    weights.with_name("model.ts.part.version").write_text(f'"{hashlib.sha256(whole).hexdigest()}"')
    fetch(catalog, tmp_path, wanted=["models/*"])
    assert weights.read_bytes() == whole
    assert ngc.recorded.objects()[-1]["range"] == "bytes=1000-"


def test_only_the_files_that_are_wanted_are_fetched(ngc: Ngc, tmp_path: Path) -> None:
    assert list(contents(fetch(NgcCatalog(ngc.url), tmp_path, wanted=["config/*"]))) == ["config/config_aiaa.json"]


def test_a_file_that_no_model_has_is_told(ngc: Ngc, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"has no file models/model\.trt\.pb in version 1"):
        fetch(NgcCatalog(ngc.url), tmp_path, wanted=["models/model.trt.pb"])


@pytest.mark.parametrize(
    ("path", "version", "told"),
    [(PATH, "7", "has no version 7: its latest is 2"), ("nvidia/med/none", "1", "nvidia/med/none:1: no such model")],
)
def test_what_is_not_there_is_told(ngc: Ngc, tmp_path: Path, path: str, version: str, told: str) -> None:
    with pytest.raises(Rejected) as caught:
        fetch(NgcCatalog(ngc.url), tmp_path, version, path)
    assert told in caught.value.line
    assert list(tmp_path.iterdir()) == []


def test_a_guest_is_told_that_a_key_is_needed(tmp_path: Path) -> None:
    with serve(create_app(api_key="nvapi-1")) as url, pytest.raises(Refused) as caught:
        fetch(NgcCatalog(url), tmp_path)
    assert "answered 403: Access Denied: it is not for guests: give a key" in caught.value.line


class TestKey:
    @pytest.mark.parametrize("value", ["nvapi-k3y", "b2xkLWtpbmQ"])
    def test_keys_of_both_kinds_are_good_for_models_that_are_not_public(self, tmp_path: Path, value: str) -> None:
        cert, secret = certificate(tmp_path)
        recorded = Recorded(create_app(api_key=value))
        with serve(recorded, ssl_certfile=cert, ssl_keyfile=secret) as url:
            folder = fetch(NgcCatalog(url, Key(value), ca_file=cert), tmp_path)
        assert contents(folder) == mmar.files(SPLEEN, "1")
        assert all("authorization" not in headers for headers in recorded.objects())

    @pytest.mark.parametrize("value", ["nvapi-wr0ng", "d3Jvbmc"])
    def test_a_wrong_key_is_told_and_not_shown(self, tmp_path: Path, value: str) -> None:
        cert, secret = certificate(tmp_path)
        with (
            serve(create_app(api_key="nvapi-k3y"), ssl_certfile=cert, ssl_keyfile=secret) as url,
            pytest.raises(Refused) as caught,
        ):
            fetch(NgcCatalog(url, Key(value), ca_file=cert), tmp_path)
        assert "mend the key" in caught.value.line
        assert value not in caught.value.line

    def test_an_organization_that_was_configured_is_acted_for(self, tmp_path: Path) -> None:
        cert, secret = certificate(tmp_path)
        recorded = Recorded(create_app(api_key="nvapi-k3y"))
        with serve(recorded, ssl_certfile=cert, ssl_keyfile=secret) as url:
            fetch(NgcCatalog(url, Key("nvapi-k3y", "hospital"), ca_file=cert), tmp_path, wanted=["config/*"])
        assert {headers.get("nv-ngc-org") for path, headers in recorded.asked if path.startswith("/v2/")} == {
            "hospital"
        }


class TestOddAnswers:
    """Those that the stand-in does not give."""

    def test_a_licence_that_was_not_accepted_is_told_with_where_to_do_it(
        self, httpserver: HTTPServer, tmp_path: Path
    ) -> None:
        version, refusal = {"modelVersion": {"status": "UPLOAD_COMPLETE"}}, {"statusDescription": "Terms not accepted"}
        httpserver.expect_request(f"/v2/models/{PATH}/versions/1").respond_with_json(version)
        httpserver.expect_request(f"/v2/models/{PATH}/versions/1/files").respond_with_json(
            {"requestStatus": refusal}, status=412
        )
        with pytest.raises(Rejected) as caught:
            fetch(NgcCatalog(httpserver.url_for("/")), tmp_path)
        page = f"https://catalog.ngc.nvidia.com/orgs/nvidia/teams/med/models/{SPLEEN}"
        assert f"answered 412: Terms not accepted: accept its licence at {page}" in caught.value.line

    def test_what_is_not_ngc_at_all_is_told(self, httpserver: HTTPServer) -> None:
        httpserver.expect_request("/v2/search/catalog/resources/MODEL").respond_with_data("<html>Hello</html>")
        with pytest.raises(ClientError) as caught:
            NgcCatalog(httpserver.url_for("/")).models()
        assert "\n" not in caught.value.line
        assert "Traceback" not in caught.value.line


class TestOddModels:
    """What the SDK may well hand on, in place of which its answers are given here."""

    @pytest.fixture
    def listed(self, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Listed:
        def listed(*paths: str, size: int = 4, status: str = "UPLOAD_COMPLETE") -> None:
            files = [
                {"path": path, "size": size, "sha256": None, "url": httpserver.url_for("/object")} for path in paths
            ]
            monkeypatch.setattr(SdkProcess, "ask", lambda *_: {"status": status, "files": files})

        httpserver.expect_request("/object").respond_with_data(b"data")
        return listed

    def test_a_version_that_is_still_being_uploaded_is_told(self, listed: Listed, tmp_path: Path) -> None:
        listed(status="UPLOAD_PENDING")
        with pytest.raises(Rejected, match="in the state UPLOAD_PENDING"):
            fetch(NgcCatalog(), tmp_path)

    @pytest.mark.parametrize("path", ["../outside", "/etc/outside", "models/../../outside", "", "nul\0"])
    def test_no_file_goes_outside_of_the_folder(self, listed: Listed, tmp_path: Path, path: str) -> None:
        listed(path)
        with pytest.raises(Broken, match="has a file named"):
            fetch(NgcCatalog(), tmp_path)
        assert contents(tmp_path) == {}

    def test_a_file_of_another_size_than_is_listed_is_none(self, listed: Listed, tmp_path: Path) -> None:
        listed("model.ts", size=5)
        with pytest.raises(Broken, match="has 4 bytes, and should have 5"):
            fetch(NgcCatalog(), tmp_path)

    def test_an_empty_file_is_one(self, listed: Listed, httpserver: HTTPServer, tmp_path: Path) -> None:
        httpserver.expect_ordered_request("/object").respond_with_data(b"")
        listed("docs/empty", size=0)
        assert contents(fetch(NgcCatalog(), tmp_path)) == {"docs/empty": b""}

    def test_an_address_that_has_expired_meanwhile_is_asked_for_anew(
        self, listed: Listed, httpserver: HTTPServer, tmp_path: Path
    ) -> None:
        httpserver.expect_ordered_request("/object").respond_with_data("expired", status=403)
        listed("model.ts")
        assert contents(fetch(NgcCatalog(), tmp_path)) == {"model.ts": b"data"}
