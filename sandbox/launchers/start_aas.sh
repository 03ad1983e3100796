#!/bin/sh
# The launcher of NVIDIA's AIAA server 3.x, starting the stand-in in that release's ways.
AIAA_LAUNCHER=start_aas.sh exec start_aiaa.sh --api 3.1 "$@"
