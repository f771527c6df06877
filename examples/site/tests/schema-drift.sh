#!/bin/sh
# Every row of data/NAME.json carries exactly the fields that schema/NAME.json
# lists, in that order and of that type; no file is without its partner.
set -u
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/.." || exit 2
failed=0

for data in data/*.json; do
  [ -f "schema/${data#data/}" ] || {
    echo "not ok - $data has no schema"
    failed=1
  }
done

for schema in schema/*.json; do
  data=data/${schema#schema/}
  if [ ! -f "$data" ]; then
    echo "not ok - $schema has no data"
    failed=1
    continue
  fi
  # Both become lines of `field=type`.
  wanted=$(sed -n 's/^  "\([a-z_]*\)": "\([a-z]*\)",\{0,1\}$/\1=\2/p' "$schema" | tr '\n' ' ')
  found=$(sed -n 's/^ *{\(.*\)},\{0,1\}$/\1/p' "$data" |
    sed 's/"\([a-z_]*\)": "[^"]*"/\1=text/g
s/"\([a-z_]*\)": [0-9][0-9]*/\1=number/g
s/"\([a-z_]*\)": true/\1=flag/g
s/"\([a-z_]*\)": false/\1=flag/g
s/, / /g
s/$/ /' | sort -u)
  if [ "$found" = "$wanted" ]; then
    echo "ok - $data follows $schema"
  else
    echo "not ok - $data does not follow $schema"
    printf '  wanted: %s\n' "$wanted"
    printf '%s\n' "$found" | sed 's/^/  found:  /'
    failed=1
  fi
done

exit "$failed"
