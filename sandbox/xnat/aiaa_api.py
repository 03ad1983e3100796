"""The viewer plugin's lists of AIAA servers: ``/xapi/ohifaiaa``.

Sources: the plugin's OhifAiaaApi.java, OhifViewerControllerAdvice.java, JsonAiaaServerListHandler.java and
Security.java (unchanged from 3.0 to 3.7), and XNAT's XapiRequestMappingAspect.java, which answers before them.
"""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.xnat import answers, java_url
from sandbox.xnat.gate import Gate, user_of
from sandbox.xnat.site import Site

TOOL = "ohif-aiaa"


class AiaaApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate) -> list[Route]:
        return [
            *gate.routes("/xapi/ohifaiaa/servers", {"GET": self._get, "PUT": self._put}, of_plugin=True),
            *gate.routes(
                "/xapi/ohifaiaa/projects/{project}/servers", {"GET": self._get, "PUT": self._put}, of_plugin=True
            ),
        ]

    async def _get(self, request: Request) -> Response:
        project: str | None = request.path_params.get("project")
        if not _admits_json(request):
            return answers.error_page(406)
        if project is not None and (no := self._unreadable(request, project)):
            return no
        row = self._site.config.read(TOOL, path_of(project), project)  # a disabled one counts too
        if row is None:
            return answers.json_answer(["No AIAA server list found"], 404)
        servers = _as_texts(_parsed(row.contents))
        if servers is None:
            return answers.plugin_error(request, 500, "Error creating JSON: what is stored is no list of texts")
        return answers.json_answer(servers)

    async def _put(self, request: Request) -> Response:
        """The body is read before any right is looked at, so what cannot be read is the first error even then."""
        project: str | None = request.path_params.get("project")
        if not _is_json(request.headers.get("content-type", "")):
            return answers.error_page(415)
        servers = _as_texts(_parsed(await request.body()))
        if servers is None:
            status = self._site.options.malformed_json
            return answers.plugin_error(
                request, status, "RuntimeException - Could not read document: not a list of texts"
            )
        user = user_of(request)
        if not user.is_administrator:
            return answers.empty(403)
        if project is not None and not (project in self._site.archive.projects and user.may_read(project)):
            return answers.plugin_error(request, 403, f"Bad project ID or not visible to user {user.name}: {project}")
        if faults := [fault for server in servers if (fault := java_url.fault(server))]:
            return answers.plugin_error(request, 422, f"Malformed URL - Cause: {faults[0]}")
        scope = "Site" if project is None else "Project"
        self._site.config.write(
            TOOL,
            path_of(project),
            project,
            json.dumps(servers, separators=(",", ":"), ensure_ascii=False),  # as Jackson writes it
            user=user.name,
            reason=f"Creating {scope} JSON",
            unversioned=True,
        )
        told = "Site" if project is None else f"Project {project}"
        # Text, whatever it is labelled.
        label = "application/json" if request.headers.get("accept") == "application/json" else "text/plain"
        return Response(f"{told} server list updated", media_type=label)

    def _unreadable(self, request: Request, project: str) -> Response | None:
        """Why not, if so. To most users, a project that does not exist is one that they may not see."""
        user = user_of(request)
        if project not in self._site.archive.projects and (user.is_administrator or user.has_all_data):
            return answers.plugin_error(
                request,
                self._site.options.unknown_project_admin_get,
                f"NotFoundException - The following item(s) don't exist: {project}",
            )
        return None if project in self._site.archive.projects and user.may_read(project) else answers.empty(403)


def path_of(project: str | None) -> str:
    """Of the list's row in XNAT's configuration service."""
    return "site-json" if project is None else "project-json"


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _as_texts(content: Any) -> list[str | None] | None:
    """As Jackson reads a ``List<String>``: single values become texts, null stays. None for anything else."""
    if not isinstance(content, list) or any(isinstance(item, (list, dict)) for item in content):
        return None
    return [item if item is None or isinstance(item, str) else json.dumps(item) for item in content]


def _admits_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "*/*").split(",")
    return any(_is_json(kind) or _media_type(kind) in ("*/*", "application/*") for kind in accepted)


def _is_json(header: str) -> bool:
    return _media_type(header) == "application/json"


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()
