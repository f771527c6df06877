#!/bin/sh
# What must hold for the pages and their data. Prints one line a property.
set -u
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/.." || exit 2
failed=0

# report PROPERTY OFFENDERS: an empty list of offenders is a pass.
report() {
  if [ -z "$2" ]; then
    echo "ok - $1"
  else
    echo "not ok - $1"
    printf '%s\n' "$2" | sed 's/^/  /'
    failed=1
  fi
}

report "every page has a title" "$(grep -L '<title>..*</title>' src/*.html)"
report "every page has one main heading" \
  "$(grep -c '<h1>..*</h1>' src/*.html | grep -v ':1$')"

offenders=
for link in $(grep -Eo '(href|src)="[^"#:]*"' src/*.html |
  sed 's/^src\/\([^:]*\):[a-z]*="\(.*\)"$/\1:\2/' | sort -u); do
  [ -f "src/${link#*:}" ] || offenders="$offenders
${link%%:*} links to ${link#*:}"
done
report "every link leads to a file" "$offenders"

offenders=
links=$(grep -ho 'href="[^"]*"' src/*.html)
for page in src/*.html; do
  case $links in
    *"\"${page#src/}\""*) ;;
    *) offenders="$offenders
$page" ;;
  esac
done
report "every page is linked from a page" "$offenders"

offenders=
for list in $(sed -n 's/^ *<!-- list: \([a-z]*\) -->$/\1/p' src/*.html | sort -u); do
  [ -f "data/$list.json" ] || offenders="$offenders
data/$list.json"
done
report "every list has its data" "$offenders"

report "every price is above nothing" \
  "$(grep -En '"price_cents": (0|-)' data/menu.json)"
report "every day is there once" \
  "$(for day in Monday Tuesday Wednesday Thursday Friday Saturday Sunday; do
    [ "$(grep -c "\"day\": \"$day\"" data/hours.json)" = 1 ] || echo "$day"
  done)"

exit "$failed"
