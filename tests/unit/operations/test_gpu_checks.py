"""`bin/aiaa doctor` and the trial before a deployment: what is made of what an engine and nvidia-smi say of GPUs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError
from hypothesis import given
from hypothesis import strategies as st

from clients.engine_host import Wanted, refusal_of
from operations.checks import gpu, nvidia_smi
from operations.checks.finding import Finding
from operations.checks.nvidia_smi import Gpu, Slice, read
from operations.checks.triton_releases import needs_of
from tests.support.probed_engine import ProbedEngine

REMOTE = "ssh://gpu1.example.org"
TRITON = "nvcr.io/nvidia/tritonserver:21.02-py3"
T4 = Gpu("0", "GPU-1", "Tesla T4", "460.91.03", 15109, 7.5)
NO_DRIVER = 'could not select device driver "nvidia" with capabilities: [[gpu]]'
NO_CDI = 'could not select device driver "cdi" with capabilities: []'
HOOK = (
    "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: error running prestart hook #0: exit status 1, "
    "stdout: , stderr: Auto-detected mode as 'legacy'\nnvidia-container-cli: "
)


def refused(says: str, *gpus: str, info: object = None) -> str:
    engine: Any = ProbedEngine(says, info=info)
    found = refusal_of(engine, REMOTE, Wanted(gpus=gpus or ("0",)), {})
    assert engine.left == []
    assert found is None or found.key == "gpus"
    return found.line if found else ""


@pytest.mark.parametrize(
    "says",
    [
        HOOK + "mount error: failed to add device rules: bpf_prog_query(BPF_CGROUP_DEVICE) failed: operation not "
        "permitted: unknown",
        HOOK + "ldcache error: open failed: /sbin/ldconfig.real: no such file or directory: unknown",
        HOOK + "container error: cgroup subsystem devices not found: unknown",
        HOOK + "detection error: nvml error: insufficient permissions: unknown",
        "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all: unknown",
        "could not apply required modification to OCI specification: failed to inject CDI devices: unresolvable CDI "
        "devices management.nvidia.com/gpu=all",
        'exec: "nvidia-container-runtime-hook": executable file not found in $PATH',
        "error running createContainer hook #1: nvidia-cdi-hook did not like the arguments [/no-program]: no such file",
        "failed to fulfil mount request: open /usr/lib/x86_64-linux-gnu/libcuda.so.1: no such file or directory",
        "words that nobody has seen yet",
    ],
)
def test_every_refusal_of_a_hook_is_one_in_its_own_words(says: str) -> None:
    assert " ".join(says.split()) in refused(says)


@pytest.mark.parametrize(
    "says",
    [
        'OCI runtime create failed: exec: "/no-program": stat /no-program: no such file or directory: unknown',
        'starting container process caused "exec: \\"/no-program\\": stat /no-program: no such file or directory"',
        "crun: executable file `/no-program` not found: No such file or directory: OCI runtime attempted to invoke",
        "failed to create shim task: the file /no-program was not found: unknown",
        'starting container: error finding executable "/no-program" in PATH []: no such file or directory',
    ],
)
def test_an_image_without_the_program_is_not_a_refusal_of_gpus(says: str) -> None:
    assert refused(says) == ""


def test_of_many_words_the_first_and_the_last_are_shown() -> None:
    message = refused("engine: " + "x" * 100_000 + " hook: mount error")
    assert "engine: xxx" in message
    assert "hook: mount error" in message
    assert len(message) < 1500


def test_a_request_that_is_refused_before_there_is_a_container_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = ProbedEngine()
    create = engine.containers.create

    def refuse_devices(image: str, **options: Any) -> Any:
        if options.get("device_requests"):
            raise APIError("x", explanation="invalid device request")
        return create(image, **options)

    monkeypatch.setattr(engine.containers, "create", refuse_devices)
    found = refusal_of(engine, REMOTE, Wanted(gpus=("0",)), {})
    assert found is not None
    assert "invalid device request" in found.line


CDI = {
    "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}, {"Source": "cdi", "ID": "nvidia.com/gpu=all"}]
}


def test_an_engine_with_cdi_only_names_its_devices() -> None:
    assert "name one of these in gpus: nvidia.com/gpu=0, nvidia.com/gpu=all;" in refused(NO_DRIVER, info=CDI)
    assert "it gives CDI devices" in refused(NO_DRIVER, info={"CDISpecDirs": ["/etc/cdi"]})
    assert "CDI" not in refused(NO_DRIVER, info={"CDISpecDirs": []})


def test_a_cdi_device_that_is_not_there_or_an_engine_without_cdi_says_what_to_do() -> None:
    said = "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=7"
    assert "it has: nvidia.com/gpu=0, nvidia.com/gpu=all" in refused(said, "nvidia.com/gpu=7", info=CDI)
    assert "`nvidia-ctk cdi list`" in refused(said, "nvidia.com/gpu=7")
    assert "the engine gives no CDI devices" in refused(NO_CDI, "nvidia.com/gpu=0")


@pytest.mark.parametrize("info", [[], "text", {"DiscoveredDevices": None}, {"DiscoveredDevices": [None, {"ID": 3}, 5]}])
def test_a_wrong_answer_of_docker_info_does_not_hide_the_refusal(info: object) -> None:
    assert "the engine has no GPU runtime" in refused(NO_DRIVER, info=info)


def test_cdi_names_are_asked_of_the_cdi_driver() -> None:
    engine: Any = ProbedEngine()
    assert refusal_of(engine, REMOTE, Wanted(gpus=("nvidia.com/gpu=0", "nvidia.com/gpu=1")), {}) is None
    assert engine.asked["device_requests"] == [
        {
            "Driver": "cdi",
            "Count": 0,
            "DeviceIDs": ["nvidia.com/gpu=0", "nvidia.com/gpu=1"],
            "Capabilities": [],
            "Options": {},
        }
    ]


def look(made: ProbedEngine, docker_host: str = "unix:///var/run/docker.sock", *gpus: str) -> list[Finding]:
    as_engine: Any = made
    return list(gpu.check(as_engine, docker_host, {}, name="main", gpus=gpus or ["0"], triton_image=TRITON))


def levels(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.level, finding.what.removeprefix("servers.main.gpus: ")) for finding in findings]


def test_an_engine_without_container_toolkit_is_wrong() -> None:
    assert levels(look(ProbedEngine(NO_DRIVER))) == [("wrong", "container toolkit")]


def test_gpus_of_a_remote_engine_are_unknown_without_its_image() -> None:
    assert levels(look(ProbedEngine(), REMOTE)) == [("ok", "container toolkit"), ("warning", "GPUs")]


Program = Callable[[str | bytes], None]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    """Puts a script in the place of this machine's nvidia-smi."""

    def put(script: str | bytes) -> None:
        file = tmp_path / "nvidia-smi"
        file.write_bytes(script if isinstance(script, bytes) else f"#!/bin/sh\n{script}\n".encode())
        file.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return put


