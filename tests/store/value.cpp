// Value: objects begin value-initialised, whatever the way in which their type allows it.
// SPDX-License-Identifier: MIT
#include <array>
#include <initializer_list>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/names.hpp"
#include "support/watchdog.hpp"

namespace {

struct explicit_default {
  explicit explicit_default() = default;
  int number = 0;
};
struct with_explicit_member {  // {} cannot initialise the member, () can
  int before = 1;
  explicit_default inner;
};
struct with_const_member {  // () cannot initialise the member, {} can
  const int fixed;
  int free;
};
struct constant_with_default {
  const int fixed = 7;
  int free;
};
struct from_a_list {  // {} is not the list of no number
  from_a_list() = default;
  from_a_list(std::initializer_list<int> numbers) : count(static_cast<int>(numbers.size()) + 100) {}
  int count = 5;
};
class with_private_members {
 public:
  int sum() const { return first_ + second_; }

 private:
  int first_;
  int second_;
};
struct base {
  int inherited;
};
struct derived : base {
  std::array<int, 3> own;
};
union either {
  int number;
  float fraction;
};

}  // namespace

BOOST_HANA_ADAPT_STRUCT(with_explicit_member, before, inner);

namespace {

template <class T>
void check_first_value(bool (*is_right)(const T&)) {
  const support::name object_name, array_name;
  CHECK(is_right(shm::object<T>(object_name).load()));
  shm::array<T, 3> array(array_name);
  for (std::size_t i = 0; i < array.size(); ++i) CHECK(is_right(array.load(i)));
}

}  // namespace

TEST_CASE("an object begins value-initialised, whether its type wants braces or parentheses") {
  const support::watchdog watchdog;
  check_first_value<int>([](const int& v) { return v == 0; });
  check_first_value<with_explicit_member>(
      [](const with_explicit_member& v) { return v.before == 1 && v.inner.number == 0; });
  check_first_value<with_const_member>(
      [](const with_const_member& v) { return v.fixed == 0 && v.free == 0; });
  check_first_value<constant_with_default>(
      [](const constant_with_default& v) { return v.fixed == 7 && v.free == 0; });
  check_first_value<from_a_list>([](const from_a_list& v) { return v.count == 5; });
  check_first_value<with_private_members>(
      [](const with_private_members& v) { return v.sum() == 0; });
  check_first_value<derived>([](const derived& v) { return v.inherited == 0 && v.own[2] == 0; });
  check_first_value<either>([](const either& v) { return v.number == 0; });
}
