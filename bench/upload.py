"""A model's upload over a network of 1 Gbit/s, against curl: the same form to a server that keeps nothing of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import large_model
from bench.figures import Figure
from bench.pairs import measure
from bench.server import started
from clients.aiaa import AiaaClient

_MEGABYTES = 1024
_RATE = 125  # MB/s
_NAME = "large"


def run() -> list[Figure] | str:
    """The figures, or why there are none."""
    if not shutil.which("curl"):
        return "an upload needs curl to compare with"
    with TemporaryDirectory() as folder, started("bench.sink", str(_RATE)) as url:
        config, weights = large_model.write(Path(folder), _MEGABYTES)
        document = json.loads(config.read_text())
        curl = ["curl", "--silent", "--show-error", "--fail", "--request", "PUT", f"{url}/admin/model/{_NAME}"]
        curl += ["--form", f"config=@{config};type=application/json", "--form", f"data=@{weights}"]

        def ours() -> None:
            with AiaaClient(url) as client:
                client.load_from_files(_NAME, document, weights, deadline=600)

        def by_hand() -> None:
            subprocess.run(curl, check=True, stdout=subprocess.DEVNULL)

        pairs = measure(f"upload of a model of {_MEGABYTES} MiB", ours, by_hand)
        speeds = [weights.stat().st_size / 1e6 / seconds for seconds in pairs.medians]
    return [
        Figure("upload_vs_curl", 1 / pairs.ratio, "at least 0.95", f"our throughput / curl's, {_MEGABYTES} MiB"),
        Figure("upload_mb_per_s", speeds[0], "", f"ours, to a server that takes {_RATE} MB/s"),
        Figure("upload_curl_mb_per_s", speeds[1], "", "curl -X PUT -F ..."),
    ]
