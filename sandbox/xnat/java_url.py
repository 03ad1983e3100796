"""What ``new java.net.URL(text)`` takes: the plugin's only check of a server's address. It connects to nothing.

Sources: OpenJDK's java/net/URL.java, URLStreamHandler.java and, since Java 20, sun/net/util/IPAddressUtil.java
(https://bugs.openjdk.org/browse/JDK-8293590); the plugin's OhifAiaaApi.java.
"""

import re

_AUTHORITY = ("http", "https", "ftp", "file")
_KNOWN = (*_AUTHORITY, "jar", "mailto")
_INTEGERS = 2**31
"""A port is read as a Java ``int``: this and more is no number."""
_JAVA_20 = 64  # class file version
_NOT_IN_A_HOST = re.compile(r"""[\x00-\x20"#<>\\^`{|}\x7f]""")


def fault(text: str | None, java: int = 52) -> str | None:
    """Java's message for a text that is not a URL; None for a URL.

    java  its class file version
    """
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
    if protocol == "jar":
        return _archive_fault(rest)
    if protocol not in _AUTHORITY or rest[:2] != "//":
        return None
    authority = re.split(r"[/?#]", rest[2:])[0]
    return _authority_fault(authority) or (_host_fault(authority) if java >= _JAVA_20 else None)


def _archive_fault(rest: str) -> str | None:
    archive, separator, _ = rest.rpartition("!/")
    if not separator:
        return "no !/ in spec"
    within = fault(archive)
    return f"invalid url: {rest} (java.net.MalformedURLException: {within})" if within else None


def _authority_fault(authority: str) -> str | None:
    host_and_port = authority.rpartition("@")[2]
    if host_and_port.startswith("["):
        if "]" not in host_and_port:
            return f"Invalid authority field: {authority}"
        port = host_and_port.partition("]")[2].removeprefix(":")
    else:
        port = host_and_port.partition(":")[2]
    if not port:
        return None
    if not re.fullmatch(r"[+-]?\d+", port) or not -_INTEGERS <= int(port) < _INTEGERS:
        return f'For input string: "{port}"'
    return f"Invalid port number :{port}" if int(port) < -1 else None


def _host_fault(authority: str) -> str | None:
    found = _NOT_IN_A_HOST.search(authority.rpartition("@")[2])
    return f"Illegal character found in host: '{found[0]}'" if found else None
