"""Requests of other people's clients, recorded with pyxnat 1.6.4 and xnatpy 0.8.1 against the stand-in: connect, list,
read and download. Those of MONAI Label's XNAT datastore are as its source has them (Project-MONAI/MONAILabel,
monailabel/datastore/xnat.py)."""

import csv
import io
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
import requests

from .conftest import Start, Xnat

XNAT = {"xnat": "http://nrg.wustl.edu/xnat"}
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
LIVER = "/data/projects/LIVER"
SUBJECT = f"{LIVER}/subjects/XNAT_S00001"
SESSION = f"{SUBJECT}/experiments/XNAT_E00001"
SCAN = f"{SESSION}/scans/1"
SUBJECTS = ["XNAT_S00001", "XNAT_S00002", "XNAT_S00003"]
SESSIONS = [f"XNAT_E{number:05d}" for number in range(1, 13)]
FILES = [f"{number:03d}.dcm" for number in range(1, 17)]
TYPED = "xsiType=xnat:subjectAssessorData"
SUBJECT_PATH = "xnat:subjectAssessorData/subject_id"

# Path, query, and a column with what it holds.
PYXNAT = [
    ("/data/projects", "format=csv&columns=ID,xsiType", "ID", ["LIVER", "SPLEEN"]),
    ("/data/projects", "format=csv&columns=ID", "ID", ["LIVER", "SPLEEN"]),
    ("/data/projects", "columns=ID,name&format=csv", "name", ["LIVER", "SPLEEN"]),
    (f"{LIVER}/subjects", "format=csv&columns=ID,xsiType", "ID", SUBJECTS),
    (f"{LIVER}/experiments", "format=csv&columns=ID,xsiType", "ID", SESSIONS[:6]),
    (f"{SUBJECT}/experiments", "format=csv&columns=ID,xsiType", "xsiType", ["xnat:ctSessionData"] * 2),
    (f"{SUBJECT}/experiments", "columns=ID,date&format=csv", "date", ["2024-01-11", "2024-02-11"]),
    (f"{SESSION}/scans", "format=csv&columns=ID,xsiType", "ID", ["1"]),
    (f"{SCAN}/resources", "format=csv&columns=xnat_abstractresource_id,xsiType", "xnat_abstractresource_id", ["1"]),
    (f"{SCAN}/resources", "format=csv", "label", ["DICOM"]),
    (f"{SCAN}/resources/DICOM/files", "format=csv&columns=path,xsiType", "Name", FILES),
    ("/data/experiments", f"{TYPED}&project=LIVER&columns=ID,{SUBJECT_PATH}&format=csv", "ID", SESSIONS[:6]),
    ("/data/experiments", f"{TYPED}&ID=XNAT_E00001&columns={SUBJECT_PATH}&format=csv", "subject_ID", SUBJECTS[:1]),
]
XNATPY = [
    ("/data/archive/projects", "columns=ID%2CURI%2Cname&format=json", "ID", ["LIVER", "SPLEEN"]),
    (f"{LIVER}/subjects", "columns=ID%2CURI%2Clabel&format=json", "label", ["LIVER_001", "LIVER_002", "LIVER_003"]),
    (f"{LIVER}/experiments", "columns=ID%2CURI%2Clabel%2CxsiType&format=json", "ID", SESSIONS[:6]),
    ("/data/archive/experiments", "columns=ID%2CURI%2Clabel%2CxsiType&format=json", "ID", SESSIONS),
    (f"/data/archive{SESSION.removeprefix('/data')}/scans", "columns=ID%2CURI%2Ctype&format=json", "type", ["AXIAL"]),
    (f"{SCAN}/resources", "columns=ID%2CURI%2Clabel%2CxsiType&format=json", "element_name", ["xnat:resourceCatalog"]),
    (f"{SCAN}/files", "columns=ID%2CURI%2CName&format=json", "Name", FILES),
    ("/data/search/elements/xnat:projectData", "format=json", "FIELD_ID", ["ID", "LABEL", "PROJECT"]),
]


@dataclass
class Client:
    """With a cookie jar, as all three have."""

    xnat: Xnat
    session: requests.Session

    def get(self, path: str, query: str = "") -> requests.Response:
        return self.session.get(f"{self.xnat.url}{path}?{query}".removesuffix("?"), timeout=10)


