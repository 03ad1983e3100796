"""The TorchScript files that come with the repository."""

import zipfile
from pathlib import Path

import pytest

from sandbox.ngc.catalog import CATALOG

ROOT = Path(__file__).resolve().parents[3]
LIVER_MODEL = ROOT / "models" / "liver_demo" / "model.ts"
NGC_MODELS = ROOT / "sandbox" / "ngc" / "models"


@pytest.mark.parametrize("path", [LIVER_MODEL, *sorted(NGC_MODELS.glob("*.ts"))], ids=lambda path: path.name)
def test_a_demonstration_model_is_small_and_names_no_folder_of_the_machine_it_was_made_on(path: Path) -> None:
    assert path.stat().st_size < 10_000
    with zipfile.ZipFile(path) as archive:
        assert "model/code/__torch__.py" in archive.namelist()
        assert not any(b"make_demo_models" in archive.read(name) for name in archive.namelist())


def test_the_ngc_fixture_uses_every_model_and_has_every_model_it_uses() -> None:
    used = {file for published in CATALOG.values() for file in published.files.values()}
    assert used == {path.name for path in NGC_MODELS.glob("*.ts")}
