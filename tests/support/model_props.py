"""Inputs of `aiaa:Model` as the program gives them to Pulumi."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dynamic_providers.aiaa import model_inputs
from dynamic_providers.aiaa.model_source import Ngc, Sent, Source
from dynamic_providers.aiaa.packages import Files

SPLEEN = "clara_pt_spleen_ct_segmentation"
OWNER = "xnat-aiaa/tests"


def of(url: str, model: str, source: Source, /, **changed: Any) -> dict[str, Any]:
    """
    Args:
        url: the server's.
        changed: inputs that are to be others.
    """
    return {
        "server": "main",
        "model": model,
        "url": url,
        "owner": OWNER,
        "generation": "one",
        "adopt": False,
        "timeout": 60,
        **model_inputs.of(source),
        **changed,
    }


def local(url: str, folder: Path, **changed: Any) -> dict[str, Any]:
    """A model `liver_demo` from `config_aiaa.json` and `model.ts` in a folder."""
    return of(url, "liver_demo", Sent(Files.of(folder / "config_aiaa.json", folder / "model.ts")), **changed)


def ngc(url: str, **changed: Any) -> dict[str, Any]:
    return of(url, SPLEEN, Ngc(f"nvidia/med/{SPLEEN}", "1"), **changed)
