#!/bin/sh
# The form of the files: no tabs, no trailing blanks, a newline at the end, and
# as many closing tags as opening ones.
set -u
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/.." || exit 2
failed=0

report() {
  if [ -z "$2" ]; then
    echo "ok - $1"
  else
    echo "not ok - $1"
    printf '%s\n' "$2" | sed 's/^/  /'
    failed=1
  fi
}

files=$(find src data schema tests build.sh README.md -type f | sort)
tab=$(printf '\t')

# shellcheck disable=SC2086 # The names hold no blanks; the next line sees to it.
report "no name has blanks" "$(printf '%s\n' "$files" | grep '[ ]')"
report "no tabs" "$(grep -n "$tab" $files)"
report "no trailing blanks" "$(grep -n ' $' $files)"
report "no carriage returns" "$(grep -l "$(printf '\r')" $files)"

offenders=
for file in $files; do
  [ -z "$(tail -c 1 "$file")" ] || offenders="$offenders
$file"
done
report "every file ends with a newline" "$offenders"

opened=$(grep -o '<[a-z][a-z0-9]*' src/*.html | grep -Ev ':<(meta|link|br|img|hr|input)$' |
  sed 's/:</ /' | sort)
closed=$(grep -o '</[a-z][a-z0-9]*' src/*.html | sed 's/:<\// /' | sort)
offenders=
if [ "$opened" != "$closed" ]; then
  offenders=$(printf '%s\n%s\n' "$opened" "$closed" | sort | uniq -c |
    sed -n 's/^ *[0-9]*[13579] \(.*\)$/\1 is not closed, or closed twice/p')
  [ -n "$offenders" ] || offenders="opening and closing tags differ"
fi
report "every tag is closed" "$offenders"

exit "$failed"
