"""XNAT's generic configuration REST: a side door to the same rows that the viewer plugin keeps its lists in.

Source: NrgXnat/xnat, web/.../restlet/resources/ConfigResource.java. A project's owners may write there too, unchecked.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.xnat import answers
from sandbox.xnat.config_store import Row
from sandbox.xnat.gate import Gate, user_of
from sandbox.xnat.site import Site
from sandbox.xnat.tables import table


class ConfigApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate) -> list[Route]:
        handlers = {"GET": self._get, "PUT": self._put, "DELETE": self._delete}
        return [
            *gate.routes("/data/config/{tool}/{path}", handlers),
            *gate.routes("/data/projects/{project}/config", {"GET": self._tools}),
            *gate.routes("/data/projects/{project}/config/{tool}/{path}", handlers),
        ]

    async def _tools(self, request: Request) -> Response:
        project = request.path_params["project"]
        if not self._may_read(request, project):
            return answers.error_page(404)
        tools = self._site.config.tools(project)
        return table(request, [{"tool": tool} for tool in tools]) if tools else answers.error_page(404)

    async def _get(self, request: Request) -> Response:
        tool, path, project = _key(request)
        if project is not None and not self._may_read(request, project):
            return answers.error_page(404)
        history = self._site.config.history(tool, path, project)
        contents_only = request.query_params.get("contents") == "true"
        if not history or (contents_only and history[-1].status == "disabled"):
            accepted = request.query_params.get("accept-not-found") == "true"
            return answers.empty(204) if accepted else answers.error_page(404)
        if contents_only:
            return PlainTextResponse(history[-1].contents)
        everything = request.query_params.get("action") == "getHistory"
        return _rows(request, tool, path, project, history if everything else history[-1:])

    async def _put(self, request: Request) -> Response:
        tool, path, project = _key(request)
        if not self._may_write(request, project):
            return answers.error_page(403)
        contents = (await request.body()).decode(errors="replace")
        if not contents.strip() or request.query_params.get("inbody") != "true":
            return answers.error_page(500, "contents must not be empty")
        before = self._site.config.read(tool, path, project)
        if before and before.contents == contents:
            return answers.empty(200)
        asked = request.query_params.get("unversioned")
        unversioned = asked == "true" if asked else None
        self._site.config.write(
            tool, path, project, contents, user=user_of(request).name, reason="", unversioned=unversioned
        )
        return answers.empty(201)

    async def _delete(self, request: Request) -> Response:
        tool, path, project = _key(request)
        if not self._may_write(request, project):
            return answers.error_page(403)
        disabled = self._site.config.disable(tool, path, project, user=user_of(request).name)
        return answers.empty(200) if disabled else answers.error_page(500)

    def _may_read(self, request: Request, project: str) -> bool:
        return self._site.may_read(user_of(request), project)

    def _may_write(self, request: Request, project: str | None) -> bool:
        user = user_of(request)
        return user.is_administrator or (project is not None and user.may_delete(project))


def _key(request: Request) -> tuple[str, str, str | None]:
    return request.path_params["tool"], request.path_params["path"], request.path_params.get("project")


def _rows(request: Request, tool: str, path: str, project: str | None, history: Sequence[Row]) -> Response:
    return table(
        request,
        [
            {
                "tool": tool,
                "path": path,
                "project": project or "",
                "user": row.user,
                "create_date": row.create_date,
                "reason": row.reason,
                "contents": row.contents,
                "unversioned": str(row.unversioned).lower(),
                "version": str(row.version),
                "status": row.status,
            }
            for row in history
        ],
    )
