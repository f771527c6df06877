#!/bin/sh
# Assembles dist/ from src/ and data/. A page's line `<!-- list: NAME -->`
# becomes a list of the rows of data/NAME.json.
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")"

rows() {
  echo '      <ul>'
  sed -n 's/^ *{\(.*\)},\{0,1\}$/\1/p' "data/$1.json" |
    sed 's/"[a-z_]*": //g; s/"//g; s/^/        <li>/; s/$/<\/li>/'
  echo '      </ul>'
}

rm -rf dist
cp -R src dist
for page in dist/*.html; do
  lists=$(sed -n 's/^ *<!-- list: \([a-z]*\) -->$/\1/p' "$page")
  for list in $lists; do
    rows "$list" >dist/.rows
    sed "/<!-- list: $list -->/{
r dist/.rows
d
}" "$page" >dist/.page
    mv dist/.page "$page"
    rm dist/.rows
  done
done
echo "built $(find dist -type f | wc -l | tr -d ' ') files"
