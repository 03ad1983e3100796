# shellcheck shell=sh
# The jars in the plugins folder, changed so that a kill at any moment loses none, and a repetition goes on.
#
#   $work/before   the jars that were there before this project's first
#   $work/undo     those to put back if XNAT does not come back; there as long as that is open
#   $work/former   those of the last change that went well, for a person
#   $work/pending  a file for each host whose XNAT has yet to load what is in the folder
#   $work/unchecked there after a change until XNAT was seen to work with it
#   $work/ours     the checksums of the jars that this project put into the folder
#   $work/by-hand  jars of others that had to leave it

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
  pend_all # where a person restarts XNAT, we are not told when: it holds for the first restart that is ours
  printf '%s\n' "$SHA256" >>"$work/ours"
  : >"$work/unchecked"
  viewer_jars | while read -r jar; do
    [ "${jar##*/}" = "$NAME" ] || rm -f "$jar"
  done
  mv -f "$work/arrived" "$plugins/$NAME"
}

# put_back FOLDER: the jars that were kept there, and no others. As in swap_in, they are whole before the others go, and
# come after that, and so never two.
put_back() {
  [ -d "$work/$1" ] || fail "$work/$1 is gone, which had the jars to put back: the folder stays as it is"
  strangers "$1" | while read -r jar; do
    mkdir -p "$work/by-hand"
    cp -p "$jar" "$work/by-hand/${jar##*/}.kept"
    complain "viewer_plugin on $HOST: $jar is not this project's: it is kept as $work/by-hand/${jar##*/}.kept"
  done
  rm -rf "$work/back"
  mkdir "$work/back"
  for kept in "$work/$1"/*.kept; do
    [ ! -f "$kept" ] || cp -p "$kept" "$work/back/"
  done
  viewer_jars | while read -r jar; do
    [ -f "$work/$1/${jar##*/}.kept" ] || rm -f "$jar"
  done
  for kept in "$work/back"/*.kept; do
    name=${kept##*/}
    [ ! -f "$kept" ] || mv -f "$kept" "$plugins/${name%.kept}"
  done
  rm -rf "$work/back" "$work/unchecked"
}

# strangers FOLDER: jars that are neither this project's nor kept in that folder, so somebody put them there by hand.
strangers() {
  viewer_jars | while read -r jar; do
    sum=$(sum_of "$jar")
    [ "$sum" != "$SHA256" ] && ! grep -qsxF "$sum" "$work/ours" && ! cmp -s "$jar" "$work/$1/${jar##*/}.kept" || continue
    printf '%s\n' "$jar"
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
  [ "$RESTART" = none ] || nobody_pending || return 0
  if in_place && [ -d "$work/undo" ]; then
    rm -rf "$work/former"
    mv "$work/undo" "$work/former"
  fi
  rm -rf "$work/undo" # after what was changed was undone
}

reopen_change() { [ -d "$work/undo" ] || [ ! -d "$work/former" ] || mv "$work/former" "$work/undo"; }

names_in() {
  names=$(find "$work/$1" -name '*.kept' 2>/dev/null | sed 's/.*\///; s/\.kept$//' | sort | tr '\n' ' ')
  names=${names% }
  printf '%s' "${names:-no viewer plugin}"
}
