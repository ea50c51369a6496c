#!/bin/sh
# Turn the history into blocks of Prometheus, the newest day first, once. Runs in the image of
# Prometheus, which notices new blocks within a minute:
#
#   blocks.sh HISTORY DATA
set -eu
history=$1
data=$2
[ -e "$history/done" ] || exit 0
[ ! -e "$data/history-done" ] || exit 0
# shellcheck disable=SC2010,SC2012 # names are dates
ls -r "$history" | grep '\.om$' | while read -r name; do
  promtool tsdb create-blocks-from --max-block-duration=24h openmetrics "$history/$name" "$data"
done
touch "$data/history-done"
