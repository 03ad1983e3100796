"""One project, subject, session or scan as a document of XNAT's data model: JSON, or XML with ``format=xml``.

Sources: NrgXnat/xnat, schemas xnat.xsd (https://wiki.xnat.org/documentation/xnat-data-models) and
web/.../restlet/representations/{ItemXMLRepresentation,JSONObjectRepresentation}.java.
"""

from dataclasses import dataclass, field
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response

from sandbox.xnat import answers, dicom
from sandbox.xnat.archive import Experiment, Project, Subject

_XNAT, _XSI = "http://nrg.wustl.edu/xnat", "http://www.w3.org/2001/XMLSchema-instance"
ElementTree.register_namespace("xnat", _XNAT)
ElementTree.register_namespace("xsi", _XSI)


@dataclass
class Document:
    """``attributes`` and ``elements`` are the two ways in which XML holds what JSON calls ``data_fields``."""

    tag: str
    xsi_type: str
    attributes: dict[str, str]
    elements: dict[str, str] = field(default_factory=dict)
    children: dict[str, list["Document"]] = field(default_factory=dict)


def answer(request: Request, document: Document) -> Response:
    if request.query_params.get("format") == "xml":
        body = ElementTree.tostring(_xml(document), encoding="UTF-8", xml_declaration=True)
        return Response(body, media_type="text/xml")
    return answers.json_answer({"items": [_item(document)]})


def of_project(project: Project) -> Document:
    own = {"ID": project.id, "secondary_ID": project.id}
    return Document("Project", "xnat:projectData", own, {"name": project.name})


def of_subject(project: Project, subject: Subject) -> Document:
    own = {"ID": subject.id, "project": project.id, "label": subject.label}
    return Document("Subject", "xnat:subjectData", own)


def of_session(project: Project, session: Experiment) -> Document:
    scans = [of_scan(project, session, scan, tag="scan") for scan in session.scans]
    return Document(
        session.xsi_type.removeprefix("xnat:").removesuffix("Data").replace("ctSession", "CTSession"),
        session.xsi_type,
        {"ID": session.id, "project": project.id, "label": session.label, "UID": dicom.uid(session.id)},
        {"date": session.date, "subject_ID": session.subject, "modality": "CT"},
        {"scans/scan": scans} if scans else {},
    )


def of_scan(project: Project, session: Experiment, scan: str, *, tag: str = "CTScan") -> Document:
    catalog = f"/data/xnat/archive/{project.id}/arc001/{session.label}/SCANS/{scan}/DICOM/scan_{scan}_catalog.xml"
    files = {"label": "DICOM", "URI": catalog, "format": "DICOM", "content": "RAW"}
    return Document(
        tag,
        "xnat:ctScanData",
        {"ID": scan, "type": "AXIAL", "UID": dicom.uid(session.id, scan)},
        {"image_session_ID": session.id, "quality": "usable", "series_description": "AXIAL"},
        {"file": [Document("file", "xnat:resourceCatalog", files)]},
    )


def _item(document: Document) -> dict[str, object]:
    return {
        "children": [
            {"field": path, "items": [_item(each) for each in children]} for path, children in document.children.items()
        ],
        "meta": {"xsi:type": document.xsi_type, "isHistory": False},
        "data_fields": {**document.attributes, **document.elements},
    }


def _xml(document: Document) -> ElementTree.Element:
    root = ElementTree.Element(f"{{{_XNAT}}}{document.tag}", document.attributes)
    if document.tag[0].islower():
        root.set(f"{{{_XSI}}}type", document.xsi_type)
    for name, text in document.elements.items():
        ElementTree.SubElement(root, f"{{{_XNAT}}}{name}").text = text
    for path, children in document.children.items():
        *outer, _ = path.split("/")
        parent = root
        for name in outer:
            parent = ElementTree.SubElement(parent, f"{{{_XNAT}}}{name}")
        parent.extend(_xml(each) for each in children)
    return root
