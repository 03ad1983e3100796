# shellcheck shell=sh
# Says where the jar is to be sent; nothing if it is there.

place() {
  find_plugins
  in_place || arrived_whole || say "$work/arrived"
}

place </dev/null
