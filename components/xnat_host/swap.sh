# shellcheck shell=sh
# The jars in the plugins folder, changed so that a kill at any moment loses none, and a repetition goes on.
#
#   $work/before       the jars that were there before this project's first
#   $work/undo         those to put back if XNAT does not come back; there as long as that is open
#   $work/former       those of the last change that went well, for a person
#   $work/loaded       a file for each machine, with the checksums of the jars that it last restarted XNAT with
#   $work/restarting   a file for each machine, while a restart is under way there; left by one that was cut off
#   $work/unchecked    there after a change until XNAT was seen to work with it
#   $work/ours         the checksums of the jars that this project put into the folder
#   $work/by-hand      jars of others that had to leave it

# keep FOLDER: the jars as they are now, whole or not at all. By another name for the same file, so it costs nothing;
# without .jar at its end, so that nobody takes it for a plugin.
keep() {
  [ ! -d "$work/$1" ] || return 0
  rm -rf "$work/$1.partial"
  mkdir "$work/$1.partial"
  viewer_jars | while read -r jar; do
    kept=$work/$1.partial/${jar##*/}.kept
    { [ ! -L "$jar" ] && ln "$jar" "$kept" 2>/dev/null; } || cp -p "$jar" "$kept"
  done
  mv "$work/$1.partial" "$work/$1"
}

# drop FOLDER: at once, as half of it must not be put back by a next run.
drop() {
  rm -rf "$work/dropped"
  [ ! -d "$work/$1" ] || mv "$work/$1" "$work/dropped"
  rm -rf "$work/dropped"
}

# The old ones out, the new one in: it is whole before it gets a name that Tomcat looks for, and so never two.
swap_in() {
  keep before
  put_aside before
  [ -z "$(strangers undo)" ] || drop undo # of a change that was cut off, before somebody put another jar there
  keep undo
  mkdir -p "$work/loaded" # from now on, it is known who has yet to load what is there
  chmod 0644 "$work/taken"
  [ "$(id -u)" != 0 ] || chown "$(stat -c %u:%g "$plugins")" "$work/taken"
  printf '%s\n' "$SHA256" >>"$work/ours"
  : >"$work/unchecked"
  viewer_jars | while read -r jar; do
    [ "${jar##*/}" = "$NAME" ] || rm -f "$jar"
  done
  mv -f "$work/taken" "$plugins/$NAME"
}

# put_back FOLDER: the jars that were kept there, and no others. As in swap_in, they are whole before the others go, and
# come after that, and so never two.
put_back() {
  [ -d "$work/$1" ] || fail "$work/$1 is gone, which had the jars to put back: the folder stays as it is"
  put_aside "$1"
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
    [ "$sum" != "$SHA256" ] || continue
    ! grep -qsxF "$sum" "$work/ours" || continue
    ! cmp -s "$jar" "$work/$1/${jar##*/}.kept" || continue
    printf '%s\n' "$jar"
  done
}

# put_aside FOLDER: a copy of each stranger, which nothing of ours removes.
put_aside() {
  strangers "$1" | while read -r jar; do
    aside=$work/by-hand/${jar##*/}.$(sum_of "$jar" | cut -c1-12).kept
    mkdir -p "$work/by-hand"
    cp -p "$jar" "$aside"
    complain "viewer_plugin on $HOST: $jar is not this project's: it is kept as $aside"
  done
}

in_folder() { viewer_jars | while read -r jar; do sum_of "$jar"; done | sort; }

# own FOLDER: this machine's file there, by its own name: its address may be written in several ways.
own() { printf '%s/%s/%s\n' "$work" "$1" "$(uname -n)"; }

# Whether XNAT on this machine has loaded what is there, as far as we are to see to it: all of what we never changed.
is_loaded() {
  [ -d "$work/loaded" ] || return 0
  [ -f "$(own loaded)" ] && [ "$(cat "$(own loaded)")" = "$(in_folder)" ]
}

# Whether there is nothing left to do here.
is_done() { in_place && { [ "$RESTART" = none ] || is_loaded; }; }

# Whether XNAT on this machine may be down by a restart of ours, of whose end nobody was told.
is_restarting() { [ -f "$(own restarting)" ]; }

# Each host's step comes after that of the one before it, if that went well.
is_last() { [ "$HOST" = "${HOSTS##* }" ]; }

# All have loaded what is there, or a person is to see to that: there is nothing to undo any more.
close_change() {
  [ -d "$work/undo" ] || return 0
  drop former
  mv "$work/undo" "$work/former"
}

# Of a jar that XNAT was not seen to work with yet.
reopen_change() {
  [ -f "$work/unchecked" ] && [ -d "$work/former" ] && [ ! -d "$work/undo" ] || return 0
  mv "$work/former" "$work/undo"
}

names_in() { names_of "$(find "$work/$1" -name '*.kept' 2>/dev/null)"; }

names_there() { names_of "$(viewer_jars)"; }

names_of() {
  names=$(printf '%s' "$1" | sed 's/.*\///; s/\.kept$//' | sort | tr '\n' ' ')
  names=${names% }
  printf '%s' "${names:-no viewer plugin}"
}
