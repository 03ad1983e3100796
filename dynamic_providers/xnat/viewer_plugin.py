"""`xnat:ViewerPlugin`: XNAT has loaded the viewer plugin. Whatever is registered comes after it."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, Resource, UpdateResult

from dynamic_providers.boundary import Provider, ProviderError, one_line_errors, plain, say
from dynamic_providers.xnat.login import session

_ID = "xnat"  # one XNAT to a stack; its URL may change, the resource's identity must not


class ViewerPluginProvider(Provider):
    """Waits, after the jar was put in place and XNAT restarted, until XNAT tells of the plugin and its route answers.

    XNAT answers before its plugins do, and no log-in is tried before it answers: too many failed ones lock an account.
    """

    required = ("url", "version", "timeout")
    managed = ("url", "version", "deployed")

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(_ID, self._loaded(plain(props)))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._loaded(plain(news)))

    def _loaded(self, inputs: dict[str, Any]) -> dict[str, Any]:
        wanted = inputs["version"]
        with one_line_errors(f"XNAT {inputs['url']}"):
            with session(self._config, inputs["url"]).client() as client:
                client.wait_for_lists(inputs["timeout"], say)
                version = client.viewer_plugin_version()
            if version != wanted:
                raise ProviderError(
                    f"it has loaded version {version} of the OHIF viewer plugin, not {wanted}: if the jar calls itself "
                    f"so, write it as viewer_plugin.version; else viewer_plugin.restart does not restart this XNAT, or "
                    "viewer_plugin.plugins_dir is not its folder"
                )
        return inputs


class ViewerPlugin(Resource, module="xnat", name="ViewerPlugin"):
    """An XNAT that has loaded the viewer plugin in this version."""

    version: pulumi.Output[str]

    def __init__(
        self,
        *,
        url: pulumi.Input[str],
        version: str,
        deployed: pulumi.Input[str],
        timeout: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            url: XNAT's address, with its context path if it has one.
            version: as XNAT's list of plugins has it.
            deployed: what the deployment told; XNAT is looked at again when it is something else.
            timeout: seconds for the wait.
        """
        props = {"url": url, "version": version, "deployed": deployed, "timeout": timeout}
        super().__init__(ViewerPluginProvider(), _ID, props, opts)
