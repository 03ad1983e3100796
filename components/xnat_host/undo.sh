# shellcheck shell=sh
# What was there before a change that is open comes back, on all hosts: told, as XNAT came back without a working plugin;
# or begun on one of them, where XNAT did not come back at all.

undo() {
  find_plugins
  lock
  [ -d "$work/undo" ] || return 0
  if in_place; then
    say "the end of XNAT's log:"
    last_words
    pend_all
  fi
  former=$(names_in undo)
  put_back undo
  if [ "$RESTART" = none ]; then
    close_change
    say "what was there before was put back ($former): restart XNAT soon; it is loaded then"
    return
  fi
  is_pending || return 0
  restart_and_wait || fail "what was there before was put back ($former), and $why: see XNAT's log on that host"
  loaded
  say "what was there before was put back ($former), and XNAT came back with it"
}

undo </dev/null
