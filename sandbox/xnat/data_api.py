"""``/data``: sessions, alias tokens, projects, subjects, and which experiments they have.

Sources: NrgXnat/xnat, web/.../restlet/resources/{UserSession,UserAuth,ProjectListResource,ProjectResource}.java and
web/.../restlet/services/AliasTokenRestlet.java; https://wiki.xnat.org/xnat-api.
"""

import uuid
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.xnat import answers, documents
from sandbox.xnat.archive import Project, Subject
from sandbox.xnat.gate import Gate, Handler, session_of, user_of
from sandbox.xnat.imaging_api import row_of
from sandbox.xnat.site import Site
from sandbox.xnat.tables import Row, table

_SEARCHED = {"xnat:projectData": "Project", "xnat:subjectData": "Subject", "xnat:ctSessionData": "CT Session"}


class DataApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate) -> list[Route]:
        session = {"GET": self._session, "POST": self._session, "DELETE": self._end_session}
        services = "/data/services"
        tokens = f"{services}/tokens"

        async def log_in(request: Request) -> Response:
            """By a form, to which everybody has access."""
            form = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)
            name, password = (form.get(field, [""])[0] for field in ("username", "password"))
            user = self._site.accounts.log_in(name, password)
            session = self._site.sessions.open(user) if user else None
            if session is None:
                return answers.error_page(401)
            answer = PlainTextResponse(session.id)
            gate.hand_out(answer, session)
            return answer

        project = "/data/projects/{project}"
        return [
            *gate.routes("/data/JSESSION", session),
            *gate.routes("/data/auth", {"GET": self._who}),
            *gate.routes(f"{tokens}/issue", {"GET": self._issue_token}),
            *gate.routes(f"{tokens}/issue/user/{{user}}", {"GET": self._issue_token}),
            *gate.routes(f"{tokens}/validate/{{alias}}/{{secret}}", {"GET": self._validate_token}),
            *gate.routes(f"{tokens}/invalidate/{{alias}}", {"GET": self._invalidate_token}),
            *gate.routes("/data/search/elements", {"GET": _elements}),
            *gate.routes("/data/search/elements/{element}", {"GET": _fields}),
            *gate.routes("/data/projects", {"GET": self._projects}),
            *gate.routes(project, {"GET": self._of_project(_project)}),
            *gate.routes(f"{project}/subjects", {"GET": self._of_project(_subjects)}),
            *gate.routes(f"{project}/experiments", {"GET": self._of_project(self._experiments)}),
            *gate.routes(f"{project}/subjects/{{subject}}", {"GET": self._of_subject(_subject)}),
            *gate.routes(f"{project}/subjects/{{subject}}/experiments", {"GET": self._of_subject(_experiments_of)}),
            *(Route(path, log_in, methods=["PUT", "POST"]) for path in (f"{services}/auth", f"{services}/auth/")),
        ]

    async def _session(self, request: Request) -> Response:
        token = f"; XNAT_CSRF={uuid.uuid4()}" if request.query_params.get("CSRF") == "true" else ""
        return PlainTextResponse(session_of(request).id + token)

    async def _end_session(self, request: Request) -> Response:
        self._site.sessions.close(session_of(request).id)
        return answers.empty(200)

    async def _who(self, request: Request) -> Response:
        return PlainTextResponse(f"User '{user_of(request).name}' is logged in")

    async def _issue_token(self, request: Request) -> Response:
        name = request.path_params.get("user", user_of(request).name)
        if name != user_of(request).name and not user_of(request).is_administrator:
            return answers.error_page(403)
        if name not in self._site.accounts.users:
            return answers.error_page(400)
        token = self._site.accounts.issue_token(self._site.accounts.users[name])
        return answers.json_answer(
            {"alias": token.alias, "secret": token.secret, "xdatUserId": token.user, "singleUse": False}
        )

    async def _validate_token(self, request: Request) -> Response:
        if no := self._not_ones_own_token(request):
            return no
        user = self._site.accounts.log_in(request.path_params["alias"], request.path_params["secret"])
        return answers.json_answer({"valid": user.name if user else None})

    async def _invalidate_token(self, request: Request) -> Response:
        if no := self._not_ones_own_token(request):
            return no
        del self._site.accounts.tokens[request.path_params["alias"]]
        return answers.json_answer({"result": "OK"})

    def _not_ones_own_token(self, request: Request) -> Response | None:
        """Why the token is none for this user, if so; an administrator's are all."""
        token, user = self._site.accounts.tokens.get(request.path_params["alias"]), user_of(request)
        if token is None:
            return answers.error_page(404)
        return None if token.user == user.name or user.is_administrator else answers.error_page(403)

    async def _projects(self, request: Request) -> Response:
        user = user_of(request)
        override = user.is_administrator and request.query_params.get("allDataOverride") == "true"
        visible = [
            project
            for project in self._site.archive.projects.values()
            if override or self._site.may_see(user, project.id)
        ]
        return table(request, [_row(project) for project in visible])

    def _experiments(self, request: Request, project: Project) -> Response:
        return table(request, [row_of(project, each) for each in self._site.archive.experiments_in(project)])

    def _of_project(self, tell: Callable[[Request, Project], Response]) -> Handler:
        """A handler for something of a project; one that is not visible is one that does not exist."""

        async def handler(request: Request) -> Response:
            project = self._site.archive.find(request.path_params["project"])
            if project is None or not self._site.may_read(user_of(request), project.id):
                return answers.error_page(404)
            return tell(request, project)

        return handler

    def _of_subject(self, tell: Callable[[Request, Project, Subject], Response]) -> Handler:
        """The same for something of a subject, which may be named by ID or label."""

        def of_project(request: Request, project: Project) -> Response:
            name = request.path_params["subject"]
            subject = next((each for each in project.subjects if name in (each.id, each.label)), None)
            return tell(request, project, subject) if subject else answers.error_page(404)

        return self._of_project(of_project)


async def _elements(request: Request) -> Response:
    """The types of the data model that can be searched for."""
    rows = [
        {"ELEMENT_NAME": name, "SINGULAR": singular, "PLURAL": f"{singular}s", "SECURED": "true"}
        for name, singular in _SEARCHED.items()
    ]
    return table(request, rows)


async def _fields(request: Request) -> Response:
    element = request.path_params["element"]
    if element not in _SEARCHED:
        return answers.error_page(404)
    return table(request, [{"FIELD_ID": name, "ELEMENT_NAME": element} for name in ("ID", "LABEL", "PROJECT")])


def _project(request: Request, project: Project) -> Response:
    return documents.answer(request, documents.of_project(project))


def _subject(request: Request, project: Project, subject: Subject) -> Response:
    return documents.answer(request, documents.of_subject(project, subject))


def _subjects(request: Request, project: Project) -> Response:
    rows = [
        {
            "ID": subject.id,
            "label": subject.label,
            "project": project.id,
            "URI": f"/data/subjects/{subject.id}",
        }
        for subject in project.subjects
    ]
    return table(request, rows)


def _experiments_of(request: Request, project: Project, subject: Subject) -> Response:
    return table(request, [row_of(project, each) for each in project.experiments if each.subject == subject.id])


def _row(project: Project) -> Row:
    return {
        "ID": project.id,
        "secondary_ID": project.id,
        "name": project.name,
        "description": "",
        "pi_firstname": "",
        "pi_lastname": "",
        "URI": f"/data/projects/{project.id}",
    }
