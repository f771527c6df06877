#include "tests/fake_netlify/site.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/sha.h>

namespace fake_netlify {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;

std::string with_slash(const std::string& path) {
  return path.starts_with("/") ? path : "/" + path;
}

bool is_digest(const json& j) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (!j.is_string())
    return false;
  auto text = j.get<std::string>();
  return text.size() == 40 && text.find_first_not_of(digits) == std::string::npos;
}

std::string text_in(const json& j, const char* key) {
  auto found = j.find(key);
  return found != j.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool flag_in(const json& j, const char* key) {
  auto found = j.find(key);
  return found != j.end() && found->is_boolean() && found->get<bool>();
}

bool is_over(const deploy& d) {
  return d.state == "ready" || d.state == "error";
}

} // namespace

std::string sha1_of(std::string_view bytes) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> sum{};
  ::SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), sum.data());
  std::string out;
  for (auto b : sum)
    out += fmt::format("{:02x}", static_cast<unsigned>(b));
  return out;
}

std::string rfc3339(std::int64_t unix_ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

void site::seed(std::uint64_t n, std::int64_t newest_ms) {
  for (std::uint64_t i = 0; i < n; ++i) {
    deploy d;
    d.id = fmt::format("{:024x}", ++serial_);
    d.title = fmt::format("Somebody's deploy {}", i + 1);
    d.state = "ready";
    d.created_at = rfc3339(newest_ms - static_cast<std::int64_t>(n - 1 - i) * hour_ms);
    deploys_.push_back(std::move(d));
  }
}

answered<deploy*> site::create(const std::string& title, const json& body, std::int64_t unix_ms) {
  deploy d;
  d.id = fmt::format("{:024x}", serial_ + 1);
  d.title = title;
  d.branch = text_in(body, "branch");
  d.draft = flag_in(body, "draft");
  d.created_at = rfc3339(unix_ms);
  if (body.contains("files"))
    if (auto ok = announce(d, body); !ok)
      return ok;
  ++serial_;
  deploys_.push_back(std::move(d));
  return &deploys_.back();
}

answered<deploy*> site::update(deploy& d, const json& body) {
  if (is_over(d))
    return tl::make_unexpected(no{422, "The deploy is over: " + d.state});
  return announce(d, body);
}

answered<deploy*> site::announce(deploy& d, const json& body) {
  auto files = body.find("files");
  if (files == body.end() || !files->is_object() || files->empty())
    return tl::make_unexpected(no{422, "files: a deploy needs some"});
  std::map<std::string, std::string> all;
  for (auto& [path, digest] : files->items()) {
    if (path.find_first_of("#?") != std::string::npos)
      return tl::make_unexpected(
          no{422, "Invalid filename " + path + ". Filenames cannot contain # or ? characters"});
    if (!is_digest(digest))
      return tl::make_unexpected(no{422, "files: no SHA-1 at " + path});
    all[with_slash(path)] = digest.get<std::string>();
  }
  d.files = std::move(all);
  d.required.clear();
  for (auto& [path, digest] : d.files)
    if (store_.count(digest) == 0)
      d.required.insert(digest);
  d.polls_left = options_.digest_polls;
  d.state = "preparing";
  if (!flag_in(body, "async"))
    went_on(d);
  return &d;
}

/// To `uploading`, `processing`, `ready` or `error`, as far as it can go.
void site::went_on(deploy& d) {
  if (!d.required.empty()) {
    d.state = "uploading";
    return;
  }
  if (d.state != "processing") {
    d.state = "processing";
    d.polls_left = options_.polls;
    return;
  }
  if (d.polls_left > 0) {
    --d.polls_left;
    return;
  }
  auto& bad = options_.error_title;
  if (!bad.empty() && d.title.find(bad) != std::string::npos)
    spoil(d);
  else
    d.state = "ready";
}

answered<deploy*> site::upload(deploy& d, const std::string& path, const std::string& bytes) {
  auto found = d.files.find(with_slash(path));
  if (found == d.files.end())
    return tl::make_unexpected(no{404, "No file " + path + " was announced"});
  if (is_over(d) || d.state == "preparing")
    return tl::make_unexpected(no{422, "Nothing is to be uploaded: " + d.state});
  if (sha1_of(bytes) != found->second)
    return tl::make_unexpected(
        no{422, fmt::format("{}: its SHA-1 is not {}", path, found->second)});
  store_[found->second] = bytes;
  d.required.erase(found->second);
  if (d.state == "uploading" || d.state == "prepared")
    went_on(d);
  return &d;
}

void site::poll(deploy& d) {
  if (d.state == "preparing") {
    if (d.polls_left > 0)
      --d.polls_left;
    else
      d.state = d.required.empty() ? "processing" : "prepared";
    return;
  }
  if (d.state == "processing")
    went_on(d);
}

void site::cancel(deploy& d) {
  if (is_over(d))
    return;
  d.state = "error";
  d.error_message = "Canceled";
}

void site::spoil(deploy& d) {
  d.state = "error";
  d.error_message = "Post processing failed: a header rule is wrong";
}

deploy* site::find(const std::string& id) {
  auto found = std::find_if(deploys_.begin(), deploys_.end(), [&](auto& d) { return d.id == id; });
  return found == deploys_.end() ? nullptr : &*found;
}

json site::list(std::uint64_t page, std::uint64_t per_page, bool& is_last) const {
  per_page = std::clamp<std::uint64_t>(per_page, 1, options_.page_max);
  auto first = (std::max<std::uint64_t>(page, 1) - 1) * per_page;
  auto out = json::array();
  for (auto i = first; i < std::min<std::uint64_t>(first + per_page, deploys_.size()); ++i)
    out.push_back(show(deploys_[deploys_.size() - 1 - i]));
  is_last = first + per_page >= deploys_.size();
  return out;
}

json site::show(const deploy& d) const {
  json j;
  j["id"] = d.id;
  j["site_id"] = options_.id;
  j["name"] = "a-site";
  j["state"] = d.state;
  j["title"] = d.title;
  j["draft"] = d.draft;
  j["branch"] = d.branch.empty() ? json(nullptr) : json(d.branch);
  j["context"] = d.draft ? "deploy-preview" : d.branch.empty() ? "production" : "branch-deploy";
  j["error_message"] = d.error_message.empty() ? json(nullptr) : json(d.error_message);
  j["created_at"] = d.created_at;
  j["required"] = d.state == "preparing" ? json(nullptr) : json(d.required);
  auto host = (d.branch.empty() ? d.id : d.branch) + "--a-site.netlify.example";
  j["deploy_url"] = "http://" + host;
  j["deploy_ssl_url"] = "https://" + host;
  j["url"] = "http://a-site.netlify.example";
  j["ssl_url"] = "https://a-site.netlify.example";
  j["admin_url"] = "https://app.netlify.example/sites/a-site";
  return j;
}

const std::string* site::content(const deploy& d, const std::string& path) const {
  auto file = d.files.find(with_slash(path));
  auto found = file == d.files.end() ? store_.end() : store_.find(file->second);
  return found == store_.end() ? nullptr : &found->second;
}

json site::counters() const {
  json out;
  out["deploys"] = deploys_.size();
  out["states"] = json::object();
  out["ready"] = json::object();
  for (auto& d : deploys_) {
    out["states"][d.state] = out["states"].value(d.state, 0) + 1;
    if (d.state == "ready")
      out["ready"][d.title] = out["ready"].value(d.title, 0) + 1;
  }
  return out;
}

} // namespace fake_netlify
