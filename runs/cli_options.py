"""The Pulumi CLI's commands, that this project must know, and which of their options take a value.

Read from the help of the release in toolchain/versions.py; a test compares them with the CLI that is installed. Options
that the help does not list were found in its source (https://github.com/pulumi/pulumi/tree/master/pkg/cmd/pulumi). An
option is written `long,short`. Options whose value can only stand after `=` count as options without a value.
"""

from __future__ import annotations

Path = tuple[str, ...]
"""A command's words, as `("stack", "select")`; `()` is the CLI itself."""

ALIASES: dict[Path, str] = {
    ("update",): "up",
    ("down",): "destroy",
    ("dn",): "destroy",
    ("pre",): "preview",
    ("config", "rm"): "remove",
    ("config", "delete"): "remove",
    ("config", "rm-all"): "remove-all",
    ("config", "delete-all"): "remove-all",
    ("stack", "init"): "new",
    ("stack", "create"): "new",
    ("stack", "setup"): "new",
    ("stack", "rm"): "remove",
    ("stack", "delete"): "remove",
    ("stack", "hist"): "history",
    ("state", "rm"): "remove",
    ("state", "delete"): "remove",
}

HIDDEN: dict[Path, str] = {
    (): "tracing-header",
    ("up",): "client exec-agent exec-kind plan",
    ("preview",): "client exec-agent exec-kind",
    ("refresh",): "client exec-agent exec-kind",
    ("destroy",): "client exec-agent exec-kind",
    ("watch",): "exec-kind",
    ("import",): "exec-agent exec-kind",
}

_UPDATE = "config,c config-file message,m override-env parallel,p stack,s target,t"
_STACK = "stack,s"
_CONFIG = f"config-file {_STACK}"

WITH_VALUE: dict[Path, str] = {
    (): "color cwd,C memprofilerate otel-traces profiling tracing verbose,v",
    ("up",): f"{_UPDATE} exclude policy-pack policy-pack-config replace secrets-provider target-replace",
    ("preview",): (f"{_UPDATE} exclude,x import-file policy-pack policy-pack-config replace save-plan target-replace"),
    ("refresh",): f"{_UPDATE} exclude,x import-pending-creates",
    ("destroy",): f"{_UPDATE} exclude,x",
    (
        "watch",
    ): "config,c config-file message,m parallel,p path policy-pack policy-pack-config secrets-provider stack,s",
    (
        "import",
    ): "config-file file,f from generate-resources message,m out,o parallel,p parent properties provider stack,s",
    ("cancel",): _STACK,
    ("config",): _CONFIG,
    ("config", "get"): _CONFIG,
    ("config", "refresh"): _CONFIG,
    ("config", "remove"): _CONFIG,
    ("config", "remove-all"): _CONFIG,
    ("config", "set"): f"{_CONFIG} type",
    ("config", "set-all"): f"{_CONFIG} json plaintext secret",
    ("stack",): f"output {_STACK}",
    ("stack", "export"): f"file version {_STACK}",
    ("stack", "get"): f"output {_STACK}",
    ("stack", "graph"): f"dependency-edge-color dot-fragment parent-edge-color {_STACK}",
    ("stack", "history"): f"output page page-size {_STACK}",
    ("stack", "import"): f"file {_STACK}",
    ("stack", "new"): f"copy-config-from secrets-provider teams {_STACK}",
    ("stack", "output"): _STACK,
    ("stack", "remove"): _STACK,
    ("stack", "select"): f"secrets-provider {_STACK}",
    ("state",): "",
    ("state", "get"): f"output {_STACK}",
    ("state", "protect"): _STACK,
    ("state", "remove"): _STACK,
    ("state", "rename"): _STACK,
    ("state", "repair"): _STACK,
    ("state", "taint"): _STACK,
    ("state", "unprotect"): _STACK,
    ("state", "untaint"): _STACK,
}

# Of the CLI itself and of commands that have others below them: before the next word, the CLI takes the word after any
# option that it does not know there for the option's value.
WITHOUT_VALUE: dict[Path, str] = {
    (): (
        "disable-integrity-checking emoji,e fully-qualify-stack-names,Q help,h logflow logtostderr non-interactive "
        "version"
    ),
    ("config",): "help,h json,j open show-secrets",
    ("stack",): "help,h show-ids,i show-name show-secrets show-urns,u",
    ("state",): "help,h",
}


def names(options: str) -> dict[str, str]:
    """The long name of each option by what it is called on a command line: `--stack`, `-s`."""
    known: dict[str, str] = {}
    for option in options.split():
        long, _, short = option.partition(",")
        known[f"--{long}"] = long
        if short:
            known[f"-{short}"] = long
    return known
