"""What a person is told of a wrong stack file, word for word: one line for each thing to mend, its key first."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from settings import Settings, SettingsError, Xnat

NGC = {"path": "nvidia/med/clara_pt_spleen_ct_segmentation", "version": "1"}
XNAT = {"url": "https://xnat.example.org", "username": "svc-aiaa", "password": "hunter2"}
VALID: dict[str, Any] = {
    "servers": {"main": {"browser_url": "https://aiaa.example.org"}},
    "models": {"spleen": {"ngc": NGC}},
    "xnat": XNAT,
    "registrations": {"projects": {"LIVER": "main"}},
}


def server(**keys: object) -> dict[str, Any]:
    """A stack of this one server, which no project uses."""
    return {"servers": {"main": keys}}


def allowing(rule: str) -> str:
    return f"; if it works all the same: registrations.allow: [{rule}]"


def registered(xnat: str, **keys: object) -> dict[str, Any]:
    """A stack whose server a project of this XNAT uses."""
    return {**VALID, "servers": {"main": keys}, "xnat": XNAT | {"url": xnat}}


def changed(**keys: object) -> dict[str, Any]:
    return copy.deepcopy(VALID) | keys


def told(raw: Mapping[str, Any]) -> str:
    with pytest.raises(SettingsError) as failed:
        Settings.parse(raw)
    return str(failed.value)


class Config:
    """A stack's configuration as Pulumi gives it: texts, JSON for what has keys."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    def get(self, key: str) -> str | None:
        return self.texts.get(f"xnat-aiaa:{key}")


def registries(host: str, **login: object) -> dict[str, Any]:
    return {"registries": {host: {"username": "me", "password_env": "KEY"} | login}}


NO_REGISTRY = (
    "must be a registry, as at the start of an image's name: a host, and a port if it has one, such as nvcr.io or "
    "registry.example.org:5000, not "
)

