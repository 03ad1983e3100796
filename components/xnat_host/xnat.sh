# shellcheck shell=sh
# XNAT's restart, and the wait until it is back.

# Open to everybody, and one of the first things that XNAT answers; before, Tomcat answers 404 and a proxy 502. Nothing
# secret is sent, so nobody's certificate matters.
answers() {
  if command -v curl >/dev/null; then
    curl --silent --insecure --max-time 10 -- "$XNAT_URL/xapi/siteConfig/buildInfo"
  else
    wget --quiet --no-check-certificate --timeout 10 --tries 1 --max-redirect 0 -O - -- "$XNAT_URL/xapi/siteConfig/buildInfo"
  fi 2>/dev/null | grep -q '"version"'
}

need_http_client() {
  command -v curl >/dev/null || command -v wget >/dev/null || fail "there is neither curl nor wget here, to see XNAT come back"
}

# What failed is in $why. The command must not keep our lock open in a server that it starts.
restart_and_wait() {
  need_http_client
  complain "viewer_plugin on $HOST: restarting XNAT by \`$RESTART\`, and waiting until it answers at $XNAT_URL"
  if ! told=$(sh -c "$RESTART" 9>&- </dev/null 2>&1); then
    why="\`$RESTART\` failed: $told"
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
}

last_words() {
  if [ -n "$LOG" ]; then
    sh -c "$LOG" 9>&- </dev/null 2>&1 | tail -n 20
    return
  fi
  newest=$(find "$plugins/../logs" -maxdepth 1 -name '*.log' -exec ls -t {} + 2>/dev/null | head -n 1)
  if [ -n "$newest" ]; then
    tail -n 20 "$newest"
  else
    say "(none in $plugins/../logs: a command that shows XNAT's log can be given in viewer_plugin.log)"
  fi
}
