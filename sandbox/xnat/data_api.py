"""``/data`` (and ``/REST``, the same): sessions, alias tokens, projects, subjects, experiments.

Sources: NrgXnat/xnat, web/.../restlet/resources/{UserSession,UserAuth,ProjectListResource,ProjectResource}.java and
web/.../restlet/services/AliasTokenRestlet.java; https://wiki.xnat.org/xnat-api.
"""

import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.xnat import answers
from sandbox.xnat.archive import Experiment, Project
from sandbox.xnat.gate import Gate, session_of, user_of
from sandbox.xnat.site import Site


class DataApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate, prefix: str) -> list[Route]:
        session = {"GET": self._session, "POST": self._session, "DELETE": self._end_session}
        tokens = f"{prefix}/services/tokens"
        project = f"{prefix}/projects/{{project}}"
        return [
            *gate.routes(f"{prefix}/JSESSION", session),
            *gate.routes(f"{prefix}/auth", {"GET": self._who}),
            *gate.routes(f"{tokens}/issue", {"GET": self._issue_token}),
            *gate.routes(f"{tokens}/issue/user/{{user}}", {"GET": self._issue_token}),
            *gate.routes(f"{tokens}/validate/{{alias}}/{{secret}}", {"GET": self._validate_token}),
            *gate.routes(f"{tokens}/invalidate/{{alias}}", {"GET": self._invalidate_token}),
            *gate.routes(f"{prefix}/projects", {"GET": self._projects}),
            *gate.routes(project, {"GET": self._of_project(_item)}),
            *gate.routes(f"{project}/subjects", {"GET": self._of_project(_subjects)}),
            *gate.routes(f"{project}/experiments", {"GET": self._of_project(self._experiments)}),
            *gate.routes(f"{project}/subjects/{{subject}}/experiments", {"GET": self._experiments_of_subject}),
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
        return answers.table([_row(project) for project in visible])

    def _experiments(self, project: Project) -> Response:
        return answers.table([_experiment_row(project, each) for each in self._site.archive.experiments_in(project)])

    async def _experiments_of_subject(self, request: Request) -> Response:
        """Of a subject by ID or label."""
        name = request.path_params["subject"]

        def tell(project: Project) -> Response:
            subject = next((each for each in project.subjects if name in (each.id, each.label)), None)
            if subject is None:
                return answers.error_page(404)
            return answers.table(
                [_experiment_row(project, each) for each in project.experiments if each.subject == subject.id]
            )

        answer: Response = await self._of_project(tell)(request)
        return answer

    def _of_project(self, tell: Callable[[Project], Response]) -> Any:
        """A handler for something of a project; one that is not visible is one that does not exist."""

        async def handler(request: Request) -> Response:
            project = self._site.archive.find(request.path_params["project"])
            if project is None or not self._site.may_read(user_of(request), project.id):
                return answers.error_page(404)
            return tell(project)

        return handler


def _row(project: Project) -> dict[str, str]:
    return {
        "ID": project.id,
        "secondary_ID": project.id,
        "name": project.name,
        "description": "",
        "pi_firstname": "",
        "pi_lastname": "",
        "URI": f"/data/projects/{project.id}",
    }


def _item(project: Project) -> Response:
    fields = {"ID": project.id, "secondary_ID": project.id, "name": project.name}
    return answers.json_answer({"items": [{"children": [], "meta": {}, "data_fields": fields}]})


def _subjects(project: Project) -> Response:
    return answers.table(
        [
            {"ID": subject.id, "label": subject.label, "project": project.id, "URI": f"/data/subjects/{subject.id}"}
            for subject in project.subjects
        ]
    )


def _experiment_row(project: Project, experiment: Experiment) -> dict[str, str]:
    return {
        "ID": experiment.id,
        "label": experiment.label,
        "project": project.id,
        "subject_ID": experiment.subject,
        "date": experiment.date,
        "insert_date": f"{experiment.date} 12:00:00.0",
        "xsiType": experiment.xsi_type,
        "URI": f"/data/experiments/{experiment.id}",
    }