def test_nvidia_smi_of_this_machine_is_asked_and_an_old_driver_less(program: Program) -> None:
    program(
        'case $1 in *compute_cap*) echo "Field compute_cap is not a valid field to query."; exit 2;; esac\n'
        'echo "0, GPU-1, Tesla T4, 450.80.02, 15109"'
    )
    assert levels(look(ProbedEngine())) == [
        ("ok", "container toolkit"),
        ("warning", "driver"),
        ("warning", "generation"),
        ("ok", "memory"),
    ]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "version mismatch"),
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'", "version mismatch"),
        ("echo 'NVIDIA-SMI has failed because it could not communicate' >&2; exit 9", "could not communicate"),
        ("printf '\\377\\376\\n'", "it said:"),
        ("printf '\\n\\n   \\n'", "it listed no GPU"),
        ("kill -SEGV $$", "exit code -11"),
        (b"\x7fELF and nothing more", "it cannot be run"),
    ],
)
def test_an_nvidia_smi_that_fails_is_a_warning_with_its_words(
    program: Program, script: str | bytes, message: str
) -> None:
    program(script)
    findings = look(ProbedEngine())
    assert levels(findings) == [("ok", "container toolkit"), ("warning", "GPUs")]
    assert message in findings[1].told
    assert findings[1].told.isprintable()


def test_a_host_without_gpus_is_wrong(program: Program) -> None:
    program("echo No devices were found; exit 6")
    assert levels(look(ProbedEngine(), "unix:///x", "all"))[1:] == [("wrong", "GPUs")]


def test_an_nvidia_smi_that_hangs_is_given_up_once(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia_smi, "TIMEOUT", 0.2)
    program("exec sleep 600")
    began = time.monotonic()
    assert "did not end within 0.2 s" in look(ProbedEngine())[1].told
    assert time.monotonic() - began < 30


UNKNOWN = ["[Insufficient Permissions]", "[N/A]", "[Not Supported]", "[Unknown Error]", "", "N/A", "\xb2", "1e5", "nan"]


