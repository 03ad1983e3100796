# shellcheck shell=sh
# What is a whole jar, and the jar that was meant.

sum_of() { sha256sum "$1" | cut -d' ' -f1; }

# The old jars and ours: XNAT has one class path, on which only one viewer plugin may be. The viewer plugin of 3.0 took
# in what was a plugin of its own before (https://bitbucket.org/icrimaginginformatics/ohif-viewer-xnat-plugin).
viewer_jars() {
  for jar in "$plugins"/ohif-viewer-*.jar "$plugins"/xnat-roi-[012].*.jar; do
    [ ! -f "$jar" ] || printf '%s\n' "$jar"
  done
}

# Whether the folder is as it should be, under whatever name the jar has.
in_place() {
  there=$(viewer_jars)
  [ "$(printf '%s' "$there" | grep -c .)" = 1 ] && [ "$(sum_of "$there")" = "$SHA256" ]
}

# What was sent is ours alone from here on: another run may send its own to the same place.
take() {
  [ ! -f "$work/arrived" ] || mv -f "$work/arrived" "$work/taken"
  find "$work" -name 'arrived.*' -mmin +60 -exec rm -f {} + 2>/dev/null || : # of what was cut off on its way
}

taken_whole() { [ -f "$work/taken" ] && [ "$(sum_of "$work/taken")" = "$SHA256" ]; }

fetch() {
  if command -v curl >/dev/null; then
    told=$(curl --fail --silent --show-error --location --proto =http,https --retry 2 --output "$work/taken" -- "$URL" 2>&1)
  elif command -v wget >/dev/null; then
    told=$(wget -O "$work/taken" -- "$URL" 2>&1) || { told=$(printf '%s' "$told" | tail -n 2) && false; }
  else
    fail "there is neither curl nor wget here to fetch $URL: download it yourself, and give it as viewer_plugin.jar"
  fi || fail "$URL cannot be fetched from here ($told): if this host has no way out, give the file as viewer_plugin.jar"
}

# The jar's place has what was meant, or nothing goes on. An HTML page that was saved in a jar's place is the usual
# mistake, and a zip file's end is missing when it was cut off: both say more than two checksums that differ.
verify() {
  file=$work/taken from=${URL:-the copy of viewer_plugin.jar}
  [ -s "$file" ] || fail "$from is empty: run the command again"
  if [ "$(head -c 2 "$file")" != PK ]; then
    head -c 1024 "$file" | grep -qi '<html\|<!doctype' &&
      fail "$from is an HTML page, not a jar: give the address that the page's download link has"
    fail "$from is no jar: mend viewer_plugin.url"
  fi
  tail -c 65557 "$file" | holds "$(printf 'PK\005\006')" ||
    fail "$from was cut off: it has $(wc -c <"$file") bytes, and no end of a zip file; run the command again"
  taken_whole ||
    fail "$from has checksum $(sum_of "$file"), and viewer_plugin.sha256 is $SHA256: mend the one that is wrong"
  ! command -v unzip >/dev/null || unzip -tqq "$file" >/dev/null 2>&1 || fail "$from is damaged: \`unzip -t\` tells where"
}

# The viewer plugin brings the classes of EtherJ along, as other fat jars may, perhaps in another version.
etherj_clashes() {
  for jar in "$plugins"/*.jar; do
    case ${jar##*/} in ohif-viewer-* | xnat-roi-[012].*) continue ;; esac
    [ ! -f "$jar" ] || ! holds icr/etherj/ <"$jar" || printf '%s ' "${jar##*/}"
  done
}

# holds TEXT: in what comes in, which is no text. Not every grep looks behind a zero byte.
holds() { tr -d '\000' 2>/dev/null | LC_ALL=C grep -qaF "$1"; }
