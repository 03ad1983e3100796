"""How many cases the property-based tests try: few and always the same ones, or all of them with `SOAK=1`. A cache of
models' digests that is the tests' own, and goes with them. And which tests may run beside each other."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A loaded machine makes a case slow, which is no defect: no deadline.
settings.register_profile("default", max_examples=60, deadline=None, derandomize=True)
settings.register_profile(
    "soak",
    max_examples=10_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("soak" if os.environ.get("SOAK") == "1" else "default")

os.environ["XNAT_AIAA_CACHE"] = _cache = tempfile.mkdtemp(prefix="tests-cache-")
atexit.register(shutil.rmtree, _cache, ignore_errors=True)


class Scheduling(LoadScopeScheduling):
    """Tests on the Docker engine share it, and look at all that is on it: one after the other, beside all the others.
    They are the largest scope, which is begun first."""

    def _split_scope(self, nodeid: str) -> str:
        return "engine" if nodeid.startswith("tests/engine/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)
