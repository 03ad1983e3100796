# shellcheck shell=sh
# After a change was undone by way of another host that shares the folder: XNAT loads here what is there now.

follow() {
  find_plugins
  lock
  is_pending || return 0
  restart_and_wait || fail "$why, with what was there before: see XNAT's log on that host"
  loaded
  complain "viewer_plugin on $HOST: XNAT has what was there before, and answers after $took s"
}

follow </dev/null
