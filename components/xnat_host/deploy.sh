#!/bin/sh
# On the machine that deploys: `deploy.sh install`, then `deploy.sh confirm` or `deploy.sh undo`; and `deploy.sh restore`.
# Sends the steps to XNAT's hosts, one after the other, and runs them there; what they print is what Pulumi tells.
#
# Environment: HOSTS (ssh:// addresses, or this-machine), SSH_CONFIG, SUDO, JAR, and what `values` sends along.
set -euf
here=$(dirname "$0")
unreachable=255 # as ssh says it

quoted() {
  printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"
}

# Assignments that a shell reads back exactly, whatever is in the values.
values() {
  value=
  for name in HOSTS NAME SHA256 URL PLUGINS_DIR CONTAINER RESTART LOG XNAT_URL START_TIMEOUT; do
    eval "value=\${$name-}"
    printf '%s=%s\n' "$name" "$(quoted "$value")"
  done
}

# on HOST COMMAND: standard input goes to it. Nothing is asked: there may be nobody to answer.
on() {
  case $1 in
    this-machine) sh -c "$2" ;;
    *) ssh ${SSH_CONFIG:+-F "$SSH_CONFIG"} -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -- "$1" "$2" ;;
  esac
}

# step HOST NAME: a script that arrives cut off does nothing, as its last line is what starts it.
step() {
  {
    values
    printf 'HOST=%s\n' "$(quoted "$1")"
    cat "$here/folder.sh" "$here/jar.sh" "$here/swap.sh" "$here/xnat.sh" "$here/$2.sh"
  } | on "$1" "${SUDO:+sudo -n }sh -s"
}

# Where nodes share the folder, the first one's step changes it, and each restarts; none, unless all can be used. If one
# does not come back, the former jar is put back there, and the nodes before it have to load it again: a change that is
# still open is undone, one that was done before is not. If one cannot be reached any more, nothing is known of it, and
# the next run goes on there.
install() {
  place=
  for host in $HOSTS; do
    found=$(step "$host" look)
    [ "$host" != "${HOSTS%% *}" ] || place=$(printf '%s\n' "$found" | sed -n 's/^send: //p') # a log-in may greet, too
  done
  if [ -n "${JAR-}" ] && [ -n "$place" ]; then
    on "${HOSTS%% *}" "${SUDO:+sudo -n }sh -c 'cat >\"\$1.\$\$\" && mv -f \"\$1.\$\$\" \"\$1\"' receive $(quoted "$place")" <"$JAR"
  fi
  before=
  for host in $HOSTS; do
    code=0
    step "$host" install || code=$?
    if [ "$code" != 0 ]; then
      [ "$code" = $unreachable ] || for former in $before; do step "$former" undo || true; done
      exit 1
    fi
    before="$before $host"
  done
}

# The folder is one: what is open in it is open for all hosts.
confirm() {
  step "${HOSTS%% *}" confirm
}

undo() {
  step "${HOSTS%% *}" reopen
  for host in $HOSTS; do step "$host" undo; done
}

restore() {
  for host in $HOSTS; do step "$host" restore; done
}

"$1"
