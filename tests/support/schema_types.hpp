// Schema types: structs with every kind of member, and some that may not be shared.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <shm.hpp>

enum class mode : std::uint8_t { idle, busy };

/// Opaque: nothing tells of private members.
class blind {
 public:
  double seen() const { return unseen_; }

 private:
  double unseen_ = 0;
};

struct inner {
  BOOST_HANA_DEFINE_STRUCT(inner, (float, x), (std::int16_t, y));
};

struct every_kind {
  using three = std::array<inner, 3>;
  using text = std::array<char, 12>;
  using matrix = std::array<std::array<int, 3>, 2>;
  BOOST_HANA_DEFINE_STRUCT(every_kind, (bool, flag), (char, letter), (std::int8_t, tiny),
                           (mode, mode_now), (inner, one), (three, many), (text, name),
                           (matrix, grid), (long long, large), (long double, longest),
                           (blind, hidden));
};

struct c_style {
  char name[12];
  float v[3];
  const int fixed;
  int grid[2][3];
};
BOOST_HANA_ADAPT_STRUCT(c_style, name, v, fixed, grid);

struct with_constructor {
  int a;
  double b;
  with_constructor();
};
BOOST_HANA_ADAPT_STRUCT(with_constructor, a, b);

struct with_pointer {
  BOOST_HANA_DEFINE_STRUCT(with_pointer, (int, a), (inner*, b));
};

struct one_forgotten {
  int a;
  double b;
};
BOOST_HANA_ADAPT_STRUCT(one_forgotten, a);

struct out_of_order {
  int a;
  float b;
};
BOOST_HANA_ADAPT_STRUCT(out_of_order, b, a);
