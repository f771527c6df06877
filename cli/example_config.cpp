#include "cli/config_file.hpp"

namespace cli {

namespace {

// Lines that begin with "# " and hold a key are that key's default: the test
// takes the marks away and expects the same configuration.
constexpr const char* example =
    R"(# What the scheduler does in this repository. Durations: "500ms", "30s", "20m", "2h".

[repo]
# base = "HEAD"                      # the commit that tasks start from
# prompts = "docs/ai-gated/prompt"   # where the prompts live
# worktrees = ""                     # absolute; empty: $XDG_CACHE_HOME/scheduler/...

# Who plays which part. "offline" asks no model: the prompt carries its change
# as a ```diff block, and every gate is judged by machine. A model instead:
#   provider = "claude"              # a table of [providers] below
#   fallback = ["claude-code"]       # who goes on where the first cannot
[roles.gemini]
provider = "offline"

[roles.claude]
provider = "offline"

[roles.codex]
provider = "offline"

# What asks a service or starts a tool, by any name. docs/CONFIGURATION.md has
# every kind and key.
#   [providers.claude]
#   kind = "anthropic"
#   model = "…"
#   api_key_env = "ANTHROPIC_API_KEY"          # the variable's name, never its value
#   price = { input = 3.0, output = 15.0 }     # US dollars for a million tokens

# What may be spent, in US dollars; without it, there is no limit.
[budget]
#   run_usd = 20.0
#   task_usd = 2.0

# Each check is a shell command, run on a clean checkout of exactly what would
# be committed. It passes if it exits 0. To fail on a word in the output too:
#   lint = { command = "make lint", fail_on = "warning:" }
# lint and schema_drift may be "none"; that is written into every record.
[checks]
test = "make test"
lint = "none"
schema_drift = "none"
# setup = "make deps"                # first; if it fails, all is red
# timeout = "20m"                    # for each command
# network = false

# Globs over repository paths. A prompt's `allow:` may lift `protected` for its
# own task. .git, .env*, key files, scheduler.toml and the ledger are always
# protected and need not be named.
[scope]
# protected = [".gitignore", "netlify.toml", ".npmrc", ".github/**", ".gitlab-ci.yml"]
# schema = []                        # changing these needs "Schema changes: YES"
# secrets = [".env*", "**/.env*"]    # what stands in these files is redacted everywhere

[limits]
# tasks_in_flight = 64
# checks_at_once = 0                 # 0: one set per processor
# tries = 3                          # attempts of one step in one round
# fix_rounds = 5
# patience = "10m"                   # with what is unavailable, in a row
# restarts = { intensity = 3, period = "60s" }
# turns = 60                         # answers of a model in one conversation,
# conversation_bytes = 16777216      # all that is said in it,
# conversation_time = "1h"           # and how long it takes

[sandbox]
# kind = "bwrap"                     # "none" where bubblewrap cannot work
# read_only = []                     # folders of tools, such as "~/.nvm", "~/.pyenv"
# accept_unsandboxed = false         # with "none": tools of models may change code all the same

# Where every task waits for `scheduler approve TASK`. A prompt may ask for it too.
[approve]
# implement = false                  # before any code is written
# deploy = false                     # before the change is committed and deployed

# Finished tasks land on one branch, tested together, or each has a pull request.
# With "none" each stays on a branch of its own.
[landing]
# mode = "none"                      # or "branch", "pr"
# With mode = "branch":
#   branch = "main-next"             # one that is checked out nowhere
#   push = "origin"                  # the remote that it is pushed to; without it nowhere
#   review = "tree"                  # or "patch": a review holds for the same patch on another tree
#   update_checkout = false          # it may be checked out, and that folder follows
#   train = 8                        # tasks that are tried on one another at once
# With mode = "pr":
#   push = "origin"
#   command = "sh open-pull-request.sh"
#   token_env = "FORGE_TOKEN"        # the variable that only this command sees

# kind: "none", "directory" (publishes to <directory>/<TASK>/<id>), "netlify" (its
# tool), "netlify-api" (without its tool) or "command".
[deploy]
# kind = "none"
# build = ""                         # shell command; empty: nothing to build
# publish = "dist"                   # the folder that the build leaves
# build_network = false
# context = "deploy-preview"         # or "branch-deploy", "production"
# With kind = "directory":
#   directory = "../published"
# With kind = "command":
#   command = "/usr/local/bin/deploy-site"
#   token_env = "DEPLOY_TOKEN"       # the variable that only the deploy sees
# With kind = "netlify" or "netlify-api":
#   site_id_env = "NETLIFY_SITE_ID"  # the variables' names, never their values
#   token_env = "NETLIFY_AUTH_TOKEN"
#   timeout = "20m"                  # of one deploy; without it that of the checks
)";

} // namespace

std::string example_config() {
  return example;
}

} // namespace cli
