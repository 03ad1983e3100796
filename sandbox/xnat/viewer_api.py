"""The viewer plugin's metadata of imaging sessions: ``/xapi/viewer``.

Sources: the plugin's OhifViewerApi.java (3.5 to 3.7) and OhifViewerControllerAdvice.java, XNAT's
XapiRequestMappingAspect.java, which answers before them; https://wiki.xnat.org/xnat-ohif-viewer/xnat-ohif-plugin-api.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import fault_answers
from sandbox.faults import TRANSPORT
from sandbox.xnat import answers
from sandbox.xnat.archive import Experiment
from sandbox.xnat.gate import Gate, user_of
from sandbox.xnat.metadata import Aborted, BuildFailed
from sandbox.xnat.site import Site


class ViewerApi:
    """Work is done while the client waits, and goes on without it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate) -> list[Route]:
        project = "/xapi/viewer/projects/{project}"
        session = f"{project}/experiments/{{experiment}}"
        return [
            *gate.routes(f"{session}/exists", {"GET": self._exists}, of_plugin=True),
            *gate.routes(session, {"GET": self._fetch, "POST": self._build}, of_plugin=True),
            *gate.routes(f"{project}/subjects/{{subject}}", {"POST": self._build_subject}, of_plugin=True),
            *gate.routes(project, {"POST": self._build_project}, of_plugin=True),
            *gate.routes("/xapi/viewer/generate-all-metadata", {"POST": self._build_site}, of_plugin=True),
        ]

    async def _exists(self, request: Request) -> Response:
        session = self._session(request, edit=False)
        if isinstance(session, Response):
            return session
        return answers.empty(200 if self._site.metadata.is_valid(session.id) else 404)

    async def _fetch(self, request: Request) -> Response:
        session = self._session(request, edit=False)
        if isinstance(session, Response):
            return session
        if not self._site.metadata.is_valid(session.id):
            try:
                await self._site.metadata.build(session.id)
            except (BuildFailed, Aborted) as error:
                return _failed(request, error)
        return answers.json_answer({"transactionId": session.id, "studies": []})

    async def _build(self, request: Request) -> Response:
        """200, where the plugin's own description says 201."""
        session = self._session(request, edit=True)
        if isinstance(session, Response):
            return session
        try:
            await self._site.metadata.build_one(session.id)
        except (BuildFailed, Aborted) as error:
            return _failed(request, error)
        return answers.empty(200)

    async def _build_subject(self, request: Request) -> Response:
        if no := self._not_now(request):
            return no
        subject_id, asked = request.path_params["subject"], request.path_params["project"]
        owners = [
            project
            for project in self._site.archive.projects.values()
            if any(subject.id == subject_id for subject in project.subjects)
        ]
        if not owners:
            return answers.plugin_error(request, 500, "RuntimeException - NullPointerException thrown")
        if owners[0].id != asked:
            return answers.plugin_error(request, 422, f"Subject {subject_id} not found in project {asked}")
        sessions = [each for each in owners[0].experiments if each.subject == subject_id]
        return await self._build_all(request, f"Subject {subject_id}", sessions)

    async def _build_project(self, request: Request) -> Response:
        """Nobody looks whether there is such a project."""
        if no := self._not_now(request):
            return no
        project = self._site.archive.find(request.path_params["project"])
        if project is None:
            return answers.plugin_error(request, 500, "RuntimeException - NullPointerException thrown")
        return await self._build_all(request, f"Project {request.path_params['project']}", project.experiments)

    async def _build_site(self, request: Request) -> Response:
        if no := self._not_now(request):
            return no
        everything = [each for project in self._site.archive.projects.values() for each in project.experiments]
        return await self._build_all(request, "All projects", everything)

    def _not_now(self, request: Request) -> Response | None:
        if not user_of(request).is_administrator:
            return answers.empty(403)
        return answers.empty(423) if self._site.metadata.locked else None

    async def _build_all(self, request: Request, what: str, experiments: Sequence[Experiment]) -> Response:
        """201, however many sessions failed."""
        metadata = self._site.metadata
        metadata.locked = True
        try:
            await metadata.build_all(what, [each.id for each in experiments if each.is_imaging])
        except Aborted as error:
            return _failed(request, error)  # the lock is the new start's already
        metadata.locked = False
        return answers.empty(201)

    def _session(self, request: Request, *, edit: bool) -> Experiment | Response:
        """The session of the path, or why not."""
        user, archive = user_of(request), self._site.archive
        project, name = request.path_params["project"], request.path_params["experiment"]
        found = archive.experiment(name)
        sees_all = user.is_administrator or user.has_all_data
        for known, what in ((project in archive.projects, project), (found is not None, name)):
            if not known and sees_all:
                return answers.plugin_error(
                    request, 422, f"NotFoundException - The following item(s) don't exist: {what}"
                )
        if found is None or project not in archive.projects:
            return answers.empty(403)
        if not (user.may_edit(project) if edit else self._site.may_read(user, project)):
            return answers.empty(403)
        owner, session = found
        # XNAT's own check takes a label, too; the plugin does not.
        if name != session.id or not session.is_imaging:
            return answers.plugin_error(request, 422, f"No session found for ID: {name}")
        if project != owner.id and project not in session.shared_into:
            return answers.empty(404)
        return session


def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, Aborted):
        fault_answers.reset(request.scope["extensions"][TRANSPORT])
        return answers.empty(503)  # which nobody receives
    return answers.plugin_error(request, 500, str(error))
