# shellcheck shell=sh
# Where things are on XNAT's host. Sets $plugins, the folder that Tomcat loads jars from, and $work, a folder in it that
# Tomcat does not look into: on the same file system, so that a jar comes and goes by one rename.

set -eu
trap '' PIPE # a connection that breaks must not stop the work half-way

say() { printf '%s\n' "$*" 2>/dev/null || :; }

complain() { printf '%s\n' "$*" >&2 2>/dev/null || :; }

fail() {
  complain "viewer_plugin on $HOST: $*"
  exit 1
}

find_plugins() {
  plugins=$PLUGINS_DIR
  [ "$PLUGINS_DIR" != auto ] || plugins=$(mounted_plugins)
  enter_parents
  [ -d "$plugins" ] || fail "there is no folder $plugins: mend viewer_plugin.plugins_dir"
  work=$plugins/.xnat-aiaa
  mkdir -p "$work" 2>/dev/null && [ -w "$work" ] || fail "$(id -un) may not write in $plugins: let the log-in of \
viewer_plugin.host be one that may, or give sudo: true"
}

# What is behind a folder that one may not enter looks as if it were not there.
enter_parents() {
  parent=$plugins
  until [ -d "$parent" ]; do parent=$(dirname "$parent"); done
  [ "$parent" = "$plugins" ] || [ -x "$parent" ] || fail "$(id -un) may not enter $parent, on the way to $plugins: let the \
log-in of viewer_plugin.host be one that may, or give sudo: true"
}

# The folder of the host that is XNAT's plugins folder in its container: mounted itself, or within a mounted one.
mounted_plugins() {
  by_hand="give the folder in viewer_plugin.plugins_dir"
  command -v docker >/dev/null || fail "plugins_dir: auto looks at XNAT's container, and there is no docker here: $by_hand"
  container=$(container_id) || exit 1
  home=$(docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$container" | sed -n 's/^XNAT_HOME=//p')
  wanted=${home:-/data/xnat/home}/plugins
  found=$(docker inspect --format '{{range .Mounts}}{{println .Destination}}{{println .Source}}{{end}}' "$container" |
    nearest_mount "$wanted")
  [ -n "$found" ] || fail "container $CONTAINER has no mount at $wanted: $by_hand, or mount one there"
  printf '%s\n' "$found"
}

container_id() {
  docker inspect --type container --format '{{.Id}}' "$CONTAINER" 2>/dev/null && return
  ids=$(docker ps --quiet --filter "label=com.docker.compose.service=$CONTAINER" 2>&1) || fail "docker does not answer: $ids"
  case $(printf '%s' "$ids" | grep -c .) in
    1) printf '%s\n' "$ids" ;;
    0) fail "there is no container $CONTAINER: name XNAT's in viewer_plugin.container, or $by_hand" ;;
    *) fail "several containers are a service $CONTAINER: name XNAT's in viewer_plugin.container" ;;
  esac
}

# Reads destinations and sources in turn; of those that hold the wanted folder, takes the nearest.
nearest_mount() {
  wanted=$1 awk 'NR % 2 { to = $0; next }
    { at = ENVIRON["wanted"] "/" }
    index(at, to "/") == 1 && length(to) >= best { best = length(to); found = $0 substr(ENVIRON["wanted"], length(to) + 1) }
    END { if (found != "") print found }'
}

# One run at a time, until this script ends. What an earlier, interrupted one began here may be at work still.
lock() {
  exec 9>"$work/lock"
  command -v flock >/dev/null || return 0
  flock -n 9 && return
  complain "viewer_plugin on $HOST: an earlier run is still at work here: waiting for its end"
  tries=$((2 * START_TIMEOUT + 120))
  until flock -n 9; do # -w is not everywhere
    [ "$tries" -gt 0 ] || fail "an earlier run does not end: see the processes with $work/lock open"
    tries=$((tries - 1))
    sleep 1
  done
}
