"""Why an engine cannot pull an image, in the engine's own words, and what to do about it.

The words are those of the engine (https://github.com/moby/moby, `distribution` and `registry`), of Go's libraries below
it, and of registries, whose codes are in https://distribution.github.io/distribution/spec/api/#errors-2.
"""

from __future__ import annotations

import re

from clients.errors import Refused, Rejected, Unreachable, one_line, redacted, shortened
from clients.image_name import DOCKER_HUB, ImageName
from clients.registry_login import Login

_LIMIT = r"toomanyrequests|too many requests|rate limit|\b429\b"
_TLS = r"x509|certificate|tls: (?!handshake timeout)"
_DATES = r"expired or is not yet valid|not yet valid"
_OTHER_NAMES = r"certificate is (not )?valid for|cannot validate certificate for|legacy common name"
# What a proxy answers to CONNECT is all that Go says of it.
_PROXY = r"proxy authentication required|\b407\b|\": (forbidden|bad gateway|gateway timeout)$"
_PLAIN_HTTP = r"server gave http response to https client"
_DISK = r"no space left on device|disk quota exceeded"
_PLATFORM = r"no matching manifest for|does not match the specified platform|cannot be used on this platform"
_NAME = r"invalid reference format|invalid repository name|invalid tag format|must be lowercase|cannot be pulled"
_REFUSED = (
    r"no basic auth credentials|unauthorized|authentication required|(?<!permission )denied|forbidden|\b40[123]\b"
)
_MISSING = r"manifest unknown|not found|name unknown|name_unknown|repository does not exist|\b404\b"
_BROKEN_OFF = r"\beof\b|connection reset|broken pipe|stream error|http2:|verification failed|unexpected end"
_NOT_REACHED = (
    r"i/o timeout|connection refused|no such host|no route to host|network is unreachable|timeout|deadline exceeded|"
    r"temporary failure|server misbehaving|proxyconnect|dial tcp|\b50[0234]\b"
)


def refusal(image: str, where: str, said: str, login: Login | None) -> Rejected | Refused | Unreachable:
    """The error for an image that an engine did not get.

    Args:
        image: its name.
        where: the engine, as `Docker engine ssh://gpu1`.
        said: what the engine said.
        login: the log-in that the registry got; None if it got none.
    """
    name = ImageName.of(image)
    registry = "Docker Hub" if name.registry == DOCKER_HUB else name.registry
    words = shortened(one_line(redacted(said, login.secrets if login else ()))) or "nothing"
    message = f"image {image}: {where} cannot get it from {registry}"
    lower = words.lower()

    def has(pattern: str) -> bool:
        return re.search(pattern, lower) is not None

    if has(_LIMIT):
        advice = "wait until the registry's limit is over, or log in" if login is None else "wait until it is over"
        return Rejected(
            f"{message}, which limits how much is pulled (it said: {words})", advice=_with(advice, name, login)
        )
    if has(_DISK):
        return Rejected(
            f"{message}, as the disk of the engine's host is full (it said: {words})",
            advice="make room there (`docker system df` on it shows what images take), then run the command again",
        )
    if has(_PLAIN_HTTP):
        return Rejected(
            f"{message}, which speaks http, not https (it said: {words})",
            advice=f'give the registry TLS, or add {name.registry} to "insecure-registries" in /etc/docker/daemon.json '
            "on the engine's host",
        )
    if has(_PROXY):
        return Unreachable(
            f"{message}, as the proxy of the engine's host does not let it through (it said: {words})",
            advice="see the proxy of that Docker engine, its user and password, and what it allows "
            "(https://docs.docker.com/engine/daemon/proxy/)",
        )
    if has(_TLS):
        advice = (
            f"put the certificate of its authority on the engine's host as /etc/docker/certs.d/{name.registry}/ca.crt"
        )
        if has(_DATES):
            advice = "set the clock of the engine's host; if it is right, let the registry's certificate be renewed"
        elif has(_OTHER_NAMES):
            advice = "name the registry as its certificate does; on its host, see that no proxy answers in its place"
        return Unreachable(f"{message}, whose certificate the engine does not trust (it said: {words})", advice=advice)
    if has(_PLATFORM):
        return Rejected(
            f"{message}, which has none for that host's platform (it said: {words})",
            advice="choose an image that exists for the processor of the engine's host, or another engine",
        )
    if has(_NAME):
        return Rejected(
            f"{message}, because that is not a valid image name (it said: {words})", advice="fix the image's name"
        )
    # A registry that hides images from an account says `denied` and `does not exist` in one sentence.
    if has(_REFUSED):
        return _refused(message, words, name, login)
    if has(_MISSING):
        what = f"digest {name.reference}" if name.by_digest else f"tag {name.reference}"
        return Rejected(
            f"{message}: it has no {what} of {name.repository} (it said: {words})",
            advice="fix the image's name or tag; some registries also say this for images that the account may too",
        )
    if has(_BROKEN_OFF):
        return Unreachable(
            f"{message}: the transfer broke off, though the engine tried again (it said: {words})",
            advice='run the command again; if the network connection is poor, set "max-download-attempts": 100 in '
            "/etc/docker/daemon.json on the engine's host and restart Docker there",
        )
    if has(_NOT_REACHED):
        return Unreachable(
            f"{message}, which the engine's host cannot reach (it said: {words})",
            advice=f"check on the engine's host that it reaches https://{_address(name)}/v2/, and the proxy of its "
            "Docker engine (https://docs.docker.com/engine/daemon/proxy/)",
        )
    return Rejected(f"{message} (it said: {words})", advice="fix what it names, then run the command again")


def wrong_platform(image: str, where: str, has: str, wanted: str) -> Rejected:
    """The error for an image that exists only for another processor."""
    return Rejected(
        f"image {image}: it is for {has}, and the host of {where} is {wanted}",
        advice="choose an image that exists for the processor of the engine's host, or another engine",
    )


def _refused(message: str, words: str, name: ImageName, login: Login | None) -> Refused:
    if login is None:
        return Refused(
            f"{message}, which requires a log-in, and this machine has none for it (it said: {words})",
            advice=_with("log in", name, login),
        )
    account = login.auth.get("username")
    whose = f"of account {account} " if account else ""
    rights = "check that it is still valid and may pull this image"
    if name.registry == "nvcr.io":
        rights = (
            "see whether the NGC key is still valid (https://org.ngc.nvidia.com/setup/api-keys), and whether its "
            "organization may pull this image and has accepted its terms (its page at https://catalog.ngc.nvidia.com)"
        )
    return Refused(
        f"{message}, which refused the log-in {whose}from {login.source} (it said: {words})",
        advice=f"{rights}; then fix it in {login.source}",
    )


def _with(advice: str, name: ImageName, login: Login | None) -> str:
    if login is not None:
        return advice
    user = "username: $oauthtoken, password: an NGC key" if name.registry == "nvcr.io" else "username, password"
    key = f"registries.{name.registry}"
    host = "" if name.registry == DOCKER_HUB else f" {name.registry}"
    return f"{advice}: `docker login{host}` on this machine, or {key} ({user}) in the stack file"


def _address(name: ImageName) -> str:
    return "registry-1.docker.io" if name.registry == DOCKER_HUB else name.registry
