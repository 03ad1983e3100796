"""The values that a stack file may hold, each with its rule and the words for what breaks it.

Nothing here looks at more than one value, nor at the network. A type takes what YAML and `pulumi config set` may have
made of what was written (a number from "1", a text from 5000), as long as nothing was lost.
"""

from __future__ import annotations

import ipaddress
import os
import posixpath
import re
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from model_files.config import read
from model_files.errors import Unusable
from settings import launcher
from settings.errors import shown

_WEEK = 7 * 24 * 3600
_INT32 = 2**31 - 1


def _line(value: object) -> str:
    """A text of one line that is not empty; a whole number is one that lost its quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"must be a text in quotes, not {shown(value)}")
    if not value.isprintable() or not value.strip():
        raise ValueError(f"must be a text of one line without control characters, not {shown(value)}")
    return value


def _any_text(value: object) -> str:
    """What somebody else wrote, as it is: it may be empty, and hold control characters."""
    if not isinstance(value, str):
        return _line(value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("has characters that are no Unicode text") from None
    return value


def _one_of(pattern: str, wanted: str) -> BeforeValidator:
    def check(value: object) -> str:
        text = _line(value)
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {wanted}, not {shown(text)}")
        return text

    return BeforeValidator(check)


def whole(least: int, most: int = _INT32, unit: str = "") -> BeforeValidator:
    """A whole number; one in quotes is one too."""

    def check(value: object) -> int:
        number = int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII) else value
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
            raise ValueError(f"must be a whole number{unit} from {least} to {most}, not {shown(value)}")
        return number

    return BeforeValidator(check)


def _password(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text: if it is a number, put it in quotes")
    if not value:
        raise ValueError("is empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("has characters that are no Unicode text") from None
    return value


def _variable_name(value: object) -> str:
    """What is not one is not shown: it may be the password itself."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError("must be the name of an environment variable, such as XNAT_PASSWORD, not the password itself")
    return value


def _ip_address(value: object) -> str:
    text = _line(value)
    try:
        if ipaddress.ip_address(text).compressed == text:
            return text
    except ValueError:
        pass
    raise ValueError(
        f"must be an IP address of the engine's machine, such as 127.0.0.1, or 0.0.0.0 for all, not {shown(text)}"
    )


def _command(value: object) -> str:
    text = _line(value)
    try:
        shlex.split(text)
    except ValueError:
        raise ValueError(f"must be a command as a shell takes it, with its quotes closed, not {shown(text)}") from None
    return text


_HOST = r"(\w[\w.-]*|\[[\w:.%]+\])"  # must not look like an option of ssh


def _launcher(value: object) -> str:
    text = _command(value)
    if wrong := launcher.wrong(text):
        raise ValueError(wrong)
    return text


def _docker(value: object) -> str:
    text = _line(value)
    of_ssh = re.fullmatch(rf"ssh://([\w.+%-]+@)?{_HOST}(:\d+)?(/[^\s?#]*)?", text)
    of_tcp = re.fullmatch(rf"tcp://{_HOST}(:\d+)?/?", text)
    if not re.fullmatch(r"unix:///\S+", text) and not ((of_ssh or of_tcp) and _has_host(text)):
        raise ValueError(
            "must be a Docker engine's address, such as unix:///var/run/docker.sock, ssh://user@host or "
            f"tcp://host:2375, not {shown(text)}"
        )
    return text


_OF_DOCKER_HUB = ("index.docker.io", "registry-1.docker.io", "hub.docker.com")


def _registry_host(value: object) -> str:
    text = _line(value).lower()  # as any host's name
    if text in _OF_DOCKER_HUB:
        raise ValueError("must be docker.io, the name of Docker's own registry")
    is_host = re.fullmatch(r"[a-z0-9.-]+(:[0-9]+)?|\[[0-9a-f:]+\](:[0-9]+)?", text) and _has_host(f"//{text}")
    # Another word at the beginning of an image's name is a folder of Docker Hub.
    if not is_host or not re.search(r"[.:]|^localhost$", text):
        raise ValueError(
            "must be a registry, as at the start of an image's name: a host, and a port if it has one, such as nvcr.io "
            f"or registry.example.org:5000, not {shown(text)}"
        )
    return text


def _workspace(value: object) -> str:
    text = _line(value)
    is_volume = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]+", text)
    if not is_volume and (not re.fullmatch(r"/[^:\s]+", text) or posixpath.normpath(text).strip("/") == ""):
        raise ValueError(
            "must be an absolute folder of the engine's machine, such as /srv/aiaa, without spaces and colons, "
            f"or the name of a volume, not {shown(text)}"
        )
    return text