def parsed(answer: requests.Response) -> ElementTree.Element:
    return ElementTree.fromstring(answer.content)  # noqa: S314 - the stand-in's own


@pytest.fixture(scope="module")
def running(start: Start) -> Iterator[Xnat]:
    with start() as xnat:
        yield xnat


@pytest.fixture
def client(running: Xnat) -> Iterator[Client]:
    with requests.Session() as session:
        session.auth = ("admin", "admin")
        yield Client(running, session)


@pytest.mark.parametrize(("path", "query", "column", "values"), PYXNAT)
def test_pyxnat_reads_tables_as_csv(client: Client, path: str, query: str, column: str, values: list[str]) -> None:
    answer = client.get(path, query)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert [row[column] for row in csv.DictReader(io.StringIO(answer.text))] == values


@pytest.mark.parametrize(("path", "query", "column", "values"), XNATPY)
def test_xnatpy_reads_tables_as_json(client: Client, path: str, query: str, column: str, values: list[str]) -> None:
    assert [row[column] for row in client.get(path, query).json()["ResultSet"]["Result"]] == values


def test_columns_that_are_asked_for_come_alone(client: Client) -> None:
    row = client.get("/data/projects", "format=json&columns=ID,xsiType,none").json()["ResultSet"]["Result"][0]
    assert row == {"ID": "LIVER", "URI": "/data/projects/LIVER"}


def test_xnatpy_logs_in_by_a_form_and_goes_on_with_the_cookie(running: Xnat) -> None:
    with requests.Session() as session:
        assert session.get(running.url, timeout=10).status_code == 200
        form = {"username": "admin", "password": "admin"}
        login = session.put(f"{running.url}/data/services/auth", data=form, timeout=10)
        assert (login.status_code, login.text) == (200, session.cookies["JSESSIONID"])
        # It shows from this how long the session lasts.
        assert re.match(r'^"(\d+),(\d+)"$', session.cookies["SESSION_EXPIRATION_TIME"] or "")
        assert session.get(f"{running.url}/data/auth", timeout=10).text == "User 'admin' is logged in"
        assert session.get(f"{running.url}/data/JSESSION", timeout=10).text == login.text
        assert session.delete(f"{running.url}/data/JSESSION", timeout=10).status_code == 200
        assert session.get(f"{running.url}/data/auth", timeout=10).status_code == 401


@pytest.mark.parametrize("form", [{"username": "admin", "password": "wrong"}, {"username": "admin"}, {}])
def test_a_form_with_wrong_credentials_is_no_login(running: Xnat, form: dict[str, str]) -> None:
    assert requests.put(f"{running.url}/data/services/auth", data=form, timeout=10).status_code == 401


def test_xnatpy_makes_its_classes_of_the_schemas(client: Client) -> None:
    """It wants a class for each type that a listing names."""
    assert client.get("/xapi/schemas", "format=json").json() == ["xnat"]
    answer = client.get("/xapi/schemas/xnat")
    assert answer.headers["Content-Type"].startswith("application/xml")
    types = parsed(answer).iter("{http://www.w3.org/2001/XMLSchema}complexType")
    assert {"projectData", "subjectData", "ctSessionData", "ctScanData", "resourceCatalog"} <= {
        each.get("name") for each in types
    }
    elements = client.get("/data/search/elements", "format=json").json()["ResultSet"]["Result"]
    assert [row["ELEMENT_NAME"] for row in elements] == ["xnat:projectData", "xnat:subjectData", "xnat:ctSessionData"]
    assert client.get("/xapi/schemas/other").status_code == 404


@pytest.mark.parametrize("path", [f"{LIVER}/experiments/XNAT_E00001", SESSION, "/data/archive/experiments/XNAT_E00001"])
def test_xnatpy_reads_a_session_as_json(client: Client, path: str) -> None:
    (item,) = client.get(path, "format=json").json()["items"]
    assert item["meta"]["xsi:type"] == "xnat:ctSessionData"
    message = {"ID": "XNAT_E00001", "label": "LIVER_001_CT1", "date": "2024-01-11", "subject_ID": "XNAT_S00001"}
    assert message.items() <= item["data_fields"].items()
    (scans,) = item["children"]
    assert (scans["field"], scans["items"][0]["data_fields"]["ID"]) == ("scans/scan", "1")


