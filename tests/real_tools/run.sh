#!/bin/sh
# Runs the vendors' real command line tools, each in its role, against the fake
# AI server. Not part of the tests: it needs the tools, which npm installs.
#
#   npm install --ignore-scripts --prefix FOLDER \
#     @openai/codex @google/gemini-cli @anthropic-ai/claude-code
#   node FOLDER/node_modules/@anthropic-ai/claude-code/install.cjs
#   tests/real_tools/run.sh FOLDER
#
# All of it runs in a network namespace that has loopback only: no telemetry and
# no update leaves the machine. Needs root, iproute2, bubblewrap and a build in
# build/release. What was said lies in the folder that is named at the end.
set -eu

tools=$(cd "${1:?name the folder that npm installed into}" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
if [ -z "${IN_NAMESPACE:-}" ]; then
  exec env IN_NAMESPACE=1 unshare -n "$0" "$tools"
fi
ip link set lo up

work=$(mktemp -d /tmp/real-tools.XXXXXX)
cp -R "$top/examples/site" "$work/site"
mkdir "$work/tasks"
printf 'Add a sentence about rye bread to `src/about.html`.\n' > "$work/tasks/Rye.md"
cp -R "$top/tests/real_tools/script" "$work/script"

"$top/build/release/tests/fake_ai/fake_ai" --port 0 --port-file "$work/port" \
  --script "$work/script" > "$work/fake.log" 2>&1 &
fake=$!
trap 'kill $fake' EXIT
while [ ! -e "$work/port" ]; do
  kill -0 $fake
done
url=http://127.0.0.1:$(cat "$work/port")

export GIT_CONFIG_GLOBAL=/dev/null
(
  cd "$work/site"
  git -c init.defaultBranch=main init --quiet
  git add --all
  git -c user.name=Try -c user.email=try@example.invalid commit --quiet -m 'The example site'
)
bin=$tools/node_modules/.bin
cat > "$work/scheduler.toml" <<TOML
[roles.gemini]
provider = "g"
[roles.claude]
provider = "a"
[roles.codex]
provider = "o"
[providers.g]
kind = "gemini-cli"
command = ["$bin/gemini"]
model = "gemini-2.5-pro"
base_url = "$url"
api_key_env = "GEMINI_API_KEY"
timeout = "2m"
price = { input = 0, output = 0 }
[providers.a]
kind = "claude-code"
command = ["$bin/claude"]
model = "claude-sonnet-4-5"
base_url = "$url"
api_key_env = "ANTHROPIC_API_KEY"
timeout = "2m"
price = { input = 0, output = 0 }
[providers.o]
kind = "codex-cli"
command = ["$bin/codex"]
model = "gpt-5"
base_url = "$url/v1"
api_key_env = "OPENAI_API_KEY"
timeout = "2m"
price = { input = 0, output = 0 }
[sandbox]
read_only = ["$tools"]
[checks]
test = "sh tests/run.sh"
lint = "none"
schema_drift = "none"
[deploy]
kind = "none"
TOML
export GEMINI_API_KEY=any-key-of-twelve ANTHROPIC_API_KEY=any-key-of-twelve \
  OPENAI_API_KEY=any-key-of-twelve XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache
scheduler=$top/build/release/cli/scheduler
cd "$work/site"
"$scheduler" doctor --config "$work/scheduler.toml" || true
"$scheduler" --tasks "$work/tasks" --config "$work/scheduler.toml" || true
"$scheduler" show Rye
echo "all of it: $work"
