"""Which change of which input is an update, and which inputs are refused, for every provider."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from pulumi.dynamic.dynamic import PROVIDER_KEY
from pulumi.output import Unknown

from dynamic_providers.aiaa.endpoint import EndpointProvider
from dynamic_providers.aiaa.image import ImageProvider
from dynamic_providers.aiaa.model import ModelProvider
from dynamic_providers.aiaa.smoke_test import SmokeTestProvider
from dynamic_providers.aiaa.workspace import WorkspaceProvider
from dynamic_providers.boundary import Provider
from dynamic_providers.xnat.access import AccessProvider
from dynamic_providers.xnat.aiaa_servers import AiaaServersProvider
from dynamic_providers.xnat.browser_check import BrowserCheckProvider

UNKNOWN = Unknown()  # type: ignore[no-untyped-call]


class Example(NamedTuple):
    """`managed`: each managed input with another value. `others`: the rest, with another value each. `told`: what
    state has beside the inputs."""

    name: str
    provider: Provider
    inputs: dict[str, Any]
    managed: dict[str, Any]
    others: dict[str, Any]
    told: dict[str, Any]
    required: set[str]

    @property
    def state(self) -> dict[str, Any]:
        return {**self.inputs, **self.told, PROVIDER_KEY: "the code of another day"}


_LOADED = {"type": "segmentation", "labels": ["spleen"], "version": "1", "description": "A model"}
_URL = {"url": "http://gpu1:5000"}
_MODEL = {"server": "main", "model": "spleen", **_URL, "owner": "xnat-aiaa/dev", "generation": "g1", "timeout": 900}
_MODEL_MANAGED = {"url": "https://gpu2:5000", "owner": "xnat-aiaa/prod", "generation": "g2", "drift": "other labels"}
_MODEL_OTHERS = {"server": "far", "model": "liver", "adopt": True, "timeout": 60}

EXAMPLES = [
    Example(
        "Endpoint",
        EndpointProvider(),
        inputs={
            "server": "main",
            **_URL,
            "containers": {"aiaa": "c1", "triton": "c2"},
            "logs_of": {"aiaa": "name"},
            "docker_host": None,
            "timeout": 300,
        },
        managed={
            "url": "http://gpu2:5000",
            "docker_host": "ssh://gpu1",
            "containers": {"aiaa": "c1", "triton": "c3"},
            "drift": "it is gone",
        },
        others={"server": "far", "logs_of": {}, "timeout": 60},
        told={},
        required={"server", "url"},
    ),
    Example(
        "Image",
        ImageProvider(),
        inputs={"server": "main", "role": "aiaa", "image": "nvcr.io/nvidia/x:1", "docker_host": None},
        managed={"image": "nvcr.io/nvidia/x:2", "docker_host": "ssh://gpu1", "drift": "it is gone"},
        others={"server": "far", "role": "tritonserver"},
        told={},
        required={"server", "role", "image"},
    ),
    Example(
        "Workspace",
        WorkspaceProvider(),
        inputs={
            "server": "main",
            "location": None,
            "prepared_by": "prepare",
            "used_by": ["aiaa"],
            "docker_host": None,
        },
        managed={"location": "/srv/aiaa", "docker_host": "ssh://gpu1", "drift": "it was emptied"},
        others={"server": "far", "prepared_by": "other", "used_by": []},
        told={"generation": "g1"},
        required={"server", "prepared_by"},
    ),
    Example(
        "Model-from-NGC",
        ModelProvider(),
        inputs={**_MODEL, "adopt": False, "ngc": "nvidia/med/spleen", "ngc_version": "1"},
        managed={**_MODEL_MANAGED, "ngc": "nvidia/med/liver", "ngc_version": "2", "ngc_fetch": "deployer"},
        others=_MODEL_OTHERS,
        told={**_LOADED, "loaded": _LOADED},
        required={"server", "model", "url", "owner"},
    ),
    Example(
        "Model-from-files",
        ModelProvider(),
        inputs={
            **_MODEL,
            "adopt": False,
            "config": {"version": 1},
            "config_digest": "d1",
            "config_file": "a.json",
            "weights": "a.ts",
            "weights_digest": "d2",
            "weights_size": 5,
        },
        managed={**_MODEL_MANAGED, "config_digest": "d3", "weights_digest": "d4", "mark": False},
        # A file that moved is no other model; and the document is compared by its digest.
        others={
            **_MODEL_OTHERS,
            "config": {"version": 1.0},
            "config_file": "b.json",
            "weights": "b.ts",
            "weights_size": 6,
        },
        told={**_LOADED, "loaded": _LOADED, "digest": "d1.d2"},
        required={"server", "model", "url", "owner"},
    ),
    Example(
        "SmokeTest",
        SmokeTestProvider(),
        inputs={"server": "main", "model": "spleen", **_URL, "tested": {"source": "d1", "aiaa": "c1"}, "timeout": 60},
        managed={"url": "http://gpu2:5000", "tested": {"source": "d2", "aiaa": "c1"}},
        others={"server": "far", "model": "liver", "timeout": 30},
        told={"answer": "mask"},
        required={"server", "model", "url"},
    ),
    Example(
        "Access",
        AccessProvider(),
        inputs={"url": "https://xnat", "username": "svc", "projects": ["LIVER"], "site": False},
        managed={"url": "https://xnat.example.org", "username": "other", "projects": ["LIVER", "SPLEEN"]},
        others={"site": True},
        told={"version": "1.9.3", "plugin": "3.7.2"},
        required={"url", "username"},
    ),
    Example(
        "BrowserCheck",
        BrowserCheckProvider(),
        inputs={"server": "main", "url": "https://aiaa", "xnat": "https://xnat", "rules": ["cors"]},
        managed={"url": "https://other", "xnat": "https://other", "rules": []},
        others={"server": "far"},
        told={},
        required={"server", "url", "xnat"},
    ),
    Example(
        "AiaaServers",
        AiaaServersProvider(),
        inputs={
            "scope": "projects/LIVER",
            "xnat_url": "https://xnat",
            "urls": ["http://gpu1:5000"],
            "adopt": None,
            "on_delete": "clear",
        },
        managed={
            "xnat_url": "https://xnat.example.org",
            "urls": ["https://gpu1:5000"],
            "on_delete": "keep",
            "drift": "what owner has written there is no list of servers",
        },
        # A wish to adopt counts where something is to be written anyway.
        others={"scope": "site", "adopt": ["http://old:5000"]},
        told={"written": ["http://gpu1:5000"]},
        required={"scope", "xnat_url"},
    ),
]
each = pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])


def inputs_of(kind: str) -> pytest.MarkDecorator:
    """Each example with each of its `managed` or `others`, by name."""
    return pytest.mark.parametrize(
        ("example", "key"),
        [
            pytest.param(example, key, id=f"{example.name}-{key}")
            for example in EXAMPLES
            for key in getattr(example, kind)
        ],
    )


def changes(example: Example, news: dict[str, Any], olds: dict[str, Any] | None = None) -> bool:
    result = example.provider.diff("id", olds or example.state, news)
    assert not result.replaces, "identity stands in the resource's name"
    assert result.changes is not None, "the engine would compare all inputs, the provider's code among them"
    return result.changes


class TestDiff:
    @each
    def test_no_changes(self, example: Example) -> None:
        assert changes(example, example.inputs) is False

    @each
    def test_every_input_is_in_one_of_the_two_tables(self, example: Example) -> None:
        assert set(example.inputs) <= set(example.managed) | set(example.others)
        assert not set(example.managed) & set(example.others)

    @inputs_of("managed")
    def test_a_managed_input_alone_is_an_update(self, example: Example, key: str) -> None:
        assert changes(example, {**example.inputs, key: example.managed[key]}) is True

    @inputs_of("managed")
    def test_a_managed_input_that_is_not_known_yet_counts_as_changed(self, example: Example, key: str) -> None:
        assert changes(example, {**example.inputs, key: UNKNOWN}) is True

    @inputs_of("managed")
    def test_a_managed_input_that_holds_something_unknown_counts_as_changed(self, example: Example, key: str) -> None:
        value = example.inputs.get(key)
        if isinstance(value, dict):
            holder: object = {**value, "aiaa": UNKNOWN}
        else:
            holder = [UNKNOWN]
        assert changes(example, {**example.inputs, key: holder}) is True

    @inputs_of("others")
    def test_any_other_input_alone_is_no_update(self, example: Example, key: str) -> None:
        assert changes(example, {**example.inputs, key: example.others[key]}) is False

    @inputs_of("others")
    def test_any_other_input_that_is_not_known_yet_is_no_update(self, example: Example, key: str) -> None:
        assert changes(example, {**example.inputs, key: UNKNOWN}) is False

    @each
    def test_numbers_that_come_back_as_floats_are_no_change(self, example: Example) -> None:
        def floats(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: floats(item) for key, item in value.items()}
            return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

        assert changes(example, example.inputs, floats(example.state)) is False

    def test_a_model_that_was_seen_to_have_drifted_is_an_update_although_the_program_asks_for_the_same(self) -> None:
        model = next(example for example in EXAMPLES if example.name == "Model-from-files")
        assert changes(model, model.inputs, {**model.state, "drift": "other files than ours were loaded"}) is True

    def test_a_list_that_was_seen_to_be_unreadable_is_an_update_although_the_program_asks_for_the_same(self) -> None:
        servers = EXAMPLES[-1]
        assert changes(servers, servers.inputs, {**servers.state, "drift": "no list of servers"}) is True

    def test_another_kind_of_source_is_an_update(self) -> None:
        ngc, files = (example for example in EXAMPLES if example.name.startswith("Model"))
        assert changes(ngc, files.inputs) is True
        assert changes(files, ngc.inputs) is True

    def test_a_list_that_a_refresh_saw_changed_is_an_update(self) -> None:
        servers = EXAMPLES[-1]
        assert changes(servers, servers.inputs, {**servers.state, "urls": ["http://theirs:5000"]}) is True

    def test_the_order_of_servers_counts_as_the_viewer_uses_the_first(self) -> None:
        servers = EXAMPLES[-1]
        two = {**servers.state, "urls": ["http://a:5000", "http://b:5000"]}
        assert changes(servers, {**servers.inputs, "urls": ["http://b:5000", "http://a:5000"]}, two) is True


class TestCheck:
    @each
    def test_good_inputs_pass_as_they_are(self, example: Example) -> None:
        result = example.provider.check({}, {**example.inputs, PROVIDER_KEY: "code"})
        assert result.failures == []
        assert result.inputs == example.inputs

    @each
    @pytest.mark.parametrize("nothing", [None, ""])
    def test_every_missing_property_is_told_at_once(self, example: Example, nothing: object) -> None:
        news = {**example.inputs, **dict.fromkeys(example.required, nothing)}
        failures = example.provider.check({}, news).failures or []
        assert {failure.property for failure in failures} == example.required
        assert {failure.reason for failure in failures} == {"is missing"}

    @each
    def test_a_property_that_is_not_known_yet_is_not_missing(self, example: Example) -> None:
        news = {**example.inputs, **dict.fromkeys(example.required, UNKNOWN)}
        assert example.provider.check({}, news).failures == []

    def test_a_model_has_exactly_one_source(self) -> None:
        ngc, files = (example for example in EXAMPLES if example.name.startswith("Model"))
        neither = {key: value for key, value in ngc.inputs.items() if not key.startswith("ngc")}
        for inputs in (neither, {**ngc.inputs, **files.inputs}):
            failures = ngc.provider.check({}, inputs).failures or []
            assert [(failure.property, failure.reason) for failure in failures] == [
                ("ngc", "give exactly one source: an NGC path, or a config")
            ]

    def test_a_registration_names_a_server(self) -> None:
        servers = EXAMPLES[-1]
        failures = servers.provider.check({}, {**servers.inputs, "urls": []}).failures or []
        assert [failure.property for failure in failures] == ["urls"]

    @pytest.mark.parametrize("urls", [UNKNOWN, [UNKNOWN], ["http://a:5000", UNKNOWN]])
    def test_a_server_whose_address_is_not_known_yet_is_named(self, urls: object) -> None:
        servers = EXAMPLES[-1]
        assert servers.provider.check({}, {**servers.inputs, "urls": urls}).failures == []