CASES: list[tuple[dict[str, Any], str]] = [
    # registries
    (registries("https://nvcr.io"), f"registries.https://nvcr.io: {NO_REGISTRY}'https://nvcr.io'"),
    (registries("nvcr.io/nvidia"), f"registries.nvcr.io/nvidia: {NO_REGISTRY}'nvcr.io/nvidia'"),
    (registries("nvcr"), f"registries.nvcr: {NO_REGISTRY}'nvcr'"),
    (
        registries("hub.docker.com"),
        "registries.hub.docker.com: must be docker.io, the name of Docker's own registry",
    ),
    (registries("r.example.org:"), f"registries.r.example.org:: {NO_REGISTRY}'r.example.org:'"),
    (registries("r.example.org:99999"), f"registries.r.example.org:99999: {NO_REGISTRY}'r.example.org:99999'"),
    (
        registries("index.docker.io"),
        "registries.index.docker.io: must be docker.io, the name of Docker's own registry",
    ),
    (
        registries("nvcr.io"),
        "registries.nvcr.io.username: must be exactly $oauthtoken for every NGC key (in a shell, in single "
        "quotes), not 'me'",
    ),
    ({"registries": {"r.io": {"password_env": "KEY"}}}, "registries.r.io.username: is missing, and is needed here"),
    (registries("r.io", usernme="x"), "registries.r.io.usernme: unknown key; did you mean 'username'?"),
    (
        registries("r.io", password="hunter2"),
        "registries.r.io: give exactly one of password (a secret), password_env or password_file, not password and "
        "password_env",
    ),
    (
        registries("r.io", password_env="the key itself"),
        "registries.r.io.password_env: must be the name of an environment variable, such as XNAT_PASSWORD, not the "
        "password itself",
    ),
    ({"registries": {"r.io": "me:hunter2"}}, "registries.r.io: must hold keys and values"),
    # unknown or misspelt
    ({"server": {}}, "server: unknown key; did you mean 'servers'?"),
    (server(prt=1), "servers.main.prt: unknown key; did you mean 'port'?"),
    (server(triton={"prot": "http"}), "servers.main.triton.prot: unknown key; did you mean 'proto'?"),
    (
        server(zzz=1),
        "servers.main.zzz: unknown key; there is: admin_hosts, api, bind, browser_url, docker, docker_cert_path, "
        "engine, gpus, healthcheck, images, infer_timeout, launcher, load_timeout, log, port, ready_timeout, restart, "
        "runtime, shm_size, triton, ulimits, url, workspace",
    ),
    ({"xnat": XNAT | {"passwort": "hunter2"}}, "xnat.passwort: unknown key; did you mean 'password'?"),
    (
        changed(models={"m": {"ngc": NGC, "servers": ["man"]}}),
        "models.m.servers: there is no server 'man'; did you mean 'main'?",
    ),
    (changed(registrations={"site": "far"}), "registrations.site: there is no server 'far'; there is: main"),
    (
        {"\ud800": 1},
        r"'\ud800': unknown key; there is: models, ngc, registrations, registries, sandbox, servers, viewer_plugin, "
        "xnat",
    ),
    # wrong type or value
    ({"servers": ["main"]}, "servers: must hold keys and values, not a list"),
    ({"servers": None}, "servers: must hold keys and values, but is empty: fill it, or remove the key"),
    (
        {"servers": {"main": None}},
        "servers.main: must hold keys and values, but is empty: fill it, or write {} for the defaults",
    ),
    (server(port="abc"), "servers.main.port: must be a whole number from 1 to 65535, not 'abc'"),
    (server(port=70000), "servers.main.port: must be a whole number from 1 to 65535, not 70000"),
    (server(port=True), "servers.main.port: must be a whole number from 1 to 65535, not true"),
    (server(port=float("nan")), "servers.main.port: must be a whole number from 1 to 65535, not nan"),
    (
        server(load_timeout="10m"),
        "servers.main.load_timeout: must be a whole number of seconds from 1 to 604800, not '10m'",
    ),
    (server(shm_size="1g"), "servers.main.shm_size: must be a whole number of megabytes from 1 to 1048576, not '1g'"),
    (
        server(gpus="0"),
        'servers.main.gpus: must be a list of GPU ids such as ["0"], [] for none, or "all", not \'0\'',
    ),
    (server(gpus=["0", [1]]), "servers.main.gpus[1]: must be a text in quotes, not a list"),
    (
        server(gpus=["all", "0"]),
        'servers.main.gpus: must be "all", or a list of GPU ids such as ["0"], not both',
    ),
    (
        server(gpus=["nvidia.com/gpu=0", "1"]),
        "servers.main.gpus: must hold CDI names such as nvidia.com/gpu=0 only, or none: the engine itself gives "
        "those, and NVIDIA's runtime gives GPUs by number and UUID",
    ),
    *(
        (
            server(gpus=["0", wrong]),
            'servers.main.gpus[1]: must be a GPU\'s number or UUID as nvidia-smi -L lists it, such as "0", or the '
            f"name of a CDI device, such as \"nvidia.com/gpu=0\", not '{wrong}'",
        )
        for wrong in ("none", "void", "nvidia.com/gpu", "nvidia.com/gpu=", "=0", "gpu=0", "nvidia.com/gpu=0,1", "-1")
    ),
    (
        server(bind="localhost"),
        "servers.main.bind: must be an IP address of the engine's machine, such as 127.0.0.1, or 0.0.0.0 "
        "for all, not 'localhost'",
    ),
    (
        server(docker="gpu1"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'gpu1'",
    ),
    (
        server(docker="ssh://-oProxyCommand=x"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'ssh://-oProxyCommand=x'",
    ),
    (
        server(docker="ssh://me:secret@gpu1"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'ssh://***@gpu1'",
    ),
    (
        server(docker="ssh://gpu1?x=1"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'ssh://gpu1?x=1'",
    ),
    (
        server(docker="ssh://gpu1#x"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'ssh://gpu1#x'",
    ),
    (
        server(docker="ssh://me@"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'ssh://***@'",
    ),
    (
        server(docker="ssh://gpu1;x"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'ssh://gpu1;x'",
    ),
    (
        server(docker="tcp://gpu1:2376?cert_path=x"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'tcp://gpu1:2376?cert_path=x'",
    ),
    (
        server(docker="tcp://gpu1/path"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'tcp://gpu1/path'",
    ),
    (
        server(docker="http://gpu1:2375"),
        "servers.main.docker: must be a Docker engine's address, such as unix:///var/run/docker.sock, "
        "ssh://user@host or tcp://host:2375, not 'http://gpu1:2375'",
    ),
    (
        server(docker="ssh://gpu1", bind="10.0.0.1", docker_cert_path="certs"),
        "servers.main.docker_cert_path: is only for a tcp:// engine: set docker to one",
    ),
    (
        server(docker_cert_path="certs"),
        "servers.main.docker_cert_path: is only for a tcp:// engine: set docker to one",
    ),
    (
        server(docker="tcp://gpu1:2376", bind="10.0.0.1", docker_cert_path="no/certs"),
        "servers.main.docker_cert_path: no/certs/ca.pem: No such file or directory",
    ),
    (
        server(workspace="aiaa workspace"),
        "servers.main.workspace: must be an absolute folder of the engine's machine, such as /srv/aiaa, "
        "without spaces and colons, or the name of a volume, not 'aiaa workspace'",
    ),
    (
        server(workspace="/"),
        "servers.main.workspace: must be an absolute folder of the engine's machine, such as /srv/aiaa, "
        "without spaces and colons, or the name of a volume, not '/'",
    ),
    (
        server(launcher="start 'aiaa"),
        'servers.main.launcher: must be a command as a shell takes it, with its quotes closed, not "start \'aiaa"',
    ),
    (server(admin_hosts=["10.0.0.1"]), "servers.main.admin_hosts: must be a text in quotes, not a list"),
    (
        server(admin_hosts="a\nb"),
        "servers.main.admin_hosts: must be a text of one line without control characters, not 'a\\nb'",
    ),
    (
        server(restart={"triton": False}),
        "servers.main.restart.triton: must be 'no', 'on-failure', 'always' or 'unless-stopped', not false",
    ),
    (
        server(log={"max_size": "10MB"}),
        "servers.main.log.max_size: must be a size such as 10m: a number with k, m or g, not '10MB'",
    ),
    (
        server(images={"aiaa": "my image"}),
        "servers.main.images.aiaa: must be an image's name, such as registry.example.org/aiaa:1, not 'my image'",
    ),
    (
        {"servers": {"a b": {}}},
        "servers.a b: must be up to 100 letters, digits, _ . and -, beginning with a letter or digit, as "
        "containers are named by it, not 'a b'",
    ),
    ({"servers": {"sandbox": {}}}, "servers.sandbox: the stand-ins' own containers have this name: choose another"),
    (
        {"models": {"liver/v1": {"ngc": NGC}}},
        "models.liver/v1: must be up to 100 letters, digits, _ . and -, beginning with a letter or "
        "digit, as it stands in AIAA's URLs, not 'liver/v1'",
    ),
    ({"models": {"m": {"ngc": NGC, "adopt": "perhaps"}}}, "models.m.adopt: must be true or false, not 'perhaps'"),
    (
        {"models": {"m": {"ngc": {"path": "spleen", "version": "1"}}}},
        "models.m.ngc.path: must be a model's path on NGC, such as "
        "nvidia/med/clara_pt_spleen_ct_segmentation, not 'spleen'",
    ),
    ({"models": {"m": {"ngc": NGC | {"version": 1.5}}}}, "models.m.ngc.version: must be a text in quotes, not 1.5"),
    ({"models": {"m": {"ngc": {"path": NGC["path"]}}}}, "models.m.ngc.version: is missing, and is needed here"),
    (
        changed(registrations={"projects": {"My Liver": "main"}}),
        "registrations.projects.My Liver: must be a project's ID, which has letters, digits, _ and - "
        "only, not 'My Liver'",
    ),
    (changed(registrations={"site": {"servers": []}}), "registrations.site.servers: must name at least one"),
    (changed(registrations={"site": 5}), "registrations.site: must be a server's name, or keys and values, not 5"),
    # ports
    (
        {"servers": {"main": {}, "far": {}}},
        "servers.far.port: 5000 is servers.main.port too, on the same machine: give one of them another port",
    ),
    (
        {"servers": {"main": {"port": 8080, "bind": "0.0.0.0"}}, "sandbox": {"xnat": {}}},
        "servers.main.port: 8080 is sandbox.xnat.port too, on the same machine: give one of them another port",
    ),
    # XNAT
    (changed(xnat=None), "xnat: is missing, and registrations need it: give its url, a username and a password"),
    (
        changed(xnat={"username": "u", "password": "hunter2"}),
        "xnat.url: is missing: give XNAT's address (it may be left out with sandbox.xnat only)",
    ),
    (changed(xnat="hunter2"), "xnat: must hold keys and values"),
    (
        changed(xnat=XNAT | {"password": ["hunter2"]}),
        "xnat.password: must be a text: if it is a number, put it in quotes",
    ),
    (changed(xnat=XNAT | {"password": ""}), "xnat.password: is empty"),
    (
        changed(xnat=XNAT | {"password_env": "X"}),
        "xnat: give exactly one of password (a secret), password_env or password_file, not password and password_env",
    ),
    (
        changed(xnat={"url": XNAT["url"], "username": "u"}),
        "xnat: give exactly one of password (a secret), password_env or password_file",
    ),
    (
        changed(xnat=XNAT | {"url": "xnat.example.org"}),
        "xnat.url: must begin with http:// or https://, as in https://host.example.org, not 'xnat.example.org'",
    ),
    (
        changed(xnat=XNAT | {"url": "https://xnat.example.org/?a"}),
        "xnat.url: must end before any ? or #, not 'https://xnat.example.org/?a'",
    ),
    (
        changed(xnat=XNAT | {"ca_file": "no.pem"}),
        "xnat.ca_file: there is no file 'no.pem' (a path is relative to the folder of Pulumi.yaml)",
    ),
    (
        changed(registrations={"site": {"servers": ["main"], "adopt": [None]}}),
        "registrations.site.adopt[0]: must be a text in quotes, not null",
    ),
    (
        changed(xnat={"url": XNAT["url"], "username": "u", "password_env": "hunter2!"}),
        "xnat.password_env: must be the name of an environment variable, such as XNAT_PASSWORD, "
        "not the password itself",
    ),
    ({"servers": {"password": "hunter2"}}, "servers.password: must hold keys and values, not a text"),
    (
        server(healthcheck={"retries": 0}),
        "servers.main.healthcheck.retries: must be a whole number from 1 to 1000, not 0",
    ),
    # AIAA's address
    (
        server(browser_url="aiaa.example.org:5000"),
        "servers.main.browser_url: must begin with http:// or https://, as in https://host.example.org, "
        "not 'aiaa.example.org:5000'",
    ),
    (
        server(browser_url="https://aiaa.example.org/aiaa"),
        "servers.main.browser_url: must end after host and port, not 'https://aiaa.example.org/aiaa': "
        "XNAT's viewer drops any path, so AIAA has to answer at 'https://aiaa.example.org' itself",
    ),
    (
        server(browser_url="https://u:hunter2@aiaa.example.org"),
        "servers.main.browser_url: must not hold a user name or password: take out what stands before the @",
    ),
    (
        server(browser_url="https://aiaa.example.org:99999"),
        "servers.main.browser_url: must name a host, and a port from 1 to 65535 if any, as in "
        "https://host.example.org:5000, not 'https://aiaa.example.org:99999'",
    ),
    (
        registered("https://xnat.example.org", url="http://gpu1.example.org:5000"),
        "servers.main.browser_url: browsers block AIAA on http (http://gpu1.example.org:5000), as XNAT "
        "is on https (https://xnat.example.org): put a gateway with TLS in front of AIAA and give its "
        f"https:// address here{allowing('mixed_content')}",
    ),
    (
        registered("https://xnat.example.org"),
        "servers.main.browser_url: clinicians' browsers cannot reach AIAA at http://127.0.0.1:5000 "
        "(every machine takes that for itself), as XNAT is at https://xnat.example.org: give here the "
        f"address by which they reach AIAA, such as https://aiaa.example.org{allowing('loopback')}",
    ),
    (
        registered("http://xnat.example.org", browser_url="http://0.0.0.0:5000"),
        "servers.main.browser_url: clinicians' browsers cannot reach AIAA at http://0.0.0.0:5000 (every "
        "machine takes that for itself), as XNAT is at http://xnat.example.org: give here the address by "
        f"which they reach AIAA, such as https://aiaa.example.org{allowing('loopback')}",
    ),
    (
        registered("http://xnat.example.org", browser_url="http://host.docker.internal:5000"),
        "servers.main.browser_url: clinicians' browsers cannot reach AIAA at "
        "http://host.docker.internal:5000 (only containers know that name), as XNAT is at "
        "http://xnat.example.org: give here the address by which they reach AIAA, such as "
        f"https://aiaa.example.org{allowing('loopback')}",
    ),
    (
        registered("http://xnat.example.org", browser_url="https://gate.example.org/aiaa"),
        "servers.main.browser_url: must end after host and port, not 'https://gate.example.org/aiaa': XNAT's viewer "
        "drops any path, so AIAA has to answer at 'https://gate.example.org' itself" + allowing("path"),
    ),
    (
        changed(registrations={"allow": ["mixed_contents"], "site": "main"}),
        "registrations.allow[0]: there is no rule 'mixed_contents'; did you mean 'mixed_content'?",
    ),
    (
        changed(registrations={"projects": {"LIVER": {"servers": ["main"], "allow": ["http"]}}}),
        "registrations.projects.LIVER.allow[0]: there is no rule 'http'; there is: cors, loopback, mixed_content, "
        "path, preflight",
    ),
    (
        server(docker="ssh://root@gpu1.example.org"),
        "servers.main.bind: 127.0.0.1 can be reached on gpu1.example.org only, not from this machine: "
        "give gpu1.example.org's address in a network that only your gateway and this machine are in, or "
        "in url how this machine reaches AIAA",
    ),
]


@pytest.mark.parametrize(("raw", "line"), CASES, ids=[line.partition(": ")[0] for _, line in CASES])
def test_the_line_names_the_key_what_is_wrong_and_what_is_wanted(raw: dict[str, Any], line: str) -> None:
    assert told(raw) == line
    assert "hunter2" not in line


def test_a_stack_that_these_cases_change_is_right() -> None:
    assert Settings.parse(VALID).servers["main"].viewer_url == "https://aiaa.example.org"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "{",
            "line 1, column 2: is not JSON: Expecting property name enclosed in double quotes: mend it there or just "
            "before",
        ),
        (b"\x80", "line 1: is not UTF-8: save it as UTF-8"),
        ("[" * 100_000, "is nested more than 60 levels deep, which no configuration is: name config_aiaa.json"),
        ("[]", "holds no JSON object: begin it with { and end it with }"),
    ],
    ids=["cut", "binary", "deep", "list"],
)
def test_a_models_config_that_is_none_is_told(tmp_path: Path, content: str | bytes, said: str) -> None:
    config = tmp_path / "config_aiaa.json"
    config.write_bytes(content if isinstance(content, bytes) else content.encode())
    (line,) = told({"models": {"m": {"local": {"config": str(config), "data": str(config)}}}}).splitlines()
    assert line == f"models.m.local.config: {config}: {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "type: is missing: write one of segmentation, annotation, classification, deepgrow, others, pipeline"),
        (
            '{"type": ""}',
            'type: is "": write one of segmentation, annotation, classification, deepgrow, others, pipeline',
        ),
    ],
    ids=["none", "empty"],
)
def test_a_models_config_without_a_type_is_told(tmp_path: Path, content: str, said: str) -> None:
    config = tmp_path / "config_aiaa.json"
    config.write_text(content)
    weights = str(Path(__file__).parents[3] / "models/liver_demo/model.ts")
    wrong = {"servers": {"main": {}}, "models": {"m": {"local": {"config": str(config), "data": weights}}}}
    assert f"models.m.local.config: {config}: {said}" in told(wrong).splitlines()


@pytest.mark.parametrize("name", ["no.ts", "models", "a" * 5000, "a/" * 3000], ids=["none", "folder", "long", "deep"])
def test_a_model_file_that_is_not_there_is_told(name: str) -> None:
    lines = told({"models": {"m": {"local": {"config": name, "data": name}}}}).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["models.m.local.config", "models.m.local.data"]
    if name == "no.ts":
        assert (
            lines[1]
            == "models.m.local.data: there is no file 'no.ts' (a path is relative to the folder of Pulumi.yaml)"
        )


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({"bind": "0.0.0.0"}, {"bind": "10.0.0.1"}, True),
        ({"bind": "::"}, {"bind": "::1"}, True),
        ({"bind": "127.0.0.1"}, {"bind": "10.0.0.1"}, False),
        ({"docker": "unix:///run/a.sock"}, {}, True),
        ({"docker": "tcp://127.0.0.1:2375"}, {}, True),
        ({"docker": "tcp://gpu1:2375", "bind": "10.0.0.1"}, {"docker": "ssh://me@GPU1", "bind": "10.0.0.1"}, True),
        ({"docker": "tcp://gpu1:2375", "bind": "10.0.0.1"}, {"docker": "ssh://gpu2", "bind": "10.0.0.1"}, False),
    ],
)
def test_a_port_is_published_once_on_each_address_of_a_machine(
    one: dict[str, str], other: dict[str, str], clash: bool
) -> None:
    raw = {"servers": {"one": one, "other": other}}
    if clash:
        said = "servers.other.port: 5000 is servers.one.port too, on the same machine: give one of them another port"
        assert told(raw) == said
    else:
        assert Settings.parse(raw).servers.keys() == {"one", "other"}


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0", "localhost."]
)
def test_a_loopback_address_in_any_form_is_for_an_xnat_on_loopback_only(host: str) -> None:
    url = f"http://{host}:5000"
    assert f"cannot reach AIAA at {url}" in told(registered("https://xnat.example.org", browser_url=url))
    for xnat in ("http://localhost:8080", *(["https://127.0.0.1"] if host != "0" else [])):
        assert Settings.parse(registered(xnat, browser_url=url)).servers["main"].viewer_url == url


NEAREST_FIRST = (
    ("localhost", "0.0.0.0"),
    ("host.docker.internal",),
    ("aiaa", "xnat."),
    ("aiaa.example.org", "10.1.2.3"),
)


@pytest.mark.parametrize(
    ("of_page", "page"), [(near, host) for near, hosts in enumerate(NEAREST_FIRST) for host in hosts]
)
def test_a_page_of_xnat_excuses_what_is_as_near_as_xnat_itself_and_nothing_nearer(of_page: int, page: str) -> None:
    for near, hosts in enumerate(NEAREST_FIRST):
        for url in (f"http://{host}:5000" for host in hosts):
            raw = registered(f"http://{page}", browser_url=url)
            if near < of_page:
                assert f"cannot reach AIAA at {url}" in told(raw)
            else:
                assert Settings.parse(raw).servers["main"].viewer_url == url


@pytest.mark.parametrize("host", ["host.docker.internal", "host.containers.internal", "0.0.0.0", "0", "[::]", "aiaa"])
def test_what_leads_to_this_machine_and_is_no_loopback_address_is_mixed_content_too(host: str) -> None:
    url = f"http://{host}:5000"
    raw = registered("https://xnat.example.org", browser_url=url)
    raw["registrations"] = {**raw["registrations"], "allow": ["loopback"]}
    assert f"browsers block AIAA on http ({url})" in told(raw)
    raw["registrations"] = {**raw["registrations"], "allow": ["loopback", "mixed_content"]}
    assert Settings.parse(raw)


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.1", "[::1]"])
def test_a_loopback_address_is_no_mixed_content(host: str) -> None:
    raw = registered("https://xnat.example.org", browser_url=f"http://{host}:5000")
    raw["registrations"] = {**raw["registrations"], "allow": ["loopback"]}
    assert Settings.parse(raw)


BROKEN = {
    "path": {"browser_url": "https://gate.example.org/aiaa"},
    "loopback": {"browser_url": "https://localhost:5000"},
    "mixed_content": {"browser_url": "http://aiaa.example.org"},
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_is_allowed_by_its_name_for_all_registrations_or_for_each_of_a_server(rule: str) -> None:
    raw = registered("https://xnat.example.org", **BROKEN[rule])
    assert told(raw).endswith(allowing(rule))
    projects = raw["registrations"]["projects"]
    raw["registrations"] = {"projects": projects, "allow": [rule]}
    assert Settings.parse(raw).registrations.binding("main")
    one = {"servers": ["main"], "allow": [rule]}
    raw["registrations"] = {"projects": {"LIVER": one, "SPLEEN": one}}
    assert rule not in Settings.parse(raw).registrations.binding("main")
    raw["registrations"]["projects"]["KIDNEY"] = "main"
    assert told(raw).endswith(allowing(rule))


def test_rules_are_those_of_xnats_address_for_browsers() -> None:
    raw = registered("http://127.0.0.1:8080", browser_url="http://aiaa.example.org")
    assert Settings.parse(raw)
    raw["xnat"]["browser_url"] = "https://xnat.example.org"
    assert "as XNAT is on https (https://xnat.example.org)" in told(raw)


def test_a_server_that_no_project_uses_may_have_any_address() -> None:
    raw = changed(servers=VALID["servers"] | {"spare": {"port": 5001}})
    assert Settings.parse(raw).servers["spare"].viewer_url == "http://127.0.0.1:5001"


def test_a_text_that_is_json_is_taken_and_one_that_is_not_is_told_without_its_content() -> None:
    texts = {f"xnat-aiaa:{key}": json.dumps(value) for key, value in VALID.items()}
    assert Settings.load(Config(texts), texts).servers.keys() == {"main"}
    for text in ('{"password": "hunter2",}', "hunter2", "[" * 100_000):
        with pytest.raises(SettingsError) as failed:
            Settings.load(Config(texts | {"xnat-aiaa:xnat": text}), texts)
        assert str(failed.value) == (
            "xnat: must hold keys and values, below it in the stack file or as one JSON text; "
            "what stands there is neither"
        )


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("xnat-aiaa:modles", "modles: unknown key; did you mean 'models'?"),
        ("xnat-aia:models", "xnat-aia:models: unknown key; did you mean xnat-aiaa:models?"),
    ],
)
def test_a_misspelt_key_of_the_stack_file_is_not_passed_over(key: str, line: str) -> None:
    texts = {f"xnat-aiaa:{name}": json.dumps(value) for name, value in VALID.items()} | {key: "{}", "docker:host": "x"}
    with pytest.raises(SettingsError) as failed:
        Settings.load(Config(texts), texts)
    assert str(failed.value) == line


def test_a_password_that_cannot_be_read_is_told_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIAA_TEST_PASSWORD", raising=False)
    file = tmp_path / "password"

    def read(**given: str) -> str:
        with pytest.raises(SettingsError) as failed:
            Xnat.model_validate({"username": "u", **given}).read_password()
        return str(failed.value)

    assert read(password_env="AIAA_TEST_PASSWORD") == (
        "xnat.password_env: the environment variable AIAA_TEST_PASSWORD is not set or empty: "
        "run `export AIAA_TEST_PASSWORD=...` first, where this command runs"
    )
    needs = "the user who runs this command needs to read it"
    assert read(password_file=str(file)).endswith(f"cannot be read (No such file or directory): {needs}")
    file.write_text("\n")
    assert read(password_file=str(file)).endswith(" is empty: write the password into it")
    file.write_bytes(b"hunter2\xff")
    assert read(password_file=str(file)).endswith(" is not UTF-8 text: write the password into it again")
    assert read(password_file=str(file)).startswith("xnat.password_file: ")
