# shellcheck shell=sh
# Whether this host can be used, before anything changes on the first, or restarts; says where the jar is to be sent,
# nothing if it is there.

look() {
  find_plugins
  ! is_done || return 0
  if [ "$RESTART" != none ]; then
    need_http_client
    # What was cut off may have left XNAT down.
    [ -d "$work/undo" ] || is_restarting || answers_soon || fail "XNAT does not answer at $XNAT_URL, so nobody would see it come back: \
give an address at which this host reaches it in viewer_plugin.probe_url, or start XNAT first; if it does not start as it \
is, give viewer_plugin.restart: none and restart it yourself"
  fi
  in_place || taken_whole || say "send: $work/arrived"
}

look </dev/null
