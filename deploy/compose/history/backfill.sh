#!/bin/sh
# Write the demo's past as OpenMetrics, once. Runs in the image of the exporter:
#
#   backfill.sh demo DIRECTORY
#
# With another command than `demo` it does nothing: a backfill of your own orgs takes thousands of
# requests, so it is yours to start (docs/backfill.md).
set -eu
command=$1
directory=$2
[ "$command" = demo ] || exit 0
[ ! -e "$directory/done" ] || exit 0

# The demo's data depends on its seed and the date alone, so this platform and that of the demo agree.
platform=$(mktemp)
iblai-exporter simulate --listen-address "${PLATFORM_ADDRESS:-127.0.0.1:10881}" >"$platform" &
trap 'kill $!; rm "$platform"' EXIT
until grep -q "^orgs:" "$platform"; do
  kill -0 $!
  sleep 0.2
done

# Everything that the demo shows, one sample per hour: Prometheus looks back that far
# (--query.lookback-delta).
IBLAI_EXTRAS=learning,agents,costs,usage iblai-exporter backfill --config "$platform" --api.rate-limit 1000 \
  --start "$(date -d "-${DAYS:-365} days" +%F)" --step 1h \
  --label job=iblai --label instance=exporter:10880 --output "$directory/"
touch "$directory/done"
