// Plain structs: without a list the compiler itself says what the members are, where it can.
// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <array>
#include <optional>
#include <shm.hpp>
#include <variant>

#include "support/catch.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"

using shm::detail::broken_rule;
using shm::detail::member_count;
using shm::detail::sharing_rule;

namespace {

enum class gear : std::uint8_t { neutral, first };

struct wheel {
  float pressure;
  std::uint8_t size[3];
};
struct car {
  double speed;
  gear selected;
  wheel wheels[4];
  std::array<std::int16_t, 2> torque;
  char label[12];
  bool on;
};

/// The same, with lists.
struct listed_wheel {
  float pressure;
  std::uint8_t size[3];
};
struct listed_car {
  double speed;
  gear selected;
  listed_wheel wheels[4];
  std::array<std::int16_t, 2> torque;
  char label[12];
  bool on;
};

struct with_union {
  int kind;
  union {
    int whole;
    float part;
  };
};
struct nothing {};
struct of_many_kinds {
  std::optional<int> maybe;
  std::variant<int, float> either;
  nothing tag;
  const int fixed = 3;
  alignas(64) int apart = 0;
};
struct holder_of_pointer {
  std::variant<int, const char*> either;
};
class without_default {
 public:
  explicit without_default(int) {}
};
struct of_69 {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w;
  int a1, b1, c1, d1, e1, f1, g1, h1, i1, j1, k1, l1, m1, n1, o1, p1, q1, r1, s1, t1, u1, v1, w1;
  int a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2, o2, p2, q2, r2, s2, t2, u2, v2, w2;
};
struct of_70 {
  int first;
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w;
  int a1, b1, c1, d1, e1, f1, g1, h1, i1, j1, k1, l1, m1, n1, o1, p1, q1, r1, s1, t1, u1, v1, w1;
  int a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2, o2, p2, q2, r2, s2, t2, u2, v2, w2;
};

template <int Depth>
struct nested {
  using inside = nested<Depth - 1>;
  BOOST_HANA_DEFINE_STRUCT(nested, (inside, in));
};
template <>
struct nested<0> {
  BOOST_HANA_DEFINE_STRUCT(nested, (int, n));
};

}  // namespace

BOOST_HANA_ADAPT_STRUCT(listed_wheel, pressure, size);
BOOST_HANA_ADAPT_STRUCT(listed_car, speed, selected, wheels, torque, label, on);
BOOST_HANA_ADAPT_STRUCT(with_union, kind, whole);

static_assert(member_count<car> == 6 && member_count<of_69> == 69 && member_count<of_70> == 70);
static_assert(member_count<struct stat> > 10 && shm::is_shareable_v<struct stat>);
static_assert(shm::is_shareable_v<of_69> && broken_rule<of_70> == sharing_rule::few_members);
static_assert(shm::is_shareable_v<with_union> && shm::is_shareable_v<of_many_kinds>);
static_assert(shm::is_shareable_v<nothing> && shm::is_shareable_v<without_default>);
static_assert(!shm::is_shareable_v<holder_of_pointer>);

TEST_CASE("a plain struct has the description of the same struct with a list, from C++20 on") {
  CHECK(shm::schema_of<listed_car>().format() ==
        "T{<d:speed:B:selected:3x(4)T{<f:pressure:(3)B:size:x}:wheels:(2)<h:torque:12s:label:?:on:"
        "3x}");
  if constexpr (shm::detail::names_are_known) {
    CHECK(shm::schema_of<car>() == shm::schema_of<listed_car>());
  } else {
    CHECK(shm::schema_of<car>().format() == std::to_string(sizeof(car)) + "x");
  }
}

TEST_CASE("a list describes what cannot be taken apart") {
  CHECK(shm::schema_of<with_union>().format() == "T{<i:kind:<i:whole:}");
}

#if __cplusplus >= 202002L
TEST_CASE("a member that holds nothing may lie where another one lies") {
  struct overlapping {
    [[no_unique_address]] nothing tag;
    int x;
  };
  CHECK(shm::schema_of<overlapping>().format() == "T{<i:x:}");
}
#endif

TEST_CASE("a type of more fields than a segment can tell is refused") {
  struct deep {
    std::array<of_69, 2> a;
  };
  CHECK(shm::schema_of<deep>().size() == sizeof(deep));
  CHECK(support::refusal_of([] { shm::schema_of<nested<17>>(); }).code() ==
        std::errc::invalid_argument);
}

TEST_CASE("a program that does not know the members is told how to list them") {
  const support::name name;
  const shm::object<listed_car> described(name);
  if constexpr (shm::detail::names_are_known) {
    const shm::object<car> plain(name);
    CHECK(plain.load().speed == 0);
  } else {
    const auto refusal = support::refusal_of([&] { const shm::object<car> plain(name); });
    CHECK(refusal.code() == shm::errc::type_mismatch);
    CHECK_THAT(refusal.what(), ContainsSubstring("BOOST_HANA_ADAPT_STRUCT"));
  }
}
