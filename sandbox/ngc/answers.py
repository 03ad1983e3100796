"""NGC's way of saying no.

Recorded in public error reports: ``{"requestStatus":{"statusCode":"FORBIDDEN","statusDescription":"Access Denied",
"requestId":"abcd1234-365006"}}`` for https://api.ngc.nvidia.com/v2/. The other codes here follow its pattern.
"""

import json
import uuid

from starlette.responses import Response


def refusal(status: int, code: str, description: str) -> Response:
    about = {"statusCode": code, "statusDescription": description, "requestId": str(uuid.uuid4())}
    text = json.dumps({"requestStatus": about}, separators=(",", ":"))
    return Response(text, status_code=status, media_type="application/json")
