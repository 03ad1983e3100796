"""How many cases the property-based tests try: few and always the same ones, or all of them with `SOAK=1`. And a cache
of models' digests that is the tests' own, and goes with them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from hypothesis import HealthCheck, settings

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
