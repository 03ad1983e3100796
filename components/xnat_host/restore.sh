# shellcheck shell=sh
# On destroy, if told: the jars that were there before this project's first come back, and our folder goes.

restore() {
  find_plugins
  lock
  if [ -d "$work/before" ]; then
    [ "$RESTART" = none ] || [ -f "$work/restoring" ] || pend_all
    : >"$work/restoring"
    put_back before
  fi
  if is_pending; then
    restart_and_wait || fail "$why, after $(names_in before) came back. The end of XNAT's log:
$(last_words)"
    rm -f "$(pending_file "$HOST")"
  fi
  ! nobody_pending || rm -rf "$work"
}

restore </dev/null