def test_a_subject_is_read_by_id_or_label(client: Client) -> None:
    for name in ("XNAT_S00001", "LIVER_001"):
        (item,) = client.get(f"{LIVER}/subjects/{name}", "format=json").json()["items"]
        assert item["data_fields"] == {"ID": "XNAT_S00001", "project": "LIVER", "label": "LIVER_001"}


def test_monai_label_gets_a_token_and_logs_in(running: Xnat) -> None:
    with requests.Session() as session:
        session.auth = ("admin", "admin")
        text = session.get(f"{running.url}/data/JSESSION?CSRF=true", timeout=10).text
        token = text.strip().split("=")[1]
        assert session.post(f"{running.url}/data/JSESSION?XNAT_CSRF={token}", timeout=10).status_code == 200
    assert requests.get(f"{running.url}/data/JSESSION?CSRF=true", timeout=10).status_code == 401  # its version 0.8.5


def test_monai_label_finds_each_scan_in_the_xml_of_its_session(client: Client) -> None:
    found = []
    for project in client.get("/data/projects", "format=json").json()["ResultSet"]["Result"]:
        listing = client.get(f"/data/projects/{project['ID']}/experiments", "format=json").json()["ResultSet"]["Result"]
        for row in listing:
            tree = parsed(client.get(f"/data/experiments/{row['ID']}", "format=xml"))
            subject = tree.findtext(".//xnat:subject_ID", namespaces=XNAT)
            scans = tree.findall(".//xnat:scan", namespaces=XNAT)
            assert all(scan.get(XSI_TYPE) == "xnat:ctScanData" for scan in scans)
            found += [f"{project['ID']}/{subject}/{row['ID']}/{scan.get('ID')}" for scan in scans]
    assert len(found) == 12
    assert found[0] == "LIVER/XNAT_S00001/XNAT_E00001/1"


def test_monai_label_finds_the_folder_of_a_scan_in_its_xml(client: Client) -> None:
    tree = parsed(client.get(SCAN, "format=xml"))
    file = tree.find('.//xnat:file[@label="DICOM"]', namespaces=XNAT)
    assert file is not None
    assert file.attrib["URI"].startswith("/data/xnat/archive/LIVER/arc001/LIVER_001_CT1/SCANS/1/DICOM/")


@pytest.mark.parametrize("path", [f"{SCAN}/files", f"{SESSION}/scans/ALL/files", f"{SCAN}/resources/DICOM/files"])
def test_a_scan_is_downloaded_as_a_zip_of_dicom_files(client: Client, path: str) -> None:
    answer = client.get(path, "format=zip")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        names = packed.namelist()
        assert names == [f"LIVER_001_CT1/scans/1-AXIAL/resources/DICOM/files/{name}" for name in FILES]
        contents = packed.read(names[7])
    assert contents[128:132] == b"DICM"
    pixels = struct.unpack("<256h", contents[-512:])
    assert set(pixels) == {60, -1000}
    single = client.get(f"{SCAN}/resources/DICOM/files/008.dcm")
    assert single.content == contents


@pytest.mark.parametrize(
    "path",
    [
        "/data/experiments/NONE",
        "/data/experiments/LIVER_001_CT1",  # a label is known inside its project only
        "/data/projects/SPLEEN/experiments/XNAT_E00001",
        "/data/projects/NONE/experiments/XNAT_E00001",
        f"{LIVER}/subjects/XNAT_S00002/experiments/XNAT_E00001",
        f"{SESSION}/scans/2",
        f"{SESSION}/scans/2/files",
        f"{SCAN}/resources/DICOM/files/none.dcm",
    ],
)
def test_what_is_not_there_is_a_404(client: Client, path: str) -> None:
    assert client.get(path, "format=xml").status_code == 404


@pytest.mark.parametrize("path", ["/data/experiments/XNAT_E00001", SESSION, SCAN, f"{SCAN}/files", SUBJECT])
def test_what_may_not_be_read_is_a_404(running: Xnat, path: str) -> None:
    assert running.get(path, "stranger").status_code == 404
    assert running.get(path, "member").status_code == 200
    assert running.get("/data/experiments", "stranger").json()["ResultSet"]["Result"] == []


def test_inside_its_project_a_session_is_found_by_its_label(client: Client) -> None:
    assert client.get(f"{LIVER}/experiments/LIVER_001_CT1", "format=xml").status_code == 200
