# shellcheck shell=sh
# Whether this host can be used, before anything changes on the first; says where the jar is to be sent, nothing if it is
# there.

look() {
  find_plugins
  [ "$RESTART" = none ] || need_http_client
  in_place || arrived_whole || say "$work/arrived"
}

look </dev/null
