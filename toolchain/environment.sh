# shellcheck shell=bash
# What bin/pulumi and bin/aiaa share, which source this: the project's tools, state and Docker engine in the environment.
# What the user has set there stays as it is.

set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$project/.toolchain

complain() {
  echo "bin/$(basename "$0"): $*" >&2
  exit 1
}

[ -x "$project/.venv/bin/python" ] || complain "there is no virtualenv yet: run 'make toolchain' in $project"
[ -x "$cache/bin/pulumi" ] || complain "the Pulumi CLI is not installed yet: run 'make toolchain' in $project"

# Pulumi looks for its project from here upwards.
case $PWD/ in "$project"/*) ;; *) cd "$project" ;; esac

# The caller's variables for Python are meant for other programs. Some prevent our start (PYTHONHOME, PYTHONIOENCODING
# with an unknown encoding), load other modules instead of ours (PYTHONPATH) or make warnings errors (PYTHONWARNINGS).
for name in "${!PYTHON@}"; do
  case $name in PYTHON | PYTHONDONTWRITEBYTECODE | PYTHONPYCACHEPREFIX | PYTHONUNBUFFERED) ;; *) unset "$name" ;; esac
done

# With an invalid width, `pip list` prints nothing, which Pulumi treats as an error.
case ${COLUMNS-1} in '' | 0* | *[!0-9]*) unset COLUMNS ;; esac

# Pulumi's processes use gRPC on this machine's loopback address. gRPC uses a proxy for that too, if http_proxy names one
# and no_proxy does not name the loopback address
# (https://github.com/grpc/grpc/blob/master/doc/environment_variables.md).
export no_grpc_proxy=${no_grpc_proxy-127.0.0.1,localhost,::1}

# The virtualenv first: the older language host takes the python that it finds, whatever Pulumi.yaml says.
export PATH=$project/.venv/bin:$cache/bin:$PATH
export PULUMI_HOME=${PULUMI_HOME-$cache/pulumi}
export PULUMI_SKIP_UPDATE_CHECK=${PULUMI_SKIP_UPDATE_CHECK-1}
# Without the program, refresh and destroy would use the credentials of the last up.
export PULUMI_RUN_PROGRAM=${PULUMI_RUN_PROGRAM-true}
# The engine writes its whole state twice for each resource that it makes, which is much garbage: with hundreds of them
# the time goes into collecting it. Memory is bounded all the same.
[[ ${GOMEMLIMIT-} =~ ^([0-9]+([KMGT]i)?B?|off)$ ]] || GOMEMLIMIT=1GiB # with an invalid value, Go programs end with a trace
export GOGC=${GOGC-400} GOMEMLIMIT

if [ -z "${PULUMI_BACKEND_URL-}" ]; then
  mkdir -p "$project/.state"
  # Without the files beside the state's (content type and checksum, which nobody needs): they are written anew for each
  # resource, and a run that is killed can leave one half written, which makes the state unreadable.
  export PULUMI_BACKEND_URL="file://$project/.state?metadata=skip"
fi
if [ "$(cat "$cache/route" 2>/dev/null)" = mirror ]; then
  # A plugin that is missing here cannot be fetched: fail at once, not after minutes of trying.
  export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=${PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION-1}
fi
if [ -z "${DOCKER_HOST-}" ] && [ -r "$cache/docker/host" ]; then
  DOCKER_HOST=$(<"$cache/docker/host")
  export DOCKER_HOST
fi
if [ -n "${DOCKER_TLS_VERIFY-}" ]; then # the docker CLI's default; Pulumi's docker provider has none
  export DOCKER_CERT_PATH=${DOCKER_CERT_PATH:-${DOCKER_CONFIG:-$HOME/.docker}}
else # without the former the docker CLI does not look at the latter, and the provider does
  unset DOCKER_CERT_PATH
fi
