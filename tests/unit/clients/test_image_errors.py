"""Why an engine does not get an image: its words, and what to do."""

from __future__ import annotations

import base64

import pytest

from clients.image_errors import refusal
from clients.registry_login import given

IMAGE = "nvcr.io/nvidia/clara-train-sdk:v4.0"
WHERE = "Docker engine ssh://gpu1"
LOGIN = given("nvcr.io", "$oauthtoken", "ngc-key-4711")
MANIFEST = 'Head "https://nvcr.io/v2/nvidia/clara-train-sdk/manifests/v4.0"'

# What engines and registries really say: recorded from Docker 20.10 with a registry of the tests' own, and from public
# reports (https://github.com/moby/moby/issues, https://github.com/docker/hub-feedback/issues).
SAID = [
    (f"{MANIFEST}: no basic auth credentials", "requires a log-in", "registries.nvcr.io (username: $oauthtoken"),
    (f"{MANIFEST}: unauthorized", "requires a log-in", "`docker login nvcr.io`"),
    ("unauthorized: authentication required", "requires a log-in", "`docker login nvcr.io`"),
    (
        "pull access denied for nvidia/x, repository does not exist or may require 'docker login': denied: requested "
        "access to the resource is denied",
        "requires a log-in",
        "`docker login nvcr.io`",
    ),
    ("error parsing HTTP 403 response body: 403 Forbidden", "requires a log-in", "`docker login nvcr.io`"),
    ("manifest unknown", "it has no tag v4.0 of nvidia/clara-train-sdk", "fix the image's name or tag"),
    ("manifest for x not found: manifest unknown: manifest unknown", "it has no tag v4.0", "fix the image's name"),
    ("name unknown: repository name not known to registry", "it has no tag v4.0", "fix the image's name"),
    ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "disk of the engine's host is full", "room"),
    ("failed to register layer: ApplyLayer exit status 1: no space left on device", "disk", "`docker system df`"),
    (
        'Get "https://nvcr.io/v2/": x509: certificate signed by unknown authority',
        "certificate the engine does not trust",
        "/etc/docker/certs.d/nvcr.io/ca.crt",
    ),
    (
        'Get "https://nvcr.io/v2/": tls: failed to verify certificate: x509: certificate is not valid',
        "trust",
        "certs.d",
    ),
    (
        'Get "https://nvcr.io/v2/": http: server gave HTTP response to HTTPS client',
        "speaks http",
        "insecure-registries",
    ),
    ('Get "https://nvcr.io/v2/": dial tcp 1.2.3.4:443: i/o timeout', "cannot reach", "proxy of its Docker engine"),
    ('Get "https://nvcr.io/v2/": net/http: TLS handshake timeout', "cannot reach", "https://nvcr.io/v2/"),
    ('Get "https://nvcr.io/v2/": dial tcp: lookup nvcr.io: no such host', "cannot reach", "https://nvcr.io/v2/"),
    ('Get "https://nvcr.io/v2/": dial tcp [::1]:443: connect: connection refused', "cannot reach", "reaches"),
    ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "cannot reach", "reaches"),
    ('Get "https://nvcr.io/v2/": proxyconnect tcp: dial tcp: lookup proxy: no such host', "cannot reach", "proxy"),
    ('Get "https://nvcr.io/v2/": Proxy Authentication Required', "proxy of the engine's host", "its user and password"),
    ('Get "https://nvcr.io/v2/": Forbidden', "proxy of the engine's host does not let", "what it allows"),
    (
        'Get "https://nvcr.io/v2/": x509: certificate has expired or is not yet valid: current time',
        "trust",
        "the clock",
    ),
    ('Get "https://nvcr.io/v2/": x509: certificate is valid for a, not nvcr.io', "trust", "as its certificate does"),
    (f"{MANIFEST}: unexpected status: 402 Payment Required", "requires a log-in", "`docker login nvcr.io`"),
    ("received unexpected HTTP status: 503 Service Unavailable", "cannot reach", "reaches"),
    ("unexpected EOF", "broke off", "max-download-attempts"),
    ("read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer", "broke off", "max-download-attempts"),
    ("filesystem layer verification failed for digest sha256:1", "broke off", "run the command again"),
    (
        "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
        "limits how much is pulled",
        "or log in: `docker login nvcr.io`",
    ),
    ("no matching manifest for linux/arm64/v8 in the manifest list entries", "host's platform", "processor"),
    ("invalid reference format: repository name must be lowercase", "not a valid image name", "fix the image's name"),
    ("mkdir /var/lib/docker/tmp: permission denied", "(it said: mkdir", "fix what it names"),
    ("something quite new", "(it said: something quite new)", "fix what it names"),
    ("", "(it said: nothing)", "fix what it names"),
]


@pytest.mark.parametrize(("said", "message", "advice"), SAID)
def test_one_line_names_image_registry_engine_its_words_and_what_to_do(said: str, message: str, advice: str) -> None:
    error = refusal(IMAGE, WHERE, said, None)
    assert str(error).startswith(f"image {IMAGE}: {WHERE} cannot get it from nvcr.io")
    assert message in str(error)
    assert (said or "nothing") in str(error)
    assert advice in error.advice


@pytest.mark.parametrize("said", [f"{MANIFEST}: unauthorized", "denied: requested access to the resource is denied"])
def test_a_login_that_is_refused_is_named_by_where_it_comes_from(said: str) -> None:
    line = refusal(IMAGE, WHERE, said, LOGIN).line
    assert "refused the log-in of account $oauthtoken from registries.nvcr.io" in line
    assert "NGC key" in line
    assert "docker login" not in line


def test_docker_hub_is_named_as_people_know_it() -> None:
    line = refusal("nvidia/cuda:11", WHERE, "unauthorized", None).line
    assert "cannot get it from Docker Hub" in line
    assert "`docker login` on this machine, or registries.docker.io (username, password)" in line


def test_a_registry_that_echoes_the_login_does_not_bring_it_into_the_error() -> None:
    echo = base64.b64encode(b"$oauthtoken:ngc-key-4711").decode()
    line = refusal(IMAGE, WHERE, f"unauthorized: ngc-key-4711, Basic {echo}", LOGIN).line
    assert "ngc-key" not in line
    assert echo not in line


def test_words_of_several_lines_become_one() -> None:
    assert "\n" not in refusal(IMAGE, WHERE, "denied:\n<html>\n</html>\x1b[31m", LOGIN).line
