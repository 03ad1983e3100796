#!/bin/sh
# The launcher of NVIDIA's AIAA server 4.0, starting the stand-in. exec: what `docker stop` sends reaches the server.
# PYTHONPATH is set here and not in the image, because Triton's Python backend must see Debian's numpy and torch.
AIAA_LAUNCHER="${AIAA_LAUNCHER:-start_aiaa.sh}" PYTHONPATH=/opt/sandbox/app:/opt/sandbox/lib exec python3 -m sandbox.aiaa "$@"
