# shellcheck shell=sh
# The jar in, the old ones out, XNAT restarted if it has to load something, and all of it undone if it does not come back.

install() {
  find_plugins
  lock
  clashes=$(etherj_clashes)
  [ -z "$clashes" ] || say "warning: ${clashes}in $plugins brings EtherJ along, as the viewer plugin does: if XNAT or the \
viewer fails with errors about icr.etherj, one of them has to go"
  take
  if is_done; then
    rm -f "$work/taken"
    ! is_last || close_change # of a run that was killed just before
    say "$(basename "$(viewer_jars)") is in $plugins: nothing changed"
    return
  elif in_place; then
    reopen_change # of a time when a person was to restart XNAT
  else
    taken_whole || [ -z "$URL" ] || fetch
    verify
    swap_in
  fi
  if [ "$RESTART" = none ]; then
    close_change
    say "$NAME is in $plugins: restart XNAT soon, as what was there is gone; it is loaded then"
    return
  fi
  restart_and_wait || roll_back
  ! is_last || close_change
  say "$NAME is in $plugins: XNAT was restarted at $(date -u +%FT%TZ), and answered after $took s"
}

roll_back() {
  came_to=$why words=$(last_words) log="The end of XNAT's log from before that:"
  [ -z "$clashes" ] || words="$words
(${clashes}brings EtherJ along, too: that may be the reason)"
  [ -d "$work/undo" ] || give_up "$NAME: $came_to; it stays, as XNAT has worked with it. $log
$words"
  put_back undo
  drop undo
  former=$(names_there)
  if restart_and_wait; then
    after="XNAT came back with it"
  elif answers; then
    after="XNAT answers, though it was not restarted ($why)"
  else
    after="XNAT does not come back with it either ($why)"
  fi
  give_up "$NAME: $came_to; what was there before was put back ($former), and $after. $log
$words"
}

install </dev/null
