"""What ``new java.net.URL(text)`` takes: the plugin's only check of a server's address. It connects to nothing.

Source: OpenJDK's java/net/URL.java and URLStreamHandler.java; the plugin's OhifAiaaApi.java.
"""

import re

_AUTHORITY = ("http", "https", "ftp", "file")
_KNOWN = (*_AUTHORITY, "jar", "mailto")


def fault(text: str | None) -> str | None:
    """Java's message for a text that is no URL; None for one that is."""
    if text is None:
        return "null"
    spec = text.strip("".join(map(chr, range(33))))
    spec = re.sub(r"^url:", "", spec, flags=re.IGNORECASE)
    found = re.match(r"([A-Za-z][A-Za-z0-9.+-]*):", spec)
    if found is None:
        return f"no protocol: {text}"
    protocol, rest = found.group(1).lower(), spec[found.end() :]
    if protocol not in _KNOWN:
        return f"unknown protocol: {protocol}"
    if protocol == "jar" and "!/" not in rest:
        return "no !/ in spec"
    return _authority_fault(re.split(r"[/?#]", rest[2:])[0]) if protocol in _AUTHORITY and rest[:2] == "//" else None


def _authority_fault(authority: str) -> str | None:
    host_and_port = authority.rpartition("@")[2]
    if host_and_port.startswith("["):
        if "]" not in host_and_port:
            return f"Invalid authority field: {authority}"
        port = host_and_port.partition("]")[2].removeprefix(":")
    else:
        port = host_and_port.partition(":")[2]
    if not re.fullmatch(r"[+-]?\d+|", port):
        return f'For input string: "{port}"'
    return f"Invalid port number :{port}" if port and int(port) < -1 else None
