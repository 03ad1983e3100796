"""How much memory the provider process takes for a model: the real host, a real `create`, with the file's digest."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bench import large_model
from bench.figures import Figure
from bench.server import started
from dynamic_providers.aiaa.model import ModelProvider
from tests.support import model_props
from tests.support.provider_host import provider_host

_MEGABYTES = 1024
_RATE = "125"  # MB/s, of 1 Gbit/s: what a sender does not hold back for would show as memory


def run() -> list[Figure]:
    """From before the first call, so the modules that it loads are counted, to the process's peak."""
    print(f"memory for a model of {_MEGABYTES} MiB ...", flush=True)
    with TemporaryDirectory() as folder, started("bench.sink", _RATE) as url:
        large_model.write(Path(folder), _MEGABYTES)
        with provider_host(env={"XNAT_AIAA_CACHE": f"{folder}/cache"}) as host:
            models, inputs = host.provider(ModelProvider), model_props.local(url, Path(folder))
            before = _kib(host.pid, "VmRSS")
            models.create(inputs)
            grown = (_kib(host.pid, "VmHWM") - before) / 1024
    return [
        Figure("upload_rss_mib", grown, "below 64", f"growth of the provider process, model of {_MEGABYTES} MiB"),
        Figure("upload_rss_before_mib", before / 1024, "", "the same process before"),
    ]


def _kib(pid: int, field: str) -> int:
    """Of https://man7.org/linux/man-pages/man5/proc_pid_status.5.html: VmRSS is now, VmHWM its peak."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
