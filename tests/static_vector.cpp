// Static vector: elements inside a struct, whose bounds hold whatever somebody wrote into its size.
// SPDX-License-Identifier: MIT
#include <cstring>
#include <iterator>
#include <shm.hpp>
#include <sstream>
#include <vector>

#include "support/catch.hpp"

namespace {

using numbers = shm::static_vector<int, 4>;

struct without_default {
  explicit without_default(int given) : value(given) {}
  int value;
};
struct pair {
  int a;
  int b;
};

std::vector<int> all_of(const numbers& of) {
  return {of.begin(), of.end()};
}

}  // namespace

static_assert(std::is_trivially_copyable_v<numbers> && sizeof(numbers) == 20);
static_assert(sizeof(shm::static_vector<double, 2>) == 24 && numbers::capacity() == 4);

TEST_CASE("a static vector is made, changed and compared as other vectors") {
  numbers some{1, 2, 3};
  CHECK((some.size() == 3 && !some.empty() && some.front() == 1 && some.back() == 3 &&
         some[1] == 2 && some.at(1) == 2));
  some.push_back(4);
  CHECK(some.size() == numbers::max_size());
  some.pop_back();
  CHECK(all_of(some) == std::vector{1, 2, 3});
  CHECK(*some.insert(some.begin() + 1, 9) == 9);
  CHECK(all_of(some) == std::vector{1, 9, 2, 3});
  CHECK(*some.erase(some.begin()) == 9);
  const auto behind = some.erase(some.begin() + 1, some.end());
  CHECK(behind == some.end());
  CHECK(all_of(some) == std::vector{9});
  const std::vector<int> more{5, 6};
  some.insert(some.begin(), more.begin(), more.end());
  CHECK(all_of(some) == std::vector{5, 6, 9});
  some.insert(some.end(), std::size_t{1}, 7);
  CHECK(std::vector<int>(some.rbegin(), some.rend()) == std::vector{7, 9, 6, 5});
  some.assign({3, 2});
  some.resize(3);
  CHECK(all_of(some) == std::vector{3, 2, 0});
  some.resize(4, 8);
  some.resize(1);
  CHECK(all_of(some) == std::vector{3});
  some.assign(std::size_t{2}, 6);
  CHECK(all_of(some) == std::vector{6, 6});
  some = {1};
  CHECK((some == numbers{1} && some != numbers{2} && some < numbers{2} && some <= numbers{1}));
  CHECK((numbers{2} > some && numbers{2} >= some));
  CHECK(all_of(numbers(2)) == std::vector{0, 0});
  CHECK(all_of(numbers(std::size_t{2}, 5)) == std::vector{5, 5});
  CHECK(all_of(numbers(more.begin(), more.end())) == more);
  some.clear();
  CHECK(some.empty());
}

TEST_CASE("a range that can be gone through only once fills a static vector, too") {
  std::istringstream stream("1 2 3");
  numbers some{std::istream_iterator<int>(stream), std::istream_iterator<int>()};
  CHECK(all_of(some) == std::vector{1, 2, 3});
  std::istringstream more("4 5");
  const auto insert_more = [&] {
    some.insert(some.begin(), std::istream_iterator<int>(more), std::istream_iterator<int>());
  };
  CHECK_THROWS_AS(insert_more(), std::length_error);
  CHECK(some.size() == some.capacity());
}

TEST_CASE("what does not fit into a static vector is refused, and changes nothing") {
  numbers some{1, 2, 3, 4};
  const std::vector<int> five(5);
  CHECK_THROWS_WITH(some.push_back(5), "shm::static_vector: 5 elements do not fit into 4");
  CHECK_THROWS_AS(some.insert(some.begin(), 5), std::length_error);
  CHECK_THROWS_AS(some.insert(some.begin(), five.begin(), five.end()), std::length_error);
  CHECK_THROWS_AS(some.assign(five.begin(), five.end()), std::length_error);
  CHECK_THROWS_AS(some.assign(std::size_t{5}, 1), std::length_error);
  CHECK_THROWS_AS(some.resize(5), std::length_error);
  CHECK_THROWS_AS(some.at(4), std::out_of_range);
  CHECK(all_of(some) == std::vector{1, 2, 3, 4});
}

TEST_CASE("elements need neither a default nor a constructor") {
  shm::static_vector<without_default, 2> some;
  CHECK(some.emplace_back(3).value == 3);
  some.push_back(without_default(4));
  CHECK(some.back().value == 4);
  shm::static_vector<pair, 2> pairs;
  CHECK(pairs.emplace_back(1, 2).b == 2);
}

TEST_CASE("unused bytes of a static vector are zero") {
  numbers a{1, 2, 3};
  a.pop_back();
  a.erase(a.begin());
  const numbers b{2};
  CHECK(std::memcmp(&a, &b, sizeof a) == 0);
}

TEST_CASE("a scribbled size of a static vector never leads outside") {
  numbers some{1, 2, 3, 4};
  const std::uint32_t huge = 0xffffffff;
  std::memcpy(static_cast<void*>(&some), &huge, sizeof huge);
  CHECK((some.size() == 4 && some.end() - some.begin() == 4 && some.back() == 4));
  CHECK_THROWS_AS(some.push_back(5), std::length_error);
  some.pop_back();
  CHECK(all_of(some) == std::vector{1, 2, 3});
}
