"""The points of a request, in every nesting that published clients send.

========================  ==================================================================================
``points``                ``[[x,y,z], ...]``; the C++ client (MITK): the same as text
``foreground``            ``[[x,y,z], ...]``, ``[]``; the C++ client: as text
``background``            the same
``current_point``         ``[x,y,z]`` (Python client), ``[[x,y,z]]`` (3D Slicer, NVIDIA's OHIF plugin), or not at all
                          (XNAT's viewer, C++ client)
========================  ==================================================================================

Sources: NVIDIA/ai-assisted-annotation-client py_client/client_api.py, cpp-client/src/client.cpp and slicer-plugin
SegmentEditorEffect.py; NVIDIA/clara-train-examples nvidia-aiaa/src/components/AIAAPanel.js; oncai/ohif-viewer-xnat
aiaa-tools/utils/prepareRunParameters.js. That a 4.x server refuses text: issue 95 of the first.
"""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aiaa.errors import AIAAException

_KEYS = ("points", "foreground", "background")
_CURRENT = "current_point"


def normalized(params: Mapping[str, Any], *, texts: bool) -> dict[str, Any]:
    """The parameters with lists of points as ``[[x,y,z], ...]`` and ``current_point`` as ``[x,y,z]``.

    texts  take points that are text, as servers before 4.0 did
    Raises ValueError for such a text as 4.x does; AIAAException for what are no points.
    """
    changed = dict(params)
    for key in (*_KEYS, _CURRENT):
        if key in changed:
            changed[key] = _rows(key, _parsed(key, changed[key], texts=texts))
    if _CURRENT in changed:
        changed[_CURRENT] = next(iter(changed[_CURRENT]), None)
    return changed


def _parsed(key: str, value: Any, *, texts: bool) -> Any:
    if not isinstance(value, str):
        return value
    if not texts:
        raise ValueError(f"invalid literal for int() with base 10: {value!r}")
    try:
        return json.loads(value)
    except ValueError:
        raise _no_points(key, value) from None


def _rows(key: str, value: Any) -> list[list[float]]:
    if value in (None, []):
        return []
    if not isinstance(value, list):
        raise _no_points(key, value)
    if all(_is_number(item) for item in value):
        value = [value]
    rows = [row for row in value if row != []]
    if not all(isinstance(row, list) and len(row) == 3 and all(map(_is_number, row)) for row in rows):
        raise _no_points(key, value)
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_points(key: str, value: Any) -> AIAAException:
    return AIAAException("INVALID_INPUT", f"{key} is not a list of points [x, y, z]: {json.dumps(value)[:80]}")
