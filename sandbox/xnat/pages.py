"""What a person sees who opens the stand-in in a browser."""

from html import escape

from starlette.responses import HTMLResponse, Response

from sandbox.xnat import jackson
from sandbox.xnat.aiaa_api import TOOL, path_of
from sandbox.xnat.site import Site
from sandbox.xnat.viewer import url_used


def landing(site: Site) -> Response:
    """XNAT redirects to its log-in here; the stand-in tells what it is, and what there is to see of it."""
    rows = "".join(
        f"<tr><td>{escape(project.id)}</td><td>{len(project.subjects)}</td><td>{len(project.experiments)}</td>"
        f"<td>{escape(url_used(_list(site, project.id), _list(site, None)) or 'none')}</td></tr>\n"
        for project in site.archive.projects.values()
    )
    return HTMLResponse(
        "<!DOCTYPE html>\n<html><head><title>XNAT (stand-in)</title></head><body>\n"
        "<h1>XNAT</h1>\n<p>A stand-in for XNAT with its OHIF viewer plugin, for development and tests: its REST API "
        "only, no viewer. Log in with HTTP Basic as admin, password admin.</p>\n"
        "<table><tr><th>project</th><th>subjects</th><th>CT sessions</th>"
        f"<th>AIAA server that a browser would use</th></tr>\n{rows}</table>\n</body></html>\n"
    )


def login() -> Response:
    return HTMLResponse(
        "<!DOCTYPE html>\n<html><head><title>XNAT</title></head><body><form>Please log in</form></body></html>\n"
    )


def _list(site: Site, project: str | None) -> list[str] | None:
    row = site.config.read(TOOL, path_of(project), project)
    try:
        servers = jackson.read(row.contents, lenient=False) if row else None
    except jackson.NoList:
        return None
    return None if servers is None else [(server or "").encode(errors="replace").decode() for server in servers]
