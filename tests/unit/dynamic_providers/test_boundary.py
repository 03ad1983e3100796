"""Values at the door between Pulumi and plain code, and errors on their way out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic.dynamic import PROVIDER_KEY
from pulumi.output import Unknown

from clients.errors import NotReady
from dynamic_providers.boundary import ProviderError, is_known, one_line_errors, plain

UNKNOWN = Unknown()  # type: ignore[no-untyped-call]
values = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def as_received(value: Any) -> Any:
    """As gRPC hands it on: every number is a float."""
    if isinstance(value, dict):
        return {key: as_received(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_received(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.soak
@given(st.dictionaries(st.text(), values))
def test_whole_numbers_are_ints_again_at_any_depth(props: dict[str, Any]) -> None:
    assert repr(plain(as_received(props))) == repr(props)


def test_a_fraction_stays_one() -> None:
    assert plain({"ratio": 0.5}) == {"ratio": 0.5}


def test_the_sdks_own_key_is_left_out() -> None:
    assert plain({"a": 1, PROVIDER_KEY: "code"}) == {"a": 1}


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], {"a": [1, {"b": UNKNOWN}]}, ("a", UNKNOWN)])
def test_a_value_that_holds_something_unknown_is_not_known(value: object) -> None:
    assert not is_known(value)


@pytest.mark.soak
@given(values)
def test_any_other_value_is_known(value: object) -> None:
    assert is_known(value)


def test_an_error_of_ours_names_the_object_and_hides_where_it_came_from() -> None:
    with pytest.raises(ProviderError) as caught, one_line_errors("model main/spleen"):
        raise NotReady("GET http://gpu1:5000/v1/models: answered 503", advice="wait for it")
    assert str(caught.value) == "model main/spleen: GET http://gpu1:5000/v1/models: answered 503: wait for it"
    assert caught.value.__suppress_context__


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(KeyError), one_line_errors("model main/spleen"):
        raise KeyError("url")