def _ssh_address(value: object) -> str:
    text = _line(value)
    if not re.fullmatch(r"ssh://([\w.-]+@)?[\w.:\[\]-]+", text, re.ASCII) or not _has_host(text):
        raise ValueError(
            "must be a host's SSH address, such as ssh://admin@xnat.example.org, with a port if it is not 22, not "
            f"{shown(text)}"
        )
    return text


def _plugins_folder(value: object) -> str:
    text = _line(value)
    if text != "auto" and (not text.startswith("/") or posixpath.normpath(text).strip("/") == ""):
        raise ValueError(
            "must be auto, or the absolute folder on XNAT's host that has its plugins, such as "
            f"/data/xnat/home/plugins, not {shown(text)}"
        )
    return text


def _has_host(url: str) -> bool:
    """Whether a URL names a host, and a port that there can be if it names one."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.netloc.endswith(":") or port == 0:
        return False
    if ":" in host:
        return "[" in parts.netloc and _address(host) is not None
    return re.fullmatch(r"[\w.-]+", host) is not None


def _http(value: object) -> tuple[str, SplitResult]:
    text = _line(value)
    if not re.match(r"https?://", text):
        raise ValueError(f"must begin with http:// or https://, as in https://host.example.org, not {shown(text)}")
    if re.search(r"""[\s"'<>\\]""", text) or not _has_host(text):
        raise ValueError(
            "must name a host, and a port from 1 to 65535 if any, as in https://host.example.org:5000, "
            f"not {shown(text)}"
        )
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password: take out what stands before the @")
    return text, parts


def _origin(value: object) -> str:
    """A URL that a browser's viewer can use: the viewer drops any path (see docs/xnat.md), so none is allowed."""
    url, parts = _http(value)
    origin = f"{parts.scheme}://{parts.netloc}"
    if url.removesuffix("/") != origin:
        raise ValueError(
            f"must end after host and port, not {shown(url)}: XNAT's viewer drops any path, so AIAA has to answer at "
            f"{shown(origin)} itself"
        )
    return origin


def _base_url(value: object) -> str:
    """XNAT's address: as `_origin`, but a web application's context path may follow."""
    url, parts = _http(value)
    if "?" in url or "#" in url:
        raise ValueError(f"must end before any ? or #, not {shown(url)}")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def existing_file(value: object) -> Path:
    """Relative paths are relative to the folder of Pulumi.yaml, where Pulumi runs the program."""
    return _existing(value, "file", Path.is_file)


def _existing(value: object, kind: str, is_there: Callable[[Path], bool]) -> Path:
    path = Path(_line(value))
    try:
        found = is_there(path)
    except OSError as error:
        raise ValueError(f"{shown(str(path))} cannot be read: {error.strerror}") from None
    if not found and kind == "file" and path.is_dir():
        raise ValueError(f"{shown(str(path))} is a folder: name the file in it")
    if not found:
        raise ValueError(f"there is no {kind} {shown(str(path))} (a path is relative to the folder of Pulumi.yaml)")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{shown(str(path))} cannot be read by this user: change its owner or mode")
    return path


def _model_config(path: Path) -> Path:
    try:
        read(path)
    except Unusable as error:
        raise ValueError(str(error)) from None
    return path


def _file_url(value: object) -> str:
    url, parts = _http(value)
    if not posixpath.basename(parts.path):
        raise ValueError(f"must name a file, as in https://store.example.org/models/model.ts, not {shown(url)}")
    return url


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a URL's host is, in any form that browsers take (127.1 too); None for a name."""
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        pass
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


# Why a URL leads other machines astray, the nearest first: who comes to XNAT by one may know the later ones, too.
_ITSELF, _CONTAINERS, _BARE = (
    "every machine takes that for itself",
    "only containers know that name",
    "a name without a domain, as containers have",
)
_NEAREST_FIRST = (_ITSELF, _CONTAINERS, _BARE, None)


def known_only_near(url: str) -> str | None:
    """Why a URL leads other machines astray; None if it does not, as far as its host's name tells."""
    host, address = _host(url)
    if host.endswith((".docker.internal", ".containers.internal")):
        return _CONTAINERS
    if is_loopback(url) or (address is not None and address.is_unspecified):
        return _ITSELF
    return None


def leads_astray(url: str, page: str) -> str | None:
    """Why a page's browsers do not come to a URL; None if they may, or if the page itself is as near as that."""

    def reason(of: str) -> str | None:
        host, address = _host(of)
        return known_only_near(of) or (_BARE if host and address is None and "." not in host else None)

    why = reason(url)
    return why if _NEAREST_FIRST.index(why) < _NEAREST_FIRST.index(reason(page)) else None


