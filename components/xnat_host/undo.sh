# shellcheck shell=sh
# What was there before the last change comes back, on all hosts: told, as XNAT came back without a working plugin; or
# begun on one of them, where XNAT did not come back at all.

undo() {
  find_plugins
  lock
  if in_place && { [ -d "$work/undo" ] || mv "$work/former" "$work/undo" 2>/dev/null; }; then
    say "the end of XNAT's log:"
    last_words
    [ "$RESTART" = none ] || pend_all
  fi
  [ -d "$work/undo" ] || return 0
  former=$(names_in undo)
  put_back undo
  is_pending || return 0
  restart_and_wait || fail "what was there before was put back ($former), and $why: see XNAT's log on that host"
  loaded
  say "what was there before was put back ($former), and XNAT came back with it"
}

undo </dev/null
