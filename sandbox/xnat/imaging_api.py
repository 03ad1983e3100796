"""``/data/experiments`` and what is below a session: its scans, and their files.

Sources: NrgXnat/xnat, web/.../restlet/resources/{ExperimentListResource,ExperimentResource,ScanList,ScanResource}.java
and web/.../restlet/resources/files; https://wiki.xnat.org/xnat-api/image-session-api.
"""

import io
import zipfile
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.xnat import answers, dicom, documents
from sandbox.xnat.archive import Experiment, Project
from sandbox.xnat.gate import Gate, Handler, user_of
from sandbox.xnat.site import Site
from sandbox.xnat.tables import Row, table

_RESOURCE = "DICOM"


class ImagingApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self, gate: Gate) -> list[Route]:
        project = "/data/projects/{project}"
        found: list[Route] = [*gate.routes("/data/experiments", {"GET": self._all})]
        for session in (
            "/data/experiments/{experiment}",
            f"{project}/experiments/{{experiment}}",
            f"{project}/subjects/{{subject}}/experiments/{{experiment}}",
        ):
            scan = f"{session}/scans/{{scan}}"
            resource = f"{scan}/resources/{{resource}}"
            found += [
                *gate.routes(session, {"GET": self._of_session(_session)}),
                *gate.routes(f"{session}/scans", {"GET": self._of_session(_scans)}),
                *gate.routes(scan, {"GET": self._of_scan(_scan)}),
                *gate.routes(f"{scan}/resources", {"GET": self._of_scan(_resources)}),
                *gate.routes(f"{scan}/files", {"GET": self._files}),
                *gate.routes(f"{resource}/files", {"GET": self._files}),
                *gate.routes(f"{resource}/files/{{file}}", {"GET": self._of_scan(_file)}),
            ]
        return found

    async def _all(self, request: Request) -> Response:
        """Of all projects that the user may read; ``project`` and ``ID`` in the query name one."""
        asked = request.query_params
        rows = [
            row_of(project, session)
            for project in self._site.archive.projects.values()
            if self._site.may_read(user_of(request), project.id) and asked.get("project", project.id) == project.id
            for session in project.experiments
            if asked.get("ID", session.id) == session.id
        ]
        return table(request, rows)

    def _of_session(self, tell: Callable[[Request, Project, Experiment], Response]) -> Handler:
        async def handler(request: Request) -> Response:
            found = self._found(request)
            return tell(request, *found) if found else answers.error_page(404)

        return handler

    def _of_scan(self, tell: Callable[[Request, Project, Experiment, str], Response]) -> Handler:
        async def handler(request: Request) -> Response:
            found, scan = self._found(request), request.path_params["scan"]
            if found is None or scan not in found[1].scans:
                return answers.error_page(404)
            return tell(request, *found, scan)

        return handler

    async def _files(self, request: Request) -> Response:
        """Of one scan, of several with commas between them, or of ``ALL``."""
        found, name = self._found(request), request.path_params["scan"]
        if found is None:
            return answers.error_page(404)
        session = found[1]
        scans = session.scans if name == "ALL" else [scan for scan in session.scans if scan in name.split(",")]
        return _files(request, session, scans) if scans else answers.error_page(404)

    def _found(self, request: Request) -> tuple[Project, Experiment] | None:
        """By ID, or inside a project also by label. A session that the user may not read is a 404."""
        path, archive = request.path_params, self._site.archive
        found = archive.experiment(path["experiment"])
        if found is None:
            return None
        owner, session = found
        within = archive.find(path["project"]) if "project" in path else None
        if within is None and ("project" in path or path["experiment"] != session.id):
            return None
        if within is not None and within.id not in (owner.id, *session.shared_into):
            return None
        labels = {session.subject, *(each.label for each in owner.subjects if each.id == session.subject)}
        if path.get("subject", session.subject) not in labels:
            return None
        return found if self._site.may_read(user_of(request), (within or owner).id) else None


def row_of(project: Project, experiment: Experiment) -> Row:
    """In a listing of sessions."""
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


def _session(request: Request, project: Project, session: Experiment) -> Response:
    return documents.answer(request, documents.of_session(project, session))


def _scans(request: Request, _: Project, session: Experiment) -> Response:
    rows = [
        {
            "xnat_imagescandata_id": str(number),
            "ID": scan,
            "type": "AXIAL",
            "quality": "usable",
            "xsiType": "xnat:ctScanData",
            "note": "",
            "series_description": "AXIAL",
            "URI": f"/data/experiments/{session.id}/scans/{scan}",
        }
        for number, scan in enumerate(session.scans, 1)
    ]
    return table(request, rows)


def _scan(request: Request, project: Project, session: Experiment, scan: str) -> Response:
    return documents.answer(request, documents.of_scan(project, session, scan))


def _resources(request: Request, _: Project, session: Experiment, scan: str) -> Response:
    contents = _contents(session, scan)
    row = {
        "xnat_abstractresource_id": "1",
        "label": _RESOURCE,
        "element_name": "xnat:resourceCatalog",
        "category": "scans",
        "cat_id": scan,
        "cat_desc": "AXIAL",
        "file_count": str(len(contents)),
        "file_size": str(sum(map(len, contents.values()))),
        "content": "RAW",
        "format": "DICOM",
    }
    return table(request, [row], fixed=True)


def _files(request: Request, session: Experiment, scans: Sequence[str]) -> Response:
    found = [(scan, name, content) for scan in scans for name, content in _contents(session, scan).items()]
    if request.query_params.get("format") == "zip":
        return _zip(session, found)
    rows = [
        {
            "Name": name,
            "Size": str(len(content)),
            "URI": f"/data/experiments/{session.id}/scans/{scan}/resources/1/files/{name}",
            "collection": _RESOURCE,
            "file_tags": "",
            "file_format": "DICOM",
            "file_content": "RAW",
            "cat_ID": "1",
            "digest": "",
        }
        for scan, name, content in found
    ]
    return table(request, rows, fixed=True)


def _file(request: Request, _: Project, session: Experiment, scan: str) -> Response:
    content = _contents(session, scan).get(request.path_params["file"])
    return Response(content, media_type="application/dicom") if content else answers.error_page(404)


def _contents(session: Experiment, scan: str) -> dict[str, bytes]:
    return dict(dicom.series(session.id, session.subject, scan, session.date))


def _zip(session: Experiment, files: Sequence[tuple[str, str, bytes]]) -> Response:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for scan, name, content in files:
            archive.writestr(f"{session.label}/scans/{scan}-AXIAL/resources/{_RESOURCE}/files/{name}", content)
    headers = {"Content-Disposition": f'attachment;filename="{session.label}.zip"'}
    return Response(packed.getvalue(), media_type="application/zip", headers=headers)