def is_loopback(url: str) -> bool:
    """Whether a URL leads to the machine itself by an address or name that is reserved for that."""
    host, address = _host(url)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _host(url: str) -> tuple[str, ipaddress.IPv4Address | ipaddress.IPv6Address | None]:
    host = (urlsplit(url).hostname or "").removesuffix(".")
    address = _address(host)
    if address is not None and address.version == 6:
        address = address.ipv4_mapped or address
    return host, address


_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
_NAME_RULE = "up to 100 letters, digits, _ . and -, beginning with a letter or digit"

Text = Annotated[str, BeforeValidator(_line)]
AnyText = Annotated[str, BeforeValidator(_any_text)]
ServerName = Annotated[str, _one_of(_NAME, f"{_NAME_RULE}, as containers are named by it")]
ModelName = Annotated[str, _one_of(_NAME, f"{_NAME_RULE}, as it stands in AIAA's URLs")]
ContainerName = Annotated[str, _one_of(_NAME, f"{_NAME_RULE}, as Docker names containers")]
PluginVersion = Annotated[
    str,
    _one_of(
        r"[0-9]+(\.[0-9]+)+[A-Za-z0-9.+_-]*",
        'a version as XNAT\'s list of plugins shows it, in quotes, such as "3.7.2"',
    ),
]
ProjectId = Annotated[str, _one_of(r"[A-Za-z0-9_-]+", "a project's ID, which has letters, digits, _ and - only")]
Image = Annotated[
    str, _one_of(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", "an image's name, such as registry.example.org/aiaa:1")
]
RegistryHost = Annotated[str, BeforeValidator(_registry_host)]
LogSize = Annotated[str, _one_of(r"[1-9][0-9]*[kmg]", "a size such as 10m: a number with k, m or g")]
NgcPath = Annotated[
    str,
    _one_of(
        r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+",
        "a model's path on NGC, such as nvidia/med/clara_pt_spleen_ct_segmentation",
    ),
]
# A number, which may name a slice of it as 0:1; a UUID of a GPU or of a MIG slice, whose older form ends in /1/0
# (https://docs.nvidia.com/datacenter/tesla/mig-user-guide/); or a CDI device, vendor/class=name
# (https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md).
_CDI_DEVICE = r"[A-Za-z][A-Za-z0-9_.-]*/[A-Za-z][A-Za-z0-9_.-]*=[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?"
Gpu = Annotated[
    str,
    _one_of(
        rf"all|[0-9]{{1,4}}(:[0-9]{{1,3}})?|(GPU|MIG)-[A-Za-z0-9-]+(/[0-9]+/[0-9]+)?|{_CDI_DEVICE}",
        'a GPU\'s number or UUID as nvidia-smi -L lists it, such as "0", or the name of a CDI device, such as '
        '"nvidia.com/gpu=0"',
    ),
]
VariableName = Annotated[str, BeforeValidator(_variable_name)]
Port = Annotated[int, whole(1, 65535)]
Seconds = Annotated[int, whole(1, _WEEK, " of seconds")]
Origin = Annotated[str, BeforeValidator(_origin)]
BaseUrl = Annotated[str, BeforeValidator(_base_url)]
IpAddress = Annotated[str, BeforeValidator(_ip_address)]
DockerAddress = Annotated[str, BeforeValidator(_docker)]
SshAddress = Annotated[str, BeforeValidator(_ssh_address)]
PluginsFolder = Annotated[str, BeforeValidator(_plugins_folder)]
WorkspaceLocation = Annotated[str, BeforeValidator(_workspace)]
Command = Annotated[str, BeforeValidator(_command)]
Launcher = Annotated[str, BeforeValidator(_launcher)]
Password = Annotated[SecretStr, BeforeValidator(_password)]
FilePath = Annotated[Path, BeforeValidator(lambda value: Path(_line(value)))]
ExistingFile = Annotated[Path, BeforeValidator(existing_file)]
ExistingPath = Annotated[Path, BeforeValidator(lambda value: _existing(value, "file or folder", Path.exists))]
ModelConfigFile = Annotated[Path, BeforeValidator(existing_file), AfterValidator(_model_config)]
FileUrl = Annotated[str, BeforeValidator(_file_url)]
Sha256 = Annotated[
    str, _one_of(r"[0-9a-fA-F]{64}", "the 64 hexadecimal digits that `sha256sum` prints"), AfterValidator(str.lower)
]
