#!/bin/sh
# Starts the XNAT stand-in. exec: what `docker stop` sends reaches the server.
PYTHONPATH=/opt/sandbox/app:/opt/sandbox/lib exec python3 -m sandbox.xnat "$@"
