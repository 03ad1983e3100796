"""The rules of a stack file that look at several keys together. Each yields pairs: the key to mend, and what is wrong.

The viewer runs in a clinician's browser and calls AIAA from there (docs/xnat.md): an address that works for the
machine that deploys may not work for it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from engines import provider
from settings.errors import nearest, shown, written
from settings.registries import NGC, NGC_USER
from settings.values import is_loopback, known_only_near, leads_astray

if TYPE_CHECKING:
    from settings.servers import Server
    from settings.stack import Settings

Wrong = Iterator[tuple[str, str]]


def unknown_servers(named: Mapping[str, Sequence[str]], context: Any) -> Wrong:
    """`named`: the servers that are named, by the key that names them; `context["servers"]`: as the stack file has
    them, right or wrong."""
    known = (context or {}).get("servers")
    known = [*known] if isinstance(known, Mapping) else []
    for key, names in named.items():
        for name in names:
            if name not in known:
                yield key, f"there is no server {shown(name)}{nearest(name, known)}"


def xnat_for_what_is_done_there(settings: Settings) -> Wrong:
    registers = any(True for _ in settings.registrations.by_scope())
    if registers or settings.viewer_plugin:
        if settings.xnat is None:
            needs = "registrations need" if registers else "viewer_plugin needs"
            yield "xnat", f"is missing, and {needs} it: give its url, a username and a password"
        elif settings.xnat_url is None:
            yield "xnat.url", "is missing: give XNAT's address (it may be left out with sandbox.xnat only)"


def server_names(settings: Settings) -> Wrong:
    if "sandbox" in settings.servers:
        yield "servers.sandbox", "the stand-ins' own containers have this name: choose another"


def ports_once(settings: Settings) -> Wrong:
    """Each port of a machine is published once; sandbox.xnat's is on this machine's loopback."""
    taken: list[tuple[str, str | None, str, int]] = []
    if settings.sandbox and settings.sandbox.xnat:
        taken.append(("sandbox.xnat.port", None, "127.0.0.1", settings.sandbox.xnat.port))
    for name, server in settings.servers.items():
        if server.is_external:
            continue
        key, machine = f"servers.{written(name)}.port", _machine(server)
        for other_key, other_machine, other_bind, other_port in taken:
            if (machine, server.port) == (other_machine, other_port) and _overlap(server.bind, other_bind):
                yield key, f"{server.port} is {other_key} too, on the same machine: give one of them another port"
                break
        taken.append((key, machine, server.bind, server.port))


def logins_of_registries(settings: Settings) -> Wrong:
    """NGC takes one user name for everybody's keys (https://docs.nvidia.com/nemo/retriever/extraction/ngc-api-key)."""
    for host, login in settings.registries.items():
        if host == NGC and login.username != NGC_USER:
            yield (
                f"registries.{host}.username",
                f"must be exactly {NGC_USER} for every NGC key (in a shell, in single quotes), not "
                f"{shown(login.username)}",
            )


def bind_reached_from_here(settings: Settings) -> Wrong:
    for name, server in settings.servers.items():
        machine = _machine(server)
        if machine and server.url is None and ipaddress.ip_address(server.bind).is_loopback:
            yield (
                f"servers.{written(name)}.bind",
                f"{server.bind} can be reached on {machine} only, not from this machine: give {machine}'s address in a "
                "network that only your gateway and this machine are in, or in url how this machine reaches AIAA",
            )


def engines_can_be_reached(settings: Settings) -> Wrong:
    """Checks without the network: certificates, and variables that lead two programs to different engines."""
    for name, server in settings.servers.items():
        if server.is_external:
            continue
        if server.docker_cert_path and not (server.docker or "").startswith("tcp://"):
            yield f"servers.{written(name)}.docker_cert_path", "is only for a tcp:// engine: set docker to one"
            continue
        key = "docker_cert_path" if server.docker_cert_path else "docker"
        if wrong := provider.problem(server.docker_host):
            yield f"servers.{written(name)}.{key}", wrong


