"""`xnat:ViewerPlugin`: XNAT has loaded the viewer plugin. Whatever is registered comes after it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, Resource, UpdateResult

from clients.errors import ClientError, Refused
from clients.xnat import XnatClient
from dynamic_providers.boundary import Props, Provider, ProviderError, one_line_errors, plain, say
from dynamic_providers.xnat.login import session

_ID = "xnat"  # one XNAT to a stack; its URL may change, the resource's identity must not


class ViewerPluginProvider(Provider):
    """Waits, after the jar was put in place and XNAT restarted, until XNAT tells of the plugin and its route answers.

    XNAT answers before its plugins do, and for a while anything: so all but a refusal, and the news that it has started
    without the plugin, is asked again until the timeout. No log-in is tried before it answers: too many failed ones
    lock an account.

    Where XNAT came back without the plugin, what was there before is put back, unless this check has passed with that
    jar before: the host keeps that in mind (`confirm`), as what fails then is not the jar. Pulumi takes the command
    that had installed it for done all the same, as it does after a removal that failed half-way. So the jar is put in
    place from here, too, which changes nothing where it is.
    """

    required = ("url", "version", "timeout", "deploy")
    managed = ("url", "version", "deployed")

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(_ID, self._loaded(plain(props)))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._loaded(plain(news)))

    def _loaded(self, inputs: dict[str, Any]) -> dict[str, Any]:
        with one_line_errors(f"XNAT {inputs['url']}"):
            _deploy("install", inputs)
            with session(self._config, inputs["url"]).client() as client:
                failure = _failure(client, inputs)
                if isinstance(failure, ClientError):
                    raise ProviderError(f"{failure.line}; {_undone(inputs)}")
                if failure:
                    raise failure
                _deploy("confirm", inputs)
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
        deploy: str,
        environment: Mapping[str, str],
        timeout: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            url: XNAT's address, with its context path if it has one.
            version: as XNAT's list of plugins has it.
            deployed: what the deployment told; XNAT is looked at again when it is something else.
            deploy, environment: the command that installs or, by another word, undoes or confirms that; its variables.
            timeout: seconds for the wait.
        """
        props = {
            "url": url,
            "version": version,
            "deployed": deployed,
            "deploy": deploy,
            "environment": dict(environment),
            "timeout": timeout,
        }
        super().__init__(ViewerPluginProvider(), _ID, props, opts)


def _failure(client: XnatClient, inputs: Props) -> ClientError | ProviderError | None:
    """Why the plugin is not there; a ProviderError if it is, in another version, which a former jar would not mend.
    What says nothing of the plugin, such as a refused log-in, is raised."""
    try:
        version = client.wait_for_viewer_plugin(inputs["timeout"], say)
    except Refused:
        raise
    except ClientError as error:
        return error
    if version == inputs["version"]:
        return None
    return ProviderError(
        f"it has loaded version {version} of the OHIF viewer plugin, not {inputs['version']}: if the jar calls itself "
        "so, write it as viewer_plugin.version; else viewer_plugin.restart does not restart this XNAT, or "
        "viewer_plugin.plugins_dir is not its folder"
    )


def _undone(inputs: Props) -> str:
    try:
        told = _deploy("undo", inputs)
    except ProviderError as error:
        return f"the former jar could not be put back: {error}"
    return told or "the jar stays as it is, as no change of it is open"


def _deploy(action: str, inputs: Props) -> str:
    """
    Raises:
        ProviderError: the command failed; with what it said.
    """
    done = subprocess.run(  # noqa: S603 - the project's own script
        [*inputs["deploy"].split(), action],
        env={**os.environ, **inputs["environment"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ProviderError((done.stdout + done.stderr).strip())
    return done.stdout.strip()
