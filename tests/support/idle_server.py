"""Images in place of NVIDIA's, whose programs start and do nothing: for tests of what runs them."""

from __future__ import annotations

IMAGES = ("nvcr.io/nvidia/clara-train-sdk:v4.0", "nvcr.io/nvidia/tritonserver:21.02-py3")
SLEEP = "#!/bin/sh\nexec sleep 600\n"
SCRIPTS = {"/bin/start_aiaa.sh": SLEEP, "/opt/tritonserver/bin/tritonserver": SLEEP}
"""For `tests.support.docker_engine.DockerEngine.add_image`."""