def browsers_reach_registered_servers(settings: Settings) -> Wrong:
    """Each rule has a name, by which a registration can allow it to be broken (`BROWSER_RULES`)."""
    xnat = settings.xnat_browser_url
    for name, server in settings.servers.items():
        url, key = server.viewer_url, f"servers.{written(name)}.browser_url"
        registered = name in settings.registrations.servers
        binding = settings.registrations.binding(name)
        if (why := _path(url)) and ("path" in binding or not registered):
            yield key, why + (_allowing("path") if registered else "")
        if not xnat:
            continue
        if "loopback" in binding and (why := _leads_astray(url, xnat)):
            yield key, why + _allowing("loopback")
        if "mixed_content" in binding and (why := _mixed_content(url, xnat)):
            yield key, why + _allowing("mixed_content")


def models_fit_their_servers(settings: Settings) -> Wrong:
    """What AIAA would refuse after an upload of gigabytes is told before it."""
    for name, model in settings.models.items():
        kinds = dict.fromkeys((server.speaks, server.engine) for server in settings.servers_of(model).values())
        found = (pair for api, engine in kinds for pair in model.problems(api, engine))
        for key, told in dict.fromkeys(found):
            yield f"models.{written(name)}.{key}", told


def pipelines_find_their_parts(settings: Settings) -> Wrong:
    """On each of a pipeline's servers, as AIAA looks for them there."""
    parts = {name: model.parts for name, model in settings.models.items()}
    for name, model in settings.models.items():
        key = f"models.{written(name)}.{model.source}"
        for part in parts[name]:
            if part not in settings.models:
                told = f"it is made of model {shown(part)}, which is not among the models of this stack"
                yield key, told + nearest(part, settings.models.keys() - {name})
                continue
            for server in settings.servers_of(model).keys() - settings.servers_of(settings.models[part]).keys():
                yield key, f"it is on server {server}, and its part {shown(part)} is not: put both on the same servers"
    try:
        TopologicalSorter(parts).prepare()
    except CycleError as error:
        circle = list(error.args[1])
        key = f"models.{written(circle[0])}.{settings.models[circle[0]].source}"
        yield key, f"it is made of itself: {' of '.join(map(shown, circle))}"


def _path(url: str) -> str | None:
    parts = urlsplit(url)
    if not parts.path:
        return None
    return (
        f"must end after host and port, not {shown(url)}: XNAT's viewer drops any path, so AIAA has to answer at "
        f"{shown(f'{parts.scheme}://{parts.netloc}')} itself"
    )


def _allowing(rule: str) -> str:
    return f"; if it works all the same: registrations.allow: [{rule}]"


def _leads_astray(url: str, xnat: str) -> str | None:
    reason = leads_astray(url, xnat)
    if reason is None:
        return None
    return (
        f"clinicians' browsers cannot reach AIAA at {url} ({reason}), as XNAT is at {xnat}: give here the address "
        "by which they reach AIAA, such as https://aiaa.example.org"
    )


def _mixed_content(url: str, xnat: str) -> str | None:
    """Browsers take loopback addresses for safe, and no others that lead to this machine
    (https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy)."""
    if not xnat.startswith("https:") or not url.startswith("http:") or is_loopback(url):
        return None
    return (
        f"browsers block AIAA on http ({url}), as XNAT is on https ({xnat}): put a gateway with TLS in front "
        "of AIAA and give its https:// address here"
    )


def _machine(server: Server) -> str | None:
    """None is this one, also where its address is a loopback's."""
    return None if server.machine is None or known_only_near(f"//{_host(server.machine)}") else server.machine


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _overlap(bind: str, other: str) -> bool:
    one, two = ipaddress.ip_address(bind), ipaddress.ip_address(other)
    return one == two or one.is_unspecified or two.is_unspecified


ALL: tuple[Callable[[Settings], Wrong], ...]
ALL = (
    xnat_for_what_is_done_there,
    server_names,
    ports_once,
    logins_of_registries,
    bind_reached_from_here,
    engines_can_be_reached,
    browsers_reach_registered_servers,
    models_fit_their_servers,
    pipelines_find_their_parts,
)
