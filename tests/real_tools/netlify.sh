#!/bin/sh
# Runs batches with deploy.kind = "netlify", the vendor's own tool, against the
# fake Netlify. Not part of the tests: it needs the tool, which npm installs.
#
#   npm install --ignore-scripts --prefix FOLDER netlify-cli@26.2.0
#   tests/real_tools/netlify.sh FOLDER
#
# All of it runs in a network namespace that has loopback only: no telemetry and
# no update leaves the machine. Needs root, iproute2, bubblewrap and a build in
# build/release; curl and python3 too. Three batches, each against a server of its own:
#
#   1. Two tasks, built in the sandbox by `netlify build --offline`, deployed by
#      `netlify deploy`; then the same batch again, which does nothing.
#   2. The scheduler is killed right after the tool began a deploy; the next run
#      must finish that very deploy.
#   3. The service refuses the files; the task must go into a fix round.
#
# Every expectation is checked; what was said lies in the folder that is named
# at the end.
set -eu

tools=$(cd "${1:?name the folder that npm installed into}" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
if [ -z "${IN_NAMESPACE:-}" ]; then
  exec env IN_NAMESPACE=1 unshare -n "$0" "$tools"
fi
ip link set lo up

work=$(mktemp -d /tmp/real-netlify.XXXXXX)
scheduler=$top/build/release/cli/scheduler
fake=
trap '[ -z "$fake" ] || kill "$fake"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null PATH="$tools/node_modules/.bin:$PATH"
unset NETLIFY_AUTH_TOKEN NETLIFY_SITE_ID NETLIFY_API_URL

say() { printf '\n== %s\n' "$*"; }
die() {
  echo "FAILED: $*; see $work" >&2
  exit 1
}
ask() { curl --silent "$NETLIFY_API_URL/$1"; }

# The server of a case, with its options, and a repository to deploy.
begin() {
  name=$1
  shift
  [ -z "$fake" ] || kill "$fake"
  mkdir "$work/$name"
  cd "$work/$name"
  "$top/build/release/tests/fake_netlify/fake_netlify" --port 0 --port-file port \
    --kill-pid-file pid --watch a-token-of-some-length "$@" >fake.log 2>&1 &
  fake=$!
  while [ ! -e port ]; do
    kill -0 "$fake"
  done
  export NETLIFY_API_URL="http://127.0.0.1:$(cat port)" NETLIFY_SITE_ID=site-1 \
    NETLIFY_AUTH_TOKEN=a-token-of-some-length XDG_STATE_HOME="$PWD/state" XDG_CACHE_HOME="$PWD/cache"
  cp -R "$top/examples/site" site
  mkdir tasks
  cat >site/scheduler.toml <<TOML
[roles.gemini]
provider = "offline"
[roles.claude]
provider = "offline"
[roles.codex]
provider = "offline"
[checks]
test = "sh tests/run.sh"
lint = "none"
schema_drift = "none"
[limits]
patience = "20s"
[sandbox]
read_only = ["$tools"]
[deploy]
kind = "netlify"
publish = "dist"
context = "branch-deploy"
timeout = "2m"
TOML
  cd site
  git -c init.defaultBranch=main init --quiet
  git add --all
  git -c user.name=Try -c user.email=try@example.invalid commit --quiet -m 'The example site'
}

# A task that adds a page.
task() {
  cat >"../tasks/$1.md" <<MD
Add a page \`src/$1.txt\`.

\`\`\`diff
diff --git a/src/$1.txt b/src/$1.txt
new file mode 100644
--- /dev/null
+++ b/src/$1.txt
@@ -0,0 +1 @@
+Rye by $1.
\`\`\`
MD
}

# run CODE: a batch that must end with it.
run() {
  code=0
  sh -c 'echo $$ >../pid; exec "$0" --tasks ../tasks' "$scheduler" || code=$?
  [ "$code" = "$1" ] || die "exit code $code instead of $1"
}

# count KEY...: what GET /count says at a path of keys.
count() {
  ask count | python3 -c 'import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value.get(key, 0)
print(value)' "$@"
}

expect() {
  [ "$2" = "$3" ] || die "$1: $2 instead of $3"
  echo "as expected: $1: $2"
}

say "1: two tasks"
begin plain
task One
task Two
"$scheduler" doctor || true
run 0
run 0
expect "deploys" "$(count deploys)" 2
expect "deploys that are ready" "$(count states ready)" 2
cat .ai-stack-trace/One/final/build.log .ai-stack-trace/One/final/deploy.log
cat .ai-stack-trace/One/final/status.json
grep -q '"context": "branch-deploy"' .ai-stack-trace/One/final/status.json || die "the context"
grep -q '"deployUrl": "https://ai-one--' .ai-stack-trace/One/final/status.json || die "the URL"
! grep -rq a-token-of-some-length .ai-stack-trace || die "the token is in the ledger"
! ask log | grep -q '"elsewhere":\["a-token' || die "the token is where it does not belong"

say "2: killed behind the beginning of a deploy"
begin killed --fault create#1=kill
task One
run 137
run 0
expect "deploys" "$(count deploys)" 1
expect "deploys that are ready" "$(count states ready)" 1
cat .ai-stack-trace/One/final/deploy.log

say "3: refused files"
begin refused --fault 'update#*=status-422'
task One
run 1
expect "deploys that are ready" "$(count states ready)" 0
"$scheduler" status
grep -r Unprocessable .ai-stack-trace/One/final || die "the tool's words are not kept"

say "all of it: $work"
