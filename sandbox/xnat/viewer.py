"""Which AIAA server a clinician's browser would call, by the OHIF viewer's own rules.

Sources: the viewer's extensions/xnat/src/utils/IO/queryAiaaSettings.js, utils/sessionMap.js and the clients' request
paths, which all begin at the root (ICR's ohif-viewer-xnat).
"""

from collections.abc import Sequence
from urllib.parse import urljoin


def url_used(project_list: Sequence[str] | None, site_list: Sequence[str] | None) -> str | None:
    """The first entry of the project's list, else of the site's, cleaned; None if neither has one."""
    for servers in (project_list, site_list):
        if servers:
            return _cleaned(servers[0])
    return None


def request_url(server: str, path: str) -> str:
    """What the viewer asks for: ``path`` begins at the root, so any path of the server's own is lost."""
    return urljoin(server, path)


def _cleaned(url: str) -> str:
    url = url.removesuffix("/")
    return url if url.startswith(("http://", "https://")) else f"http://{url}"
