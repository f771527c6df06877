#include "bench/fake_service.hpp"

#include "bench/report.hpp"

#include <utility>

namespace bench {

fake_service::fake_service(std::vector<std::string> arguments)
    : server_(std::move(arguments)) {
  if (!server_.is_up())
    give_up("the fake AI server does not start: " + server_.why());
}

fake_service::counts fake_service::asked() const {
  auto all = server_.counters();
  if (!all.is_object())
    give_up("the fake AI server does not tell what it was asked");
  counts c;
  c.in_flight_max = all.value("in_flight_max", std::uint64_t{0});
  for (auto& [status, n] : all["statuses"].items())
    (status == "200"   ? c.answered
     : status == "429" ? c.refused
                       : c.other) += n.get<std::uint64_t>();
  return c;
}

double fake_service::end() {
  auto before = children_cpu_s();
  server_.end();
  return children_cpu_s() - before;
}

} // namespace bench
