"""Networks by name, on a scripted Docker engine."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from clients import networks
from clients.errors import Rejected

NAME = "xnat-aiaa-dev-main-aiaa"


@pytest.fixture
def engine(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/version").respond_with_json({"ApiVersion": "1.44"})
    return f"tcp://{httpserver.host}:{httpserver.port}"


def test_networks_of_exactly_this_name_are_removed(httpserver: HTTPServer, engine: str) -> None:
    # The engine's filter finds parts of names, and Docker takes two networks of one name.
    found = [{"Id": "a", "Name": NAME}, {"Id": "b", "Name": f"{NAME}-2"}, {"Id": "c", "Name": NAME}]
    httpserver.expect_request("/v1.44/networks").respond_with_json(found)
    for id_ in "ac":
        httpserver.expect_request(f"/v1.44/networks/{id_}", "DELETE").respond_with_data(status=204)
    assert networks.remove(NAME, engine)
    deleted = [request.path for request, _ in httpserver.log if request.method == "DELETE"]
    assert deleted == ["/v1.44/networks/a", "/v1.44/networks/c"]


def test_without_one_nothing_is_done(httpserver: HTTPServer, engine: str) -> None:
    httpserver.expect_request("/v1.44/networks").respond_with_json([])
    assert not networks.remove(NAME, engine)


def test_one_that_running_containers_are_on_stays_with_the_engines_words(httpserver: HTTPServer, engine: str) -> None:
    httpserver.expect_request("/v1.44/networks").respond_with_json([{"Id": "a", "Name": NAME}])
    said = {"message": f"error while removing network: network {NAME} id a has active endpoints"}
    httpserver.expect_request("/v1.44/networks/a", "DELETE").respond_with_json(said, status=403)
    with pytest.raises(Rejected, match="has active endpoints"):
        networks.remove(NAME, engine)
