#!/usr/bin/env bash
# The project's virtualenv, from the lock file with its checksums: made afresh when the lock or the Python is another one.
# In shell, as it runs before there is a Python that has anything.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$project/.venv
log=$project/.toolchain/logs/virtualenv.log
needed=1000 # MB on the disk, while it is made

complain() {
  printf '\nvirtualenv: %s\n' "$*" >&2
  exit 1
}

suitable_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  complain "no Python 3.11 or newer is on the PATH: install one, or name it: make PYTHON=/path/to/python3.11 ..."
}

# Runs a command into the log, with a sign of life, and complains with its last line.
logged() {
  local doing=$1 process begin=$SECONDS
  shift
  "$@" >>"$log" 2>&1 </dev/null &
  process=$!
  trap 'kill "$process" 2>/dev/null; printf "\nvirtualenv: interrupted; run it again to go on\n" >&2; exit 130' INT TERM
  while kill -0 "$process" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - begin >= 15)); then
      begin=$SECONDS
      echo "  $(tail -n 1 "$log" | cut -c 1-110)"
    fi
  done
  wait "$process" || complain "$doing failed: $(grep -v '^\[notice\]' "$log" | tail -n 1) (all it said: $log)"
  trap - INT TERM
}

[ "$(uname -sm)" = "Linux x86_64" ] || complain "the tools are for Linux on x86-64, and this is $(uname -sm)"
python=$(suitable_python)
made_from=$({ cat "$project/requirements.lock"; "$python" -VV; echo "$venv"; } | sha256sum)
is_made() {
  [ "$(cat "$venv/made-from" 2>/dev/null)" = "$made_from" ]
}
if is_made; then
  exit
fi

mkdir -p "$(dirname "$log")"
exec 9>>"$project/.toolchain/lock" # lock.py takes it too
flock --nonblock 9 || {
  echo "another make is at work here: waiting"
  flock 9
}
if is_made; then
  exit
fi

free=$(df --output=avail -m "$project" | tail -n 1)
((free >= needed)) || complain "the Python packages need $needed MB on the disk of $project, and ${free// /} MB are free"
: >"$log"
echo "Installing the Python packages of requirements.lock (1 min) ..."
rm -rf "$venv"
logged "Making a virtualenv with $python (Debian and Ubuntu: package python3-venv)" "$python" -m venv "$venv"
logged "Installing the Python packages" "$venv/bin/python" -m pip install --no-input --disable-pip-version-check \
  --progress-bar off --require-hashes --no-deps --only-binary :all: --requirement "$project/requirements.lock"
echo "$made_from" >"$venv/made-from"
