# shellcheck shell=sh
# The jars in the plugins folder, changed so that a kill at any moment loses none, and a repetition goes on.
#
#   $work/before   the jars that were there before this project's first
#   $work/undo     those to put back if XNAT does not come back; there as long as that is open
#   $work/former   those of the last change that went well, for a person
#   $work/pending  a file for each host whose XNAT has yet to load what is in the folder

# keep FOLDER: the jars as they are now, whole or not at all. By another name for the same file, so it costs nothing;
# without .jar at its end, so that nobody takes it for a plugin.
keep() {
  [ ! -d "$work/$1" ] || return 0
  rm -rf "$work/$1.partial"
  mkdir "$work/$1.partial"
  viewer_jars | while read -r jar; do
    ln "$jar" "$work/$1.partial/${jar##*/}.kept" 2>/dev/null || cp -p "$jar" "$work/$1.partial/${jar##*/}.kept"
  done
  mv "$work/$1.partial" "$work/$1"
}

pending_file() { printf '%s/pending/%s\n' "$work" "$(printf %s "$1" | tr -c 'A-Za-z0-9.@-' _)"; }

# For all hosts that share the folder.
pend_all() { for host in $HOSTS; do : >"$(pending_file "$host")"; done; }

# The old ones out, the new one in: it is whole before it gets a name that Tomcat looks for, and so never two.
swap_in() {
  keep before
  keep undo
  chmod 0644 "$work/arrived"
  [ "$(id -u)" != 0 ] || chown --reference="$plugins" "$work/arrived"
  [ "$RESTART" = none ] || pend_all
  viewer_jars | while read -r jar; do
    [ "${jar##*/}" = "$NAME" ] || rm -f "$jar"
  done
  mv -f "$work/arrived" "$plugins/$NAME"
}

# put_back FOLDER: the jars that were kept there, and no others.
put_back() {
  for kept in "$work/$1"/*.kept; do
    [ -f "$kept" ] || continue
    name=${kept##*/}
    cp -p "$kept" "$work/arrived.back"
    mv -f "$work/arrived.back" "$plugins/${name%.kept}"
  done
  viewer_jars | while read -r jar; do
    [ -f "$work/$1/${jar##*/}.kept" ] || rm -f "$jar"
  done
}

# The hosts that restarted since the change have to again, and those that did not need not.
turn_pending() {
  for host in $HOSTS; do
    file=$(pending_file "$host")
    if [ "$host" = "$HOST" ]; then continue; fi
    if [ -f "$file" ]; then rm -f "$file"; else : >"$file"; fi
  done
}

is_pending() { [ -f "$(pending_file "$HOST")" ]; }

# Of the hosts that share the folder now: one that has left since will not come back for it.
nobody_pending() {
  for host in $HOSTS; do
    [ ! -f "$(pending_file "$host")" ] || return 1
  done
}

# This host has loaded what is there. When all have, there is nothing to undo any more.
loaded() {
  rm -f "$(pending_file "$HOST")"
  close_change
}

close_change() {
  nobody_pending || return 0
  if in_place && [ -d "$work/undo" ]; then
    rm -rf "$work/former"
    mv "$work/undo" "$work/former"
  fi
  rm -rf "$work/undo" # after what was changed was undone
}

names_in() {
  names=$(find "$work/$1" -name '*.kept' 2>/dev/null | sed 's/.*\///; s/\.kept$//' | sort | tr '\n' ' ')
  names=${names% }
  printf '%s' "${names:-no viewer plugin}"
}