@pytest.mark.parametrize("column", range(7))
@pytest.mark.parametrize("value", UNKNOWN)
def test_a_value_that_nvidia_smi_does_not_give_is_unknown_and_the_others_are_judged(column: int, value: str) -> None:
    cells = ["0", "GPU-1", "Tesla T4", "460.91.03", "15109", "7.5", "[N/A]"]
    cells[column] = value
    [found] = read(", ".join(cells)).gpus
    [asked] = ["all"]
    findings = list(gpu.judge("gpus", [asked], [found], TRITON))
    warned = {3: "gpus: driver", 4: "gpus: memory", 5: "gpus: generation"}.get(column)
    assert {finding.what for finding in findings if finding.level != "ok"} == ({warned} if warned else set())


@pytest.mark.parametrize(
    "line", ["0, GPU-1", "0", "0, GPU-1, T4, 460.91.03, 15,109, 7,5", "0,GPU-1,T4,460.91.03,15109 MiB"]
)
def test_other_columns_than_asked_for_are_read_as_far_as_they_go(line: str) -> None:
    [found] = read(line).gpus
    assert found.index == "0"
    assert found.memory in (None, 15109)
    assert found.capability is None


def test_nvidia_smis_lines_are_read() -> None:
    listed = "0, GPU-1, Tesla T4, 460.91.03, 15109, 7.5, [N/A]\n1, GPU-2, NVIDIA A100, 535.1, 40960, 8.0, Disabled\n"
    assert read(listed).gpus == (T4, Gpu("1", "GPU-2", "NVIDIA A100", "535.1", 40960, 8.0))


