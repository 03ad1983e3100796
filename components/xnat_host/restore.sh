# shellcheck shell=sh
# On destroy, if told: the jars that were there before this project's first come back, and our folder goes.

restore() {
  find_plugins
  lock
  if [ -d "$work/before" ]; then
    foreign=$(strangers before)
    [ -z "$foreign" ] || fail "$foreign is not this project's, so nothing is restored: move it out of the folder, or leave \
the plugin with viewer_plugin.on_destroy: keep"
    [ -f "$work/restoring" ] || pend_all
    : >"$work/restoring"
    former=$(names_in before)
    put_back before
    [ "$RESTART" != none ] || say "what was there before was put back ($former): restart XNAT soon; it is loaded then"
  fi
  if [ "$RESTART" != none ] && is_pending; then
    restart_and_wait || fail "$why, after $(names_in before) came back. The end of XNAT's log:
$(last_words)"
    rm -f "$(pending_file "$HOST")"
  fi
  if [ "$RESTART" = none ] || nobody_pending; then
    [ ! -d "$work/before" ] || mv "$work/before" "$work/restored" # at once: half of it must not be put back by a next run
    find "$work" -mindepth 1 -maxdepth 1 ! -name by-hand -exec rm -rf {} +
    rmdir "$work" 2>/dev/null || say "jars of others are kept in $work/by-hand"
  fi
}

restore </dev/null
