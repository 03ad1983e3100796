"""`xnat:BrowserCheck`: a server that clinicians' browsers can use from XNAT's pages. Its lists depend on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from clients.browser import meet
from dynamic_providers.boundary import Props, Provider, ProviderError, plain, say


class BrowserCheckProvider(Provider):
    """Asks the server as a browser would, at creation and again when an address or a rule is another.

    What cannot be seen from this machine is told, and stops nothing: clinicians may be in another network.
    """

    required = ("server", "url", "xnat")
    managed = ("url", "xnat", "rules")

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = plain(props)
        _check(inputs)
        return CreateResult(inputs["server"], inputs)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        inputs = plain(news)
        _check(inputs)
        return UpdateResult(inputs)


class BrowserCheck(Resource, module="xnat", name="BrowserCheck"):
    """A server that browsers can use."""

    def __init__(
        self, server: str, *, url: str, xnat: pulumi.Input[str], rules: Sequence[str], opts: pulumi.ResourceOptions
    ) -> None:
        """
        Args:
            server: its name, which is also the resource's id.
            url: its address for browsers.
            xnat: XNAT's address for browsers.
            rules: those that hold for it, of `settings.xnat.BROWSER_RULES`.
        """
        props = {"server": server, "url": url, "xnat": xnat, "rules": list(rules)}
        super().__init__(BrowserCheckProvider(), server, props, opts)


def _check(inputs: Props) -> None:
    subject = f"servers.{inputs['server']}.browser_url {inputs['url']}"
    met = meet(inputs["url"], inputs["xnat"])
    if met.unknown:
        say(f"{subject}: what browsers meet there is not known: {met.unknown}")
    if wrong := [problem for problem in met.problems if problem.rule in inputs["rules"]]:
        allow = ", ".join(problem.rule for problem in wrong)
        told = "; ".join(problem.told for problem in wrong)
        raise ProviderError(f"{subject}: {told}; if it works all the same: registrations.allow: [{allow}]")
