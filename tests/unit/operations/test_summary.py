"""The table that `make up` ends with."""

from operations.summary import rows

OUTPUTS = {
    "servers": {
        "main": {"url": "http://127.0.0.1:5000", "browser_url": "http://127.0.0.1:5000", "runtime": "clara-4.0"},
        "far": {"url": "http://gpu1:5000", "browser_url": "https://aiaa.example.org", "runtime": "clara-4.0"},
    },
    "models": {"main/spleen": {"type": "segmentation", "labels": ["spleen"], "version": "1"}},
    "registrations": {"projects/LIVER": ["http://127.0.0.1:5000", "http://second:5000"]},
    "xnat": {"url": "http://127.0.0.1:8080", "demo_login": "admin / admin"},
}


def test_every_server_is_shown_with_the_address_browsers_use_where_it_is_another() -> None:
    table = dict(rows(OUTPUTS))
    assert table["AIAA server main"] == "http://127.0.0.1:5000"
    assert table["AIAA server far"] == "http://gpu1:5000 (browsers: https://aiaa.example.org)"


def test_every_model_is_shown_with_type_version_and_labels() -> None:
    assert dict(rows(OUTPUTS))["  model main/spleen"] == "segmentation, version 1, spleen"


def test_a_registration_shows_the_first_server_as_the_viewer_uses_no_other() -> None:
    assert dict(rows(OUTPUTS))["XNAT projects/LIVER"] == "a browser will use http://127.0.0.1:5000"


def test_the_published_login_is_shown_for_a_sandbox_only() -> None:
    assert "admin / admin" in dict(rows(OUTPUTS))["XNAT"]
    real = {**OUTPUTS, "xnat": {"url": "https://xnat.example.org"}}
    assert dict(rows(real))["XNAT"] == "https://xnat.example.org"
