"""The viewer plugin's lists of AIAA servers: ``/xapi/ohifaiaa``.

Sources: the plugin's OhifAiaaApi.java, OhifViewerControllerAdvice.java, JsonAiaaServerListHandler.java and
Security.java (unchanged from 3.0 to 3.7), and XNAT's XapiRequestMappingAspect.java, which answers before them. The
answers are those that these classes gave when they were run (docs/xnat.md).
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.xnat import answers, jackson, java_url, negotiation
from sandbox.xnat.gate import Gate, user_of
from sandbox.xnat.site import Site

TOOL = "ohif-aiaa"


class AiaaApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate) -> list[Route]:
        handlers = {"GET": self._get, "PUT": self._put}
        return [
            *gate.routes("/xapi/ohifaiaa/servers", handlers, of_plugin=True),
            *gate.routes("/xapi/ohifaiaa/projects/{project}/servers", handlers, of_plugin=True),
        ]

    async def _get(self, request: Request) -> Response:
        project: str | None = request.path_params.get("project")
        try:
            if not negotiation.admits_json(request):
                return answers.error_page(406)
        except negotiation.Unreadable:
            return answers.error_page(406)
        if project is not None and (no := self._unreadable(request, project)):
            return no
        row = self._site.config.read(TOOL, path_of(project), project)  # a disabled one counts too
        if row is None:
            return answers.json_answer(["No AIAA server list found"], 404)
        try:
            servers = jackson.read(row.contents, lenient=False)
        except jackson.NoList as error:
            return answers.plugin_error(request, 500, f"Error creating JSON: {error} - Cause: {error}")
        if servers is None:
            return answers.empty(200)  # what Spring makes of a handler's null
        try:
            return answers.json_text(jackson.write(servers))
        except UnicodeEncodeError:  # half of a surrogate pair, which only the side door stores
            return answers.plugin_error(request, 500, "RuntimeException - ")

    async def _put(self, request: Request) -> Response:
        """The body is read before any right is looked at, so what cannot be read is the first error even then."""
        project: str | None = request.path_params.get("project")
        if not negotiation.is_json(request.headers.get("content-type", "")):
            return answers.error_page(415)
        body = await request.body()
        try:
            servers = jackson.read(body, lenient=True) if body else None
        except jackson.NoList:
            return answers.plugin_error(request, 500, "RuntimeException - ")
        if servers is None:
            method = f"OhifAiaaApi.set{'Site' if project is None else 'Project'}AiaaJson"
            message = f"Required request body is missing: {method}"
            return answers.plugin_error(request, 500, f"RuntimeException - {message}")
        if not user_of(request).is_administrator:
            return answers.empty(403)
        if project is not None and (message := self._unwritable(request, project)):
            return answers.plugin_error(request, 403, message)
        faults = (java_url.fault(server, self._site.options.java) for server in servers)
        if message := next((fault for fault in faults if fault), ""):
            return answers.plugin_error(request, 422, f"Malformed URL - Cause: {message}")
        self._store(request, project, servers)
        updated = "Site" if project is None else f"Project {project}"
        try:
            return answers.text(f"{updated} server list updated", 200, negotiation.label_of_text(request))
        except negotiation.Unreadable:
            return answers.error_page(406)  # the error occurs when the answer is written: the list is already stored

    def _store(self, request: Request, project: str | None, servers: jackson.Texts) -> None:
        scope = "Site" if project is None else "Project"
        contents = jackson.write(servers).encode(errors="replace").decode()  # halves of surrogate pairs become "?"
        self._site.config.write(
            TOOL,
            path_of(project),
            project,
            contents,
            user=user_of(request).name,
            reason=f"Creating {scope} JSON",
            unversioned=True,
        )

    def _unreadable(self, request: Request, project: str) -> Response | None:
        """Why not, if so. To most users, a project that does not exist is one that they may not see."""
        user, archive = user_of(request), self._site.archive
        sees_all = user.is_administrator or user.has_all_data
        if sees_all and project == archive.UNASSIGNED:
            return answers.plugin_error(request, 403, _not_visible(user.name, project))
        if sees_all and project not in archive.projects:
            return answers.plugin_error(
                request, 422, f"NotFoundException - The following item(s) don't exist: {project}"
            )
        return None if self._site.may_read(user, project) else answers.empty(403)

    def _unwritable(self, request: Request, project: str) -> str:
        """Why the user may not write, if so. The plugin checks the right to see the project itself, not its data."""
        user = user_of(request)
        if self._site.may_see(user, project):
            return ""
        if user.has_all_data:
            return _not_visible(user.name, project)
        return f"User {user.name} does not have read permission for xnat:projectData/ID"


def path_of(project: str | None) -> str:
    """Of the list's row in XNAT's configuration service."""
    return "site-json" if project is None else "project-json"


def _not_visible(user: str, project: str) -> str:
    return f"Bad project ID or not visible to user {user}: {project}"
