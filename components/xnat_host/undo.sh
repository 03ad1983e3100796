# shellcheck shell=sh
# What was there before a change that is open comes back, on all hosts: told, as XNAT came back without a working plugin;
# or begun on one of them, where XNAT did not come back at all.

undo() {
  find_plugins
  lock
  if [ -d "$work/undo" ]; then
    words=$(last_words)
    put_back undo
    drop undo
    say "the end of XNAT's log:
$words"
    if [ "$RESTART" = none ]; then
      say "what was there before was put back ($(names_there)): restart XNAT soon; it is loaded then"
    fi
  fi
  [ "$RESTART" != none ] && ! is_loaded || return 0
  restart_and_wait || give_up "what was there before was put back ($(names_there)), and $why: see XNAT's log on that host"
  say "what was there before was put back ($(names_there)), and XNAT came back with it"
}

undo </dev/null
