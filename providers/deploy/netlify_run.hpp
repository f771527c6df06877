// netlify_run.hpp -- one deploy through the REST API, from wherever it stands to
// its end.
//
// A *run* is one try to have one request deployed. It *adopts* a deploy of the
// request's title that is ready, *goes on* with one that was begun, and *makes*
// one where there is none.
//
//   1. It never makes a deploy while it is not known whether there is one.
//   2. A deploy that passes its time, or whose files the service does not take,
//      is cancelled. One that is left because the program ends, or the service
//      cannot be reached, is not: the next run goes on with it.
//   3. No deploy without id and URL is a success.
//   4. Of several unfinished deploys of one title the oldest is gone on with,
//      and the others are cancelled.
//
// Private to providers/deploy.

#pragma once

#include "providers/deploy/netlify_folder.hpp"
#include "providers/deploy/netlify_service.hpp"

#include <optional>
#include <string>
#include <vector>

namespace providers::netlify {

class run {
public:
  run(service& s, const deploy_request& r, placing where, deadline until)
      : service_(s)
      , request_(r)
      , where_(std::move(where))
      , until_(until) {}

  /// What is ready; not ok: nothing is.
  ledger::result<ledger::deploy_outcome> adopt();
  /// Adopts or goes on. Nothing: there is none, or none that can be gone on with.
  ledger::result<std::optional<ledger::deploy_outcome>> go_on(const folder_files& files);
  ledger::result<ledger::deploy_outcome> make(const folder_files& files);

  /// How the request's newest deploy ended, if it did; not ok: the change's
  /// fault. Nothing: there is none, it was cancelled, or it is unfinished.
  ledger::result<std::optional<ledger::deploy_outcome>> what_became();

  /// What was done, a line each, without secrets.
  std::string log() const;

private:
  using ended = ledger::result<ledger::deploy_outcome>;

  ledger::result<std::optional<status>> choose(std::vector<status> ours);
  ledger::result<std::optional<ledger::deploy_outcome>> go_on_with(status s,
                                                                   const folder_files& files);
  ended finish(status s, const folder_files& files);
  ledger::result<void> upload_required(const status& s, const folder_files& files,
                                       std::optional<ledger::deploy_outcome>& refused);
  ledger::result<status> wait_while(status s, stage last);
  ended outcome_of(const status& s, bool adopted);
  ledger::deploy_outcome refused_by_service(const std::string& why);
  void say(std::string line);

  service& service_;
  const deploy_request& request_;
  placing where_;
  deadline until_;
  std::string log_;
};

} // namespace providers::netlify
