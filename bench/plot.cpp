#include "bench/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

namespace bench {

namespace {

constexpr double width = 720, height = 440;
constexpr double left = 70, right = 20, top = 50, bottom = 60;
constexpr int steps_of_cost = 5;

// Apart for who does not see all colours alike as well (Okabe and Ito, 2008).
constexpr std::array<std::string_view, 4> colours{"#0072B2", "#D55E00", "#009E73", "#CC79A7"};

std::string escaped(std::string_view text) {
  std::string out;
  for (auto c : text)
    out += c == '<' ? std::string{"&lt;"} : c == '&' ? std::string{"&amp;"} : std::string(1, c);
  return out;
}

// 1, 2 or 5 times a power of ten, so that `steps_of_cost` of it reach `most`.
double round_step(double most) {
  auto least = most / steps_of_cost;
  auto power = std::pow(10.0, std::floor(std::log10(least)));
  for (auto factor : {1.0, 2.0, 5.0})
    if (factor * power >= least)
      return factor * power;
  return 10 * power;
}

struct scales {
  double first = 0, last = 0; ///< Logarithms of the numbers at the ends.
  double step = 0;

  double x(double number) const {
    auto share = last > first ? (std::log10(number) - first) / (last - first) : 0.5;
    return left + share * (width - left - right);
  }
  double y(double cost) const {
    return height - bottom - cost / (step * steps_of_cost) * (height - top - bottom);
  }
};

scales scales_of(const chart& c) {
  double least = 1e300, most = 0, highest = 0;
  for (auto& one : c.curves)
    for (auto& [number, cost] : one.points) {
      least = std::min(least, number);
      most = std::max(most, number);
      highest = std::max(highest, cost);
    }
  return {std::log10(least), std::log10(most), round_step(std::max(highest, 1e-9))};
}

std::string text(double x, double y, std::string_view anchor, std::string_view words) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(words));
}

std::string axes(const chart& c, const scales& s) {
  std::string out;
  for (int i = 0; i <= steps_of_cost; ++i) {
    auto y = s.y(i * s.step);
    out += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n",
                       left, width - right, y, y);
    out += text(left - 8, y + 4, "end", fmt::format("{:g}", i * s.step));
  }
  std::set<double> numbers;
  for (auto& one : c.curves)
    for (auto& point : one.points)
      numbers.insert(point.first);
  for (auto number : numbers)
    out += text(s.x(number), height - bottom + 20, "middle", fmt::format("{:g}", number));
  out += text((left + width - right) / 2, height - 15, "middle", c.number);
  out += text(left - 50, top - 12, "start", c.cost);
  return out;
}

std::string drawn(const curve& one, const scales& s, std::string_view colour) {
  std::string line, dots;
  for (auto& [number, cost] : one.points) {
    line += fmt::format("{:.1f},{:.1f} ", s.x(number), s.y(cost));
    dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", s.x(number),
                        s.y(cost), colour);
  }
  return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                     line, colour)
         + dots;
}

} // namespace

std::string svg_of(const chart& c) {
  auto s = scales_of(c);
  auto out = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
                         "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
                         "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
                         width, height);
  out += text(left, 20, "start", c.title) + axes(c, s);
  for (std::size_t i = 0; i < c.curves.size(); ++i) {
    auto colour = colours[i % colours.size()];
    out += drawn(c.curves[i], s, colour);
    auto x = left + 170 * static_cast<double>(i);
    out += fmt::format("<rect x=\"{}\" y=\"28\" width=\"10\" height=\"10\" fill=\"{}\"/>\n",
                       x + 120, colour);
    out += text(x + 135, 37, "start", c.curves[i].name);
  }
  return out + "</svg>\n";
}

} // namespace bench
