"""``/xapi``: users with their roles and groups, site preferences, plugins, the data model's schema.

Sources: NrgXnat/xnat, web/.../xapi/rest/{users/UsersApi,settings/SiteConfigApi,...}.java and XnatPluginApi.java.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.xnat import answers
from sandbox.xnat.accounts import User
from sandbox.xnat.gate import Gate, user_of
from sandbox.xnat.site import VIEWER, Phase, Site

BUILD_INFO = {
    "version": "1.9.3",
    "buildNumber": "0",
    "buildDate": "2025-01-01",
    "timestamp": "1735689600000",
    "sha": "",
    "isDirty": "false",
    "application": "XNAT stand-in",
}
_SCHEMA = Path(__file__).with_name("xnat.xsd")
_VIEWER_NAME, _VIEWER_CLASS = "XNAT OHIF Viewer Plugin", "org.nrg.xnatx.plugins.ohifviewer.OhifViewerPlugin"


class Xapi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate) -> list[Route]:
        user = "/xapi/users/{user}"
        return [
            *gate.routes("/xapi/users/username", {"GET": self._username}),
            *gate.routes("/xapi/users", {"POST": self._create_user}),
            *gate.routes(f"{user}/roles", {"GET": self._names_of}),
            *gate.routes(f"{user}/roles/{{name}}", {"PUT": self._grant, "DELETE": self._grant}),
            *gate.routes(f"{user}/groups", {"GET": self._names_of}),
            *gate.routes(f"{user}/groups/{{name}}", {"PUT": self._grant, "DELETE": self._grant}),
            *gate.routes("/xapi/siteConfig", {"POST": self._configure}, before_set_up=True),
            *gate.routes("/xapi/siteConfig/initialized", {"GET": self._initialized}, before_set_up=True),
            *gate.routes("/xapi/schemas", {"GET": self._schemas}),
            *gate.routes("/xapi/schemas/{schema}", {"GET": self._schema}),
            *gate.routes("/xapi/plugins", {"GET": self._plugins}),
            *gate.routes("/xapi/plugins/{plugin}", {"GET": self._plugin}),
        ]

    async def _username(self, request: Request) -> Response:
        return PlainTextResponse(user_of(request).name)

    async def _create_user(self, request: Request) -> Response:
        if not user_of(request).is_administrator:
            return answers.empty(403)
        document = await request.json()
        if document["username"] in self._site.accounts.users:
            return answers.empty(409)
        self._site.accounts.add(document["username"], document["password"])
        return answers.json_answer({"username": document["username"], "enabled": True}, 201)

    async def _names_of(self, request: Request) -> Response:
        """Roles or groups, for the user himself and for administrators."""
        found = self._asked_for(request)
        return found if isinstance(found, Response) else answers.json_answer(sorted(_set_of(found, request)))

    async def _grant(self, request: Request) -> Response:
        found = self._asked_for(request)
        if isinstance(found, Response):
            return found
        if not user_of(request).is_administrator:
            return answers.empty(403)
        change = _set_of(found, request).add if request.method == "PUT" else _set_of(found, request).discard
        change(request.path_params["name"])
        return answers.empty(200)

    def _asked_for(self, request: Request) -> User | Response:
        name, asking = request.path_params["user"], user_of(request)
        if name != asking.name and not asking.is_administrator:
            return answers.empty(403)
        return self._site.accounts.users.get(name) or answers.empty(404)

    async def _configure(self, request: Request) -> Response:
        if not user_of(request).is_administrator:
            return answers.empty(403)
        document = await request.json()
        self._site.initialized = document.get("initialized", self._site.initialized)
        self._site.site_url = document.get("siteUrl", self._site.site_url)
        return answers.empty(200)

    async def _initialized(self, _: Request) -> Response:
        return answers.json_answer(self._site.initialized)

    async def _schemas(self, _: Request) -> Response:
        return answers.json_answer([_SCHEMA.stem])

    async def _schema(self, request: Request) -> Response:
        if request.path_params["schema"] != _SCHEMA.stem:
            return answers.empty(404)
        return Response(_SCHEMA.read_bytes(), media_type="application/xml")

    async def _plugins(self, _: Request) -> Response:
        return answers.json_answer(self._installed())

    async def _plugin(self, request: Request) -> Response:
        plugin = self._installed().get(request.path_params["plugin"])
        return answers.json_answer(plugin) if plugin else answers.empty(404)

    def _installed(self) -> dict[str, dict[str, object]]:
        """By id; made at the start, and so empty until its last part."""
        if self._site.phase is not Phase.READY:
            return {}
        return {
            id_: _plugin(id_, _VIEWER_NAME, version, _VIEWER_CLASS)
            if id_ == VIEWER
            else _plugin(id_, id_, version, f"org.example.{id_}")
            for id_, version in self._site.plugins.items()
        }


def _plugin(id_: str, name: str, version: str, class_: str) -> dict[str, object]:
    return {
        "id": id_,
        "name": name,
        "version": version,
        "pluginClass": class_,
        "namespace": None,
        "description": None,
        "logConfigurationFile": None,
        "beanName": id_,
        "entityPackages": [],
        "dataModelBeans": [],
        "extendedAttributes": {},
    }


def _set_of(user: User, request: Request) -> set[str]:
    return user.roles if "/roles" in request.url.path else user.groups
