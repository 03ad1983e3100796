# shellcheck shell=sh
# On destroy, if told: the jars that were there before this project's first come back, and our folder goes.

restore() {
  find_plugins
  lock
  if [ -d "$work/before" ]; then
    foreign=$(strangers before)
    [ -z "$foreign" ] || fail "$foreign is not this project's, so nothing is restored: move it out of the folder, or leave \
the plugin with viewer_plugin.on_destroy: keep"
    put_back before
  fi
  if [ "$RESTART" = none ]; then
    ! is_last || [ ! -d "$work/before" ] || say "what was there before was put back ($(names_there)): restart XNAT soon; it is loaded then"
  elif ! is_loaded; then
    restart_and_wait || give_up "$why, after $(names_there) came back. The end of XNAT's log:
$(last_words)"
  fi
  if is_last; then
    drop before
    drop loaded
    find "$work" -mindepth 1 -maxdepth 1 ! -name by-hand -exec rm -rf {} +
    rmdir "$work" 2>/dev/null || say "jars of others are kept in $work/by-hand"
  fi
}

restore </dev/null
