"""Models of NGC for a server with no way out: the machine that deploys fetches them and sends them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette

from sandbox.ngc.app import create_app
from sandbox.serve import serve
from tests.support.certificate import certificate
from tests.support.external_stack import ExternalStack, external_stack
from tests.support.pulumi_stack import PulumiFailed

SPLEEN = "clara_pt_spleen_ct_segmentation"
KEY = "nvapi-tangerine-4711"


@dataclass
class Catalogue:
    """NGC for those who have the key.

    Attributes:
        authority: the file with the certificate authority that its own certificate is of.
    """

    url: str
    app: Starlette
    authority: str

    def requests(self) -> int:
        return len(self.app.state.faults.requests)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    app = create_app(api_key=KEY)
    authority, private = certificate(tmp_path_factory.mktemp("certificate"))
    with serve(app, ssl_certfile=authority, ssl_keyfile=private) as url:  # a key goes nowhere else
        yield Catalogue(url, app, authority)


@pytest.fixture(scope="module")
def external(catalogue: Catalogue) -> Iterator[ExternalStack]:
    """Up, with one model; the tests follow one another."""
    ngc = {"url": catalogue.url, "api_key_env": "KEY_OF_NGC"}
    env = {"KEY_OF_NGC": KEY, "REQUESTS_CA_BUNDLE": catalogue.authority}
    with external_stack("deployer", env=env, ngc=ngc) as external:
        source = {"path": f"nvidia/med/{SPLEEN}", "version": "1", "fetch": "deployer"}
        external.change(lambda settings: settings["models"].update({SPLEEN: {"ngc": source}}))
        external.stack.preview()
        assert catalogue.requests() == 0
        external.stack.up()
        yield external


def test_the_model_is_sent_with_a_mark_that_tells_where_it_came_from(external: ExternalStack) -> None:
    entry = external.listed("gpu1")[SPLEEN]
    assert (entry["type"], entry["labels"], entry["version"]) == ("segmentation", ["spleen"], "1")
    assert (entry["managed_by"], entry["origin"]) == ("xnat-aiaa/deployer", f"nvidia/med/{SPLEEN}:1")
    assert external.asked("gpu1", "PUT") == [SPLEEN]
    assert external.inferences("gpu1") == [SPLEEN]
    external.stack.require_no_changes()


def test_another_version_is_shown_as_the_two_versions_and_fetched_when_it_is_sent(
    external: ExternalStack, catalogue: Catalogue
) -> None:
    before = catalogue.requests()
    external.change(lambda settings: settings["models"][SPLEEN]["ngc"].update(version="2"))
    assert external.stack.preview().properties[f"Model gpu1/{SPLEEN}"] == {"ngc_version"}
    assert catalogue.requests() == before
    external.stack.up()
    assert external.listed("gpu1")[SPLEEN]["origin"] == f"nvidia/med/{SPLEEN}:2"


def test_a_version_that_ngc_does_not_have_is_told_in_one_line_and_the_model_stays(external: ExternalStack) -> None:
    external.change(lambda settings: settings["models"][SPLEEN]["ngc"].update(version="7"))
    with pytest.raises(PulumiFailed) as failed:
        external.stack.up()
    told = {line for line in failed.value.errors if f"model gpu1/{SPLEEN}: " in line}
    assert len(told) == 1
    assert "7" in told.pop()
    assert "Traceback" not in failed.value.output
    assert external.listed("gpu1")[SPLEEN]["version"] == "2"


def test_the_key_is_in_nothing_that_pulumi_keeps(external: ExternalStack) -> None:
    folder = Path(external.stack.folder.parent)
    kept = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in kept if "history" in path.parts]
    assert [path for path in kept if KEY.encode() in path.read_bytes()] == []
