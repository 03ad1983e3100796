# shellcheck shell=sh
# XNAT's restart, and the wait until it is back.

# Open to everybody, and one of the first things that XNAT answers; before, Tomcat answers 404 and a proxy 502. Nothing
# secret is sent, so nobody's certificate matters.
answers() {
  if command -v curl >/dev/null; then
    curl --silent --insecure --max-time 10 -- "$XNAT_URL/xapi/siteConfig/buildInfo"
  else
    timeout 15 wget -q --no-check-certificate -O - -- "$XNAT_URL/xapi/siteConfig/buildInfo"
  fi 2>/dev/null | grep -q '"version"'
}

answers_soon() {
  for wait in 1 2 4; do
    ! answers || return 0
    sleep $wait
  done
  answers
}

need_http_client() {
  command -v curl >/dev/null || command -v wget >/dev/null || fail "there is neither curl nor wget here, to see XNAT come back"
}

# What failed is in $why. A server that the command starts must not keep our lock open, nor us waiting for its last word.
restart_and_wait() {
  need_http_client
  complain "viewer_plugin on $HOST: restarting XNAT by \`$RESTART\`, and waiting until it answers at $XNAT_URL"
  with=$(in_folder)
  mkdir -p "$work/restarting"
  : >"$(own restarting)"
  rm -f "$(own loaded)"
  if ! sh -c "$RESTART" 9>&- </dev/null >"$work/restart.out" 2>&1; then
    why="\`$RESTART\` failed: $(cat "$work/restart.out")"
    return 1
  fi
  started=$(date +%s)
  until answers; do
    if [ $(($(date +%s) - started)) -ge "$START_TIMEOUT" ]; then
      why="XNAT did not answer at $XNAT_URL within $START_TIMEOUT s of \`$RESTART\`"
      return 1
    fi
    sleep 1
  done
  took=$(($(date +%s) - started))
  [ ! -d "$work/loaded" ] || printf '%s\n' "$with" >"$(own loaded)"
  rm -f "$(own restarting)"
}

# give_up WHAT: a person is told, and sees to XNAT.
give_up() {
  rm -f "$(own restarting)"
  fail "$@"
}

# No reason to stop half-way, if it may not be read.
last_words() {
  if [ -n "$LOG" ]; then
    sh -c "$LOG" 9>&- </dev/null 2>&1 | tail -n 40
    return
  fi
  newest=$(find "$plugins/../logs" -maxdepth 1 -name '*.log' -exec ls -t {} + 2>/dev/null | head -n 1)
  if [ -n "$newest" ]; then
    tail -n 40 "$newest" 2>&1 || :
  else
    say "(none in $plugins/../logs: a command that shows XNAT's log can be given in viewer_plugin.log)"
  fi
}
