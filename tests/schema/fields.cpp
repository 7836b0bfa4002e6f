// Fields: what a schema's text describes, as a tree, and what a path finds in it.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstddef>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/schema_types.hpp"

namespace {

shm::field parsed(std::string_view format) {
  const auto whole = shm::detail::format_parser::parse(format);
  REQUIRE(whole.has_value());
  return whole->value;
}

std::string words(const shm::field& value, std::string_view path) {
  const auto found = shm::find_field(value, path);
  return found ? found->what->type_in_words() : "nothing";
}

std::uint64_t place(const shm::field& value, std::string_view path) {
  const auto found = shm::find_field(value, path);
  REQUIRE(found.has_value());
  return found->offset;
}

}  // namespace

TEST_CASE("the fields of a struct have the names, types and places that the compiler gave them") {
  const shm::field value = parsed(shm::schema_of<every_kind>().format());
  CHECK(value.type == shm::field_type::structure);
  CHECK(value.size == sizeof(every_kind));
  REQUIRE(value.members.size() == 11);
  CHECK(words(value, "flag") == "bool");
  CHECK(words(value, "letter") == "char");
  CHECK(words(value, "mode_now") == "uint8");
  CHECK(words(value, "many") == "struct[3]");
  CHECK(words(value, "name") == "char[12]");
  CHECK(words(value, "grid") == "int32[2][3]");
  CHECK(words(value, "longest") == "long double");
  CHECK(words(value, "hidden") == "opaque 8 bytes");
  CHECK(place(value, "letter") == offsetof(every_kind, letter));
  CHECK(place(value, "many[2].y") ==
        offsetof(every_kind, many) + 2 * sizeof(inner) + offsetof(inner, y));
  CHECK(place(value, "grid[1][2]") == offsetof(every_kind, grid) + 5 * sizeof(int));
  CHECK(place(value, "grid[1]") == offsetof(every_kind, grid) + 3 * sizeof(int));
  CHECK(place(value, "large") == offsetof(every_kind, large));
}

TEST_CASE("a path to no field finds nothing") {
  const shm::field value = parsed(shm::schema_of<every_kind>().format());
  for (const char* path :
       {"nothing", "one.z", "one.", ".flag", "flag.x", "flag[0]", "many.x", "many[3]", "many[-1]",
        "many[]", "many[1", "many[1]x", "many[18446744073709551616]", "many[1]..x", "grid[2][0]",
        "grid[0][0][0]", "[0]", " flag"}) {
    INFO(path);
    CHECK_FALSE(shm::find_field(value, path).has_value());
  }
  CHECK(shm::find_field(value, "")->what == &value);
}

TEST_CASE("a value that is an array is indexed from its start") {
  const shm::field value = parsed("(3)(2)<i");
  CHECK(value.dimensions == std::vector<std::uint64_t>{2});
  CHECK(place(value, "[1]") == 4);
  CHECK_FALSE(shm::find_field(value, "[2]").has_value());
}

TEST_CASE("an array of nothing is a field without elements") {
  const shm::field value = parsed("T{<i:a:(0)T{<d:x:}:none:}");
  CHECK(words(value, "none") == "struct[0]");
  CHECK(value.members[1].count() == 0);
  CHECK_FALSE(shm::find_field(value, "none[0]").has_value());
  CHECK_FALSE(shm::detail::format_parser::parse("T{<i:a:(9,0)<d:none:}").has_value());
  CHECK_FALSE(shm::detail::format_parser::parse("(3)(0)<i").has_value());
}

struct with_nothing {
  using none = std::array<double, 0>;
  using nobody = std::array<char, 0>;
  using nowhere = std::array<none, 2>;
  BOOST_HANA_DEFINE_STRUCT(with_nothing, (none, numbers), (double, after), (nobody, letters),
                           (std::int32_t, between), (nowhere, places));
};

TEST_CASE("what stands behind an array of nothing is where the compiler put it") {
  const shm::field value = parsed(shm::schema_of<with_nothing>().format());
  CHECK(value.size == sizeof(with_nothing));
  CHECK(place(value, "after") == offsetof(with_nothing, after));
  CHECK(place(value, "between") == offsetof(with_nothing, between));
}

TEST_CASE("texts that describe nothing, too much or no size are refused") {
  for (const char* text :
       {"", "T{}", "(0)<i", "(2)T{}", "T{(0)<i:a:}", "0s", "T{0x:a:}", "(281474976710656)(2)<d",
        "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)<i", "<i<i", "T{<i:a:}x", "5<i", "<z", "T{<i:a}"}) {
    INFO(text);
    CHECK_FALSE(shm::detail::format_parser::parse(text).has_value());
  }
}

TEST_CASE("a type that there is not is unknown in words") {
  shm::field strange;
  strange.type = static_cast<shm::field_type>(99);
  CHECK(strange.type_in_words() == "unknown");
}
