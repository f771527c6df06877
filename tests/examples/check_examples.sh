#!/bin/sh
# Does every prompt of examples/tasks do what examples/expected.tsv says?
#
# Plays the pipeline with git and sh only: takes the diff blocks of a prompt,
# applies them one after the other to a repository made from examples/site and
# runs its checks and its build. Usage: check_examples.sh EXAMPLES
set -eu
LC_ALL=C
GIT_CONFIG_GLOBAL=/dev/null
GIT_CONFIG_NOSYSTEM=1
export LC_ALL GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM
examples=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
site=$scratch/site
mistakes=0

complain() {
  echo "not ok - $*"
  mistakes=$((mistakes + 1))
}

checks_pass() {
  (cd "$site" && sh tests/run.sh && sh tests/lint.sh && sh tests/schema-drift.sh) \
    >"$scratch/checks.log" 2>&1
}

git_in_site() {
  git -C "$site" "$@"
}

# Writes the diff blocks of a prompt to $scratch/block.1, .2, …
cut_blocks() {
  rm -f "$scratch"/block.*
  tr -d '\r' <"$1" | awk -v out="$scratch/block." '
    /^```diff$/ { inside = 1; ++n; next }
    /^```/      { inside = 0 }
    inside      { print > (out n) }'
}

# Whether a block touches a name that is protected; `allow:` lifts .gitignore.
touches_protected() {
  names='(^|/)(\.env[^/]*|netlify\.toml|\.npmrc|scheduler\.toml)$'
  grep -q '^allow: \[\.gitignore\]' "$1" || names="$names|(^|/)\.gitignore$"
  sed -n 's/^+++ b\///p; s/^--- a\///p' "$scratch"/block.* | grep -Eq "$names"
}

is_task_name() {
  printf '%s\n' "$1" | grep -Eq '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
}

# Sets `state` and `rounds` for a prompt.
play() {
  state=stopped
  rounds=1
  if ! is_task_name "$2"; then
    state=left-out
    rounds=0
    return
  fi
  cut_blocks "$1"
  grep -q '^refuse: ' "$1" && return
  [ -f "$scratch/block.1" ] || return 0
  touches_protected "$1" && return
  git_in_site reset -q --hard
  git_in_site clean -fdxq
  if ! git_in_site apply --index "$scratch/block.1" 2>/dev/null; then
    if git_in_site apply --reverse --check "$scratch/block.1" 2>/dev/null; then
      state=no-change
    fi
    return
  fi
  until checks_pass; do
    rounds=$((rounds + 1))
    state=parked
    [ -f "$scratch/block.$rounds" ] || return 0
    git_in_site apply --index "$scratch/block.$rounds" || return 0
  done
  state=done
  (cd "$site" && sh build.sh >/dev/null && [ -f dist/index.html ]) || state=build-failed
}

cp -R "$examples/site" "$site"
rm -rf "$site/dist"
git_in_site init -q
git_in_site add -A
git_in_site -c user.name=check -c user.email=check@example.org commit -qm base
checks_pass || {
  cat "$scratch/checks.log"
  complain "the site's own checks are red"
}

tab=$(printf '\t')
count=0
for prompt in "$examples"/tasks/*.md; do
  task=$(basename "$prompt" .md)
  count=$((count + 1))
  wanted=$(grep "^$task$tab" "$examples/expected.tsv") || wanted="no line"
  play "$prompt" "$task"
  found="$task$tab$state$tab$rounds"
  if [ "$wanted" = "$found" ]; then
    echo "ok - $task: $state, $rounds"
  else
    complain "$task: expected.tsv says '$wanted', git and sh say '$found'"
  fi
  grep -qF "\`$task.md\`" "$examples/README.md" || complain "$task is not in README.md"
done

lines=$(wc -l <"$examples/expected.tsv")
[ "$lines" -eq "$count" ] || complain "expected.tsv has $lines lines for $count prompts"

# What the prompts are meant to show beside their end.
[ "$(wc -c <"$examples/tasks/Nicer-Please.md")" -eq 25 ] || complain "Nicer-Please.md: not 25 bytes"
[ "$(wc -c <"$examples/tasks/Accessibility-Pass.md")" -gt 20480 ] ||
  complain "Accessibility-Pass.md: not above 20 KiB"
[ "$(tr -dc '\r' <"$examples/tasks/Spring-Menu.md" | wc -c)" -eq \
  "$(wc -l <"$examples/tasks/Spring-Menu.md")" ] || complain "Spring-Menu.md: not all CRLF"

exit "$((mistakes > 0))"
