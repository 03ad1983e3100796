"""What the plugin takes for an address: all that ``java.net.URL`` parses, which is far more than a browser can use."""

import pytest

from .conftest import SITE, Xnat

ACCEPTED = [
    "http://h:5000",
    "https://h/path",
    "http://h?x=1#f",
    "http://u:p@h",
    "http://[::1]:5000",
    "http://[::1]",
    "HTTP://H",
    "  http://h  ",
    "url:http://h",
]
ACCEPTED_BUT_USELESS = [
    "http:",
    "http://",
    "http:foo",
    "http://a b",
    "http://h:99999",
    "http://h:",
    "ftp://h/f",
    "file:///etc/passwd",
    "jar:http://h/a.jar!/",
    "mailto:a@b",
]
REFUSED = {
    "h": "no protocol: h",
    "//h": "no protocol: //h",
    "": "no protocol: ",
    '"http://h"': 'no protocol: "http://h"',
    "192.0.2.1:5000": "no protocol: 192.0.2.1:5000",
    "h:5000": "unknown protocol: h",
    "localhost:8000": "unknown protocol: localhost",
    "ws://h": "unknown protocol: ws",
    "wss://h": "unknown protocol: wss",
    "htp://h": "unknown protocol: htp",
    "javascript:alert(1)": "unknown protocol: javascript",
    "data:text/plain,x": "unknown protocol: data",
    "http://h:-2": "Invalid port number :-2",
    "http://h:abc": 'For input string: "abc"',
    "http://h:2147483648": 'For input string: "2147483648"',
    "http://u@h:x/p": 'For input string: "x"',
    "http://[::1": "",  # what Java says differs between its versions
    "jar:http://h/a.jar": "no !/ in spec",
    "jar:h/a.jar!/": "invalid url: h/a.jar!/",
}


@pytest.mark.parametrize("address", [*ACCEPTED, *ACCEPTED_BUT_USELESS])
def test_an_address_that_java_parses_is_stored(xnat: Xnat, address: str) -> None:
    assert xnat.put(SITE, json=[address]).status_code == 200
    assert xnat.get(SITE).json() == [address]


@pytest.mark.parametrize(("address", "reason"), REFUSED.items())
def test_an_address_that_java_does_not_parse_is_refused_with_its_reason(xnat: Xnat, address: str, reason: str) -> None:
    answer = xnat.put(SITE, json=[address])
    assert answer.status_code == 422
    assert answer.text.startswith(f"Malformed URL - Cause: {reason}")
    assert xnat.get(SITE).status_code == 404
