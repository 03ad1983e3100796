"""Proxy variables of this machine that would catch requests to the stack's own servers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from operations.checks.finding import Finding


def check(urls: Iterable[str]) -> Iterator[Finding]:
    """
    Args:
        urls: of all servers that are called from here.
    """
    caught = False
    for url in dict.fromkeys(urls):
        try:
            proxy = select_proxy(url, get_environ_proxies(url))
            public = _public(proxy) if proxy else ""
        except ValueError as error:
            caught = True
            message = f"cannot be read, so no request to {url} can be made ({error}): fix HTTP_PROXY, HTTPS_PROXY, "
            yield Finding("wrong", "proxy variables", f"{message}ALL_PROXY and NO_PROXY, also in lower case")
            continue
        if not public:
            continue
        caught = True
        host = urlsplit(url).hostname or ""
        message = f"requests to {url} go through the proxy {public}"
        advice = f"add {host} to the environment variable NO_PROXY (and no_proxy)"
        if _is_loopback(host):
            yield Finding("wrong", "proxy variables", f"{message}, whose loopback is another machine: {advice}")
        else:
            yield Finding("warning", "proxy variables", f"{message}: if it does not lead there, {advice}")
    if not caught:
        yield Finding("ok", "proxy variables", "none catches a server of this stack")


def _public(proxy: str) -> str:
    """Without the credentials that it may hold."""
    parts = urlsplit(proxy)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
