"""What the documentation shows is what the code takes."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from settings import Registry, Server, Settings, ViewerPlugin

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/Pulumi.*.yaml")), ids=lambda path: path.name)
def test_every_example_stack_file_is_valid(path: Path) -> None:
    config = yaml.safe_load(path.read_text())["config"]
    settings = Settings.parse({key.removeprefix("xnat-aiaa:"): value for key, value in config.items()})
    assert settings.servers
    assert settings.registrations.projects


@pytest.mark.parametrize(
    ("section", "model"), [("servers.<name>", Server), ("registries.<host>", Registry), ("viewer_plugin", ViewerPlugin)]
)
def test_every_key_is_documented(section: str, model: type[BaseModel]) -> None:
    table = (ROOT / "docs/settings.md").read_text().split(f"## `{section}`")[1].split("\n## ")[0]
    firsts = "".join(re.findall(r"^\|([^|]+)\|", table, re.MULTILINE))
    documented = {word.split(".")[0] for word in re.findall(r"`([a-z_0-9.]+)`", firsts)}
    assert {key for key in documented if key} == set(model.model_fields)


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_gateway_takes_viewers_uploads_and_waits_for_inference() -> None:
    """nginx has 1 MB and 60 s by itself (https://nginx.org/en/docs/http/ngx_http_core_module.html)."""
    gateway = (ROOT / "docs/settings.md").read_text().split("```nginx")[1].split("```")[0]
    assert "client_max_body_size 0;" in gateway
    assert "proxy_read_timeout " in gateway
