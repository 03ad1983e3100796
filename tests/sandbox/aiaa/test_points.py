"""The points of a request, in every nesting that published clients send."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aiaa.errors import AIAAException
from sandbox.aiaa.points import normalized

POINT = [14, 9, 11]


@pytest.mark.parametrize("given", [POINT, [POINT], [POINT, []], [[], POINT]])
def test_a_current_point_may_be_nested_in_a_list(given: Any) -> None:
    assert normalized({"current_point": given}, texts=False) == {"current_point": POINT}


@pytest.mark.parametrize("given", [None, [], [[]]])
@pytest.mark.parametrize(("key", "nothing"), [("points", []), ("foreground", []), ("current_point", None)])
def test_no_point_may_be_said_in_several_ways(key: str, nothing: Any, given: Any) -> None:
    assert normalized({key: given}, texts=False) == {key: nothing}


@pytest.mark.parametrize("given", [POINT, [POINT]])
def test_a_single_point_stands_for_a_list_of_one(given: Any) -> None:
    assert normalized({"foreground": given, "background": []}, texts=False) == {"foreground": [POINT], "background": []}


def test_points_may_have_fractions_and_what_is_no_point_stays() -> None:
    params = {"points": [[1.5, 2.0, 3]], "spatial_size": [1, 2, 3], "sigma": "3"}
    assert normalized(params, texts=False) == params


@pytest.mark.parametrize("key", ["points", "foreground", "background", "current_point"])
def test_text_is_taken_by_servers_before_4_0_alone(key: str) -> None:
    assert normalized({key: "[[14,9,11]]"}, texts=True)[key] == ([[14, 9, 11]] if key != "current_point" else POINT)
    with pytest.raises(ValueError, match="invalid literal for int"):
        normalized({key: "[[14,9,11]]"}, texts=False)


@pytest.mark.parametrize("given", [7, True, {"x": 1}, [[1, 2]], [[1, 2, "3"]], [[[1, 2, 3]]], [POINT, 4], [1, 2], "x"])
def test_anything_else_is_reported_with_its_name(given: Any) -> None:
    with pytest.raises(AIAAException, match="foreground is not a list of points"):
        normalized({"foreground": given}, texts=True)
