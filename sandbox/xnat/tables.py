"""The listings of ``/data``: the rows and columns that were asked for, as JSON or CSV.

Sources: NrgXnat/xnat, web/.../restlet/resources/{QueryOrganizerResource,SecureResource}.java and
web/.../restlet/representations/JSONTableRepresentation.java; https://wiki.xnat.org/xnat-api.
"""

import csv
import io
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sandbox.xnat import answers

Row = dict[str, str]

# What a column is called that is asked for by its path in the data model.
_NAMES = {"xnat:subjectAssessorData/subject_id": "subject_ID"}


def table(request: Request, rows: Sequence[Row], *, fixed: bool = False) -> Response:
    """The ResultSet form, where numbers are texts; with ``format=csv`` a header and the same rows.

    With ``columns``, those of the named columns that there are, and ``URI``; unless they are ``fixed``.
    """
    if not fixed and (asked := request.query_params.get("columns", "")):
        shown = list(dict.fromkeys([*(_NAMES.get(column, column) for column in asked.split(",")), "URI"]))
        rows = [{column: row[column] for column in shown if column in row} for row in rows]
    if request.query_params.get("format") == "csv":
        return _csv(rows)
    return answers.json_answer({"ResultSet": {"Result": list(rows), "totalRecords": str(len(rows))}})


def _csv(rows: Sequence[Row]) -> Response:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return Response(text.getvalue(), media_type="text/csv")
