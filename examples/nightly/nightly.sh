#!/bin/sh
# A night of a suite by cron, with a mail when it does not pass. Change the four values, make it executable, and add to
# `crontab -e`:
#
#   15 2 * * *  /srv/evaluation/nightly.sh
#
# Exit status: 0 PASS, WARN or no baseline yet; 1 BLOCK; 2 refused; 3 INCONCLUSIVE; 4 NOT COMPARABLE.
set -u

FOLDER=/srv/evaluation # with suite.yaml; runs/ and baseline/ are made here
NAME=demo              # as `name` in the suite
MAIL_TO=team@example.org
PATH=/srv/evaluation/venv/bin:/usr/local/bin:/usr/bin:/bin

cd "$FOLDER" || exit 2
LOG=$(mktemp) || exit 2
trap 'rm -f "$LOG"' EXIT

harness nightly suite.yaml --baseline "baseline/$NAME" --keep 60 >"$LOG" 2>&1
CODE=$?
harness prune runs --keep 60 --cache-below 20GB >>"$LOG" 2>&1

if [ "$CODE" -ne 0 ]; then
  case $CODE in
    1) VERDICT=BLOCK ;;
    3) VERDICT=INCONCLUSIVE ;;
    4) VERDICT="NOT COMPARABLE" ;;
    *) VERDICT="failed ($CODE)" ;;
  esac
  SUMMARY="runs/$NAME/nightly/summary.md"
  [ -f "$SUMMARY" ] || SUMMARY=$LOG
  mail -s "nightly $NAME: $VERDICT" "$MAIL_TO" <"$SUMMARY"
fi
exit "$CODE"