MIG_LIST = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 2g.10gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77/7/0)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-2)
"""
A100S = (
    "0, GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77, NVIDIA A100-SXM4-40GB, 535.1, 40960, 8.0, Enabled\n"
    "1, GPU-2, NVIDIA A100-SXM4-40GB, 535.1, 40960, 8.0, Disabled\n"
)


def judged(*wanted: str, listed: str = MIG_LIST) -> list[tuple[str, str]]:
    found = list(gpu.judge("servers.main.gpus", wanted, read(A100S, listed).gpus, TRITON))
    return [each for each in levels(found) if each[0] != "ok"]


@pytest.mark.parametrize(
    "name",
    [
        "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
        "mig-C6D4f1ef-42e4-5de3-91c7-45d71c87eb3f",
        "0:0",
        "nvidia.com/gpu=0:0",
        "nvidia.com/gpu=MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
    ],
)
def test_a_mig_slice_is_found_with_the_memory_of_its_own(name: str) -> None:
    assert judged(name) == []
    assert read(A100S, MIG_LIST).gpus[0].slices[0].memory == 10 * 1024


def test_a_mig_slice_of_the_older_form_is_found_and_a_small_one_is_a_warning() -> None:
    assert judged("MIG-GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77/7/0") == [("warning", "memory")]


def test_a_mig_slice_that_is_not_there_is_wrong_and_names_those_that_are() -> None:
    [finding] = gpu.judge("gpus", ["MIG-0"], read(A100S, MIG_LIST).gpus, TRITON)
    assert (finding.level, finding.told.count("MIG-")) == ("wrong", 2)


@pytest.mark.parametrize(
    "wanted",
    [("all",), ("0",), ("nvidia.com/gpu=all",), ("0:0", "0:1"), ("1", "0:0")],
    ids=lambda wanted: "+".join(wanted),
)
def test_triton_sees_one_mig_slice_of_several(wanted: tuple[str, ...]) -> None:
    assert ("warning", "MIG") in judged(*wanted)


def test_a_gpu_in_mig_mode_without_slices_is_a_warning_and_one_not_in_mig_mode_is_not() -> None:
    assert judged("0", listed="") == [("warning", "MIG")]
    assert judged("1") == []


def test_of_a_whole_gpu_in_slices_the_memory_of_a_slice_counts() -> None:
    assert ("warning", "memory") in judged("0")
    assert ("warning", "memory") in judged("all")


@pytest.mark.parametrize("name", ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "0:0", "nvidia.com/gpu=0:1"])
def test_a_slice_of_a_host_whose_slices_are_not_listed_here_is_unknown_and_not_missing(name: str) -> None:
    [finding] = gpu.judge("gpus", [name], read(A100S, "").gpus, TRITON)
    assert finding.level == "warning"


def test_lines_that_are_no_list_of_gpus_name_no_slices() -> None:
    orphan = "  MIG 1g.5gb      Device  0: (UUID: MIG-1)\n"
    assert [each.slices for each in read(A100S, orphan + "GPU x\n\n").gpus] == [(), ()]
    assert Slice("odd", "MIG-1").memory is None


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (T4, ["ok", "ok", "ok"]),
        (Gpu("0", "u", "Tesla K80", "418.39", 11441, 3.7), ["wrong", "wrong", "ok"]),
        (Gpu("0", "u", "GeForce GTX 1060", "470.1", 6078, 6.1), ["ok", "ok", "warning"]),
        (Gpu("0", "u", "H100", "535.1", 81559, 9.0), ["ok", "warning", "ok"]),
    ],
)
def test_driver_generation_and_memory_are_judged(there: Gpu, expected: list[str]) -> None:
    assert [finding.level for finding in gpu.judge("gpus", ["0"], [there], TRITON)] == expected


H100 = Gpu("0", "u", "H100", "535.104.05", 81559, 9.0)
P100 = Gpu("0", "u", "P100", "535.104.05", 16384, 6.0)


@pytest.mark.parametrize(
    ("image", "there", "expected"),
    [
        ("nvcr.io/nvidia/tritonserver:23.04-py3", H100, ["ok", "ok"]),
        ("registry.example.org:5000/mirror/tritonserver:22.09-py3-min", H100, ["ok", "ok"]),
        ("nvcr.io/nvidia/tritonserver:25.04-py3", P100, ["warning", "wrong"]),
        ("nvcr.io/nvidia/tritonserver:24.10-py3@sha256:abc", H100, ["warning", "ok"]),
        ("nvcr.io/nvidia/tritonserver:26.08-py3", H100, ["warning", "ok"]),
    ],
)
def test_gpus_are_judged_by_the_release_of_the_image(image: str, there: Gpu, expected: list[str]) -> None:
    assert [finding.level for finding in gpu.judge("gpus", ["0"], [there], image)][:2] == expected


@pytest.mark.parametrize(
    "image",
    [
        "nvcr.io/nvidia/tritonserver:31.02-py3",
        "nvcr.io/nvidia/tritonserver:latest",
        "nvcr.io/nvidia/tritonserver@sha256:abc",
        "registry.example.org/our-triton:21.02",
        "localhost:21.02",
        "tritonserver:21.13",
    ],
)
def test_an_image_of_an_unknown_release_is_a_warning_and_is_not_judged_as_another(image: str) -> None:
    assert needs_of(image) is None
    found = list(gpu.judge("gpus", ["0"], [H100], image))
    assert [(finding.level, "is unknown here" in finding.told) for finding in found] == [
        ("warning", True),
        ("warning", True),
        ("ok", False),
    ]


def test_a_gpu_is_asked_for_by_index_by_uuid_or_with_all_others() -> None:
    for wanted in ("0", "GPU-1", "gpu-1", "all"):
        assert [f.level for f in gpu.judge("gpus", [wanted], [T4], TRITON)] == ["ok", "ok", "ok"]
    missing = list(gpu.judge("gpus", ["1"], [T4], TRITON))
    assert [(f.level, f.told) for f in missing] == [("wrong", "is not there; the engine's host has: 0")]


cells = st.one_of(
    st.sampled_from([*UNKNOWN, "0", "GPU-1", "Tesla T4", "460.91.03", "15109", "7.5", "Enabled", "MIG-1", "9" * 5000]),
    st.text(max_size=12),
)
lines = st.lists(st.lists(cells, max_size=9).map(", ".join), max_size=4).map("\n".join)
slices = st.text(max_size=12).map(lambda text: f"  MIG {text} Device 0: (UUID: MIG-{text})")
listings = st.lists(st.one_of(st.just("GPU 0: T4 (UUID: GPU-1)"), slices, lines), max_size=4).map("\n".join)


@pytest.mark.soak
@given(
    queried=lines,
    listed=listings,
    wanted=st.lists(st.sampled_from(["0", "GPU-1", "MIG-1", "0:0", "nvidia.com/gpu=0"]), min_size=1),
    image=st.one_of(st.just(TRITON), st.text(max_size=30)),
)
def test_whatever_nvidia_smi_prints_ends_in_findings_of_one_line(
    queried: str, listed: str, wanted: list[str], image: str
) -> None:
    found = read(queried, listed)
    if not found.gpus:
        assert found.trouble.isprintable()
        return
    for finding in gpu.judge("gpus", wanted, found.gpus, image.split("\n")[0] or "x"):
        assert finding.told
