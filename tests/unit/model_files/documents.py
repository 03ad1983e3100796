"""Any JSON document, and published configurations with any values at any place."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.model_files.published import clara_3, deepgrow, pipeline, spleen

_TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)  # halves of characters, too
_NAMES = """
version type labels pre_transforms inference TRITON AIAA args models roi name triton_model_config input dims data_type
platform meta_data trtis input_channels image
"""
_KEYS = st.sampled_from(_NAMES.split())
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-2, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS
    | _KEYS
    | st.sampled_from(["deepgrow", "annotation", "pipeline", "segmentation"])
)


def documents() -> st.SearchStrategy[Any]:
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_KEYS | _TEXTS, inner, max_size=6),
        max_leaves=20,
    )


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A published configuration in which some values are others, or are missing."""
    config = draw(st.sampled_from([spleen, lambda: deepgrow(2), pipeline, lambda: clara_3("3")]))()
    for _ in range(draw(st.integers(1, 4))):
        here: Any = config
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(here[key], (dict, list)) and draw(st.booleans()):
                here = here[key]
            elif draw(st.booleans()):
                del here[key]
                break
            else:
                here[key] = draw(documents())
                break
    return config
