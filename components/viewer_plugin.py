"""`ViewerPlugin`: the OHIF viewer plugin on XNAT's host, in the version that the stack file says, and loaded.

What is done there is in `xnat_host/`, as shell scripts that can be read and repeated; docs/viewer-plugin.md tells
administrators. They are run by pulumi-command on this machine, which sends them over the machine's own SSH client: its
keys, agent, jump hosts and known hosts are used, and no credential gets into the stack's state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi
from pulumi_command import local

from dynamic_providers.xnat.viewer_plugin import ViewerPlugin as LoadedPlugin
from settings import ViewerPlugin as ViewerPluginSettings

_NAME = "viewer-plugin"
_REMOVAL_RESTARTS = f"{_NAME}-removal-restarts-xnat"  # all that a preview shows of what will be removed is its name
_DEPLOY = "sh components/xnat_host/deploy.sh"  # in state as it stands: Pulumi runs it in the project's folder
_HERE = "this-machine"
_LOST = "the sessions of all its users end, and uploads and metadata generations under way are lost"
_CHANGES_JARS = ("SHA256", "NAME", "PLUGINS_DIR", "HOSTS")


@dataclass(frozen=True)
class ViewerPluginArgs:
    """
    Attributes:
        plugin: what the stack file says of it.
        xnat_url: as this machine reaches XNAT, and XNAT's hosts unless `probe_url` says otherwise.
    """

    plugin: ViewerPluginSettings
    xnat_url: str


class ViewerPlugin(pulumi.ComponentResource):
    """A plugin that XNAT has loaded; where a person restarts XNAT, one that waits for that.

    Attributes:
        jar: the jar in the plugins folder, and XNAT restarted.
        loaded: XNAT tells of the plugin; None where a person restarts XNAT.
        version: as XNAT tells it, else as the stack file does.
    """

    jar: local.Command
    loaded: LoadedPlugin | None
    version: pulumi.Output[str]

    def __init__(self, args: ViewerPluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("xnat-aiaa:index:ViewerPlugin", _NAME, None, opts)
        plugin, environment = args.plugin, _environment(args.plugin, args.xnat_url)
        restored = plugin.on_destroy == "restore"
        name, otherwise = _NAME, _REMOVAL_RESTARTS
        if restored and plugin.restarts:
            name, otherwise = otherwise, name
        announced = _Announcements(plugin, args.xnat_url)
        self.jar = local.Command(
            name,
            create=f"{_DEPLOY} install",
            delete=f"{_DEPLOY} restore" if restored else None,
            environment=environment,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=opts.depends_on if opts else None,  # XNAT itself may be a part of this stack
                aliases=[pulumi.Alias(name=otherwise)],
                delete_before_replace=True,  # else a restore would undo what was just installed
                hooks=announced.of_the_jar(),
            ),
        )
        self.jar.stdout.apply(_pass_warnings_on)
        self.loaded = None
        self.version = pulumi.Output.from_input(plugin.version)
        if plugin.restarts:
            self.loaded = LoadedPlugin(
                url=args.xnat_url,
                version=plugin.version,
                deployed=self.jar.stdout,
                deploy=_DEPLOY,
                environment=environment,
                timeout=plugin.start_timeout,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.jar], hooks=announced.of_the_check()),
            )
            self.version = self.loaded.version
        self.register_outputs({"version": self.version})


def _environment(plugin: ViewerPluginSettings, xnat_url: str) -> dict[str, str]:
    """What the scripts take: all of it, empty or not, so that nothing of that name comes from who runs Pulumi."""
    return {
        "HOSTS": " ".join(plugin.host) or _HERE,
        "SSH_CONFIG": str(plugin.ssh_config or ""),
        "SUDO": "yes" if plugin.sudo else "",
        "JAR": str(plugin.jar or ""),
        "URL": plugin.url or "",
        "NAME": plugin.file_name,
        "SHA256": plugin.checksum,
        "PLUGINS_DIR": plugin.plugins_dir,
        "CONTAINER": plugin.container,
        "RESTART": plugin.restart,
        "LOG": plugin.log_command or "",
        "XNAT_URL": plugin.probe_url or xnat_url,
        "START_TIMEOUT": str(plugin.start_timeout),
    }


class _Announcements:
    """In previews and before a change, in words: a restart of XNAT ends what its users are at."""

    def __init__(self, plugin: ViewerPluginSettings, xnat_url: str) -> None:
        self._plugin = plugin
        self._xnat = f"XNAT {xnat_url}"
        hosts = f" on {', then '.join(plugin.host)}" if plugin.host else ""
        self._command = f"(`{plugin.restart}`{hosts})"
        self._jar_told = False

    def of_the_jar(self) -> pulumi.ResourceHookBinding:
        return _told_before(f"{_NAME}-announced", self._before_the_jar)

    def of_the_check(self) -> pulumi.ResourceHookBinding:
        """It puts the jar in place, too, where that is undone though the jar's own resource is not to be changed."""
        return _told_before(f"{_NAME}-check-announced", self._before_the_check)

    def _before_the_jar(self, args: pulumi.ResourceHookArgs) -> None:
        self._jar_told = True
        new, old = _variables(args.new_inputs), _variables(args.old_inputs)
        jar = self._plugin.file_name
        changes = any(new.get(name) != old.get(name) for name in _CHANGES_JARS)
        if not self._plugin.restarts and changes:
            pulumi.log.warn(f"{self._xnat}: {jar} is put in place; a person has to restart XNAT soon after")
        elif not self._plugin.restarts:
            pulumi.log.info(f"{self._xnat}: the viewer plugin is looked at, and put in place if it is not there")
        elif old.get("RESTART") == "none":
            pulumi.log.warn(
                f"{self._xnat} will restart {self._command}, as nothing tells whether a person did so since the jars "
                f"changed: {_LOST}"
            )
        elif changes:
            pulumi.log.warn(f"{self._xnat} will restart {self._command} unless it has {jar} already: {_LOST}")
        else:
            pulumi.log.warn(f"{self._xnat} may restart {self._command}, if {jar} is not in place: {_LOST}")

    def _before_the_check(self, _args: pulumi.ResourceHookArgs) -> None:
        if not self._jar_told:
            jar = self._plugin.file_name
            pulumi.log.warn(f"{self._xnat} may restart {self._command}, if {jar} is not in place: {_LOST}")


def _told_before(name: str, tell: Callable[[pulumi.ResourceHookArgs], None]) -> pulumi.ResourceHookBinding:
    hook = pulumi.ResourceHook(name, tell, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])


def _variables(inputs: Mapping[str, object] | None) -> Mapping[str, object]:
    found = (inputs or {}).get("environment")
    return found if isinstance(found, Mapping) else {}


def _pass_warnings_on(told: str | None) -> None:
    """What the scripts warn of: once, though each host tells it."""
    warnings = dict.fromkeys(line for line in (told or "").splitlines() if line.startswith("warning: "))
    if not pulumi.runtime.is_dry_run():
        for line in warnings:
            pulumi.log.warn(f"viewer_plugin: {line.removeprefix('warning: ')}")
