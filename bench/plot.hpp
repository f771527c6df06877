// plot.hpp -- a chart as SVG.
//
// A *chart* has curves of cost against a number, which is drawn to a logarithmic
// scale; the cost's scale begins at 0.
//
// Pure: from figures to text.

#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

struct curve {
  std::string name;
  std::vector<std::pair<double, double>> points; ///< Number, and cost there; ascending.
};

struct chart {
  std::string title, number, cost; ///< What the axes are of.
  std::vector<curve> curves;       ///< At least one with a point; at most four.
};

std::string svg_of(const chart& c);

} // namespace bench
