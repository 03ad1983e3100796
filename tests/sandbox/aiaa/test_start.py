"""The command line and the start of the process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.aiaa.app import create_app
from sandbox.aiaa.options import Options, parse

from .conftest import ROOT

GUIDE = (
    "--workspace /workspace --engine TRITON --triton_ip tritonserver --triton_proto http "
    "--triton_start_timeout 120 --triton_model_timeout 30 --triton_verbose 0"
)


def test_the_guides_command_line_says_what_a_real_server_defaults_to() -> None:
    assert parse(GUIDE.split(), "start_aiaa.sh") == Options(Path("/workspace"), triton_ip="tritonserver")


def test_options_of_the_recorded_start_up_log_are_taken() -> None:
    line = "-w /w --triton_http_port 1 --triton_grpc_port 2 --triton_metrics_port 3 --triton_shmem no --admin_hosts a,b"
    options = parse(line.split(), "start_aiaa.sh")
    assert (options.triton_http_port, options.triton_grpc_port, options.triton_metrics_port) == (1, 2, 3)
    assert options.admits("b")
    assert not options.admits("c")


def test_the_triton_address_follows_the_protocol() -> None:
    assert Options(Path("/w"), triton_ip="t").triton_address == "t:8000"
    assert Options(Path("/w"), triton_ip="t", triton_proto="grpc").triton_address == "t:8001"


def test_the_release_is_4_0_unless_told_and_the_last_word_counts() -> None:
    """The launcher of 3.x says ``--api 3.1`` before what it is told itself."""
    assert parse(["-w", "/w"], "start_aiaa.sh").api == "4.0"
    assert parse(["--api", "3.1", "-w", "/w", "--api", "4.1"], "start_aas.sh").api == "4.1"


@pytest.mark.parametrize("line", ["-w /w --engine AIAA", "-w /w --api 5.0", "-w /w --no_such 1", "--engine TRITON"])
def test_what_it_cannot_do_stops_the_start(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(line.split(), "start_aiaa.sh")
    assert stop.value.code == 2
    assert "start_aiaa.sh: error" in capsys.readouterr().err


def started(workspace: Path, *, wait: float) -> subprocess.Popen[str]:
    """The server of a user who is not root, which waits for a Triton that is not there."""
    program = "import os, runpy; os.getuid = lambda: 1000; runpy.run_module('sandbox.aiaa', run_name='__main__')"
    line = f"-w {workspace} --triton_ip 127.0.0.1 --triton_http_port 1 --triton_start_timeout {wait}"
    return subprocess.Popen(
        [sys.executable, "-c", program, *line.split()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_sigterm_ends_it_at_once_also_while_it_waits_for_triton(tmp_path: Path) -> None:
    with started(tmp_path / "w", wait=60) as process:
        assert process.stdout is not None
        assert "Checking Triton at 127.0.0.1:1 (http)" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0


def test_without_triton_it_gives_up_and_says_what_it_waited_for(tmp_path: Path) -> None:
    with started(tmp_path / "w", wait=0.1) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Triton at 127.0.0.1:1 (http) did not answer within 0.1 s (--triton_start_timeout)" in errors


def test_a_model_folder_that_is_not_writable_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Triton's container makes it writable; AIAA must not find out at the first upload that nobody did."""
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "triton_models")
    with pytest.raises(PermissionError) as refusal:
        create_app(Options(tmp_path))
    assert refusal.value.filename == str(tmp_path / "triton_models")
