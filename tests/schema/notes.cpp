// Notes: units, ranges and enumerators in a schema, which bind nobody but are never misread.
// SPDX-License-Identifier: MIT
#include <array>
#include <limits>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"

namespace {

enum class gear : std::int32_t { neutral, first, reverse = 7, overdrive = 127, beyond = 128 };
enum old_style { low, high = 5 };
enum class answer : bool { no, yes };
enum class letter : char { a = 'a' };
enum class below : int { minus = -1 };
enum class nothing : unsigned {};
template <int A, int B>
struct outer {
  enum class inside { one = A, two = B };
};

template <char C>
struct of_a_character {
  enum class inside { one, two };
};
static_assert(of_a_character<'<'>::inside::one != of_a_character<'<'>::inside::two);
static_assert(of_a_character<')'>::inside::one != of_a_character<')'>::inside::two);
static_assert(of_a_character<'\''>::inside::one != of_a_character<'\''>::inside::two);

// Clang makes the enumerators of a class template when one of them is named, and not before.
static_assert(outer<3, 4>::inside::one != outer<3, 4>::inside::two);

/// Each field has the same 40 enumerators of 25 letters: 45 KiB of them.
enum class long_named : std::uint8_t {
  abcdefghijklmnopqrstuvw_00,
  abcdefghijklmnopqrstuvw_01,
  abcdefghijklmnopqrstuvw_02,
  abcdefghijklmnopqrstuvw_03,
  abcdefghijklmnopqrstuvw_04,
  abcdefghijklmnopqrstuvw_05,
  abcdefghijklmnopqrstuvw_06,
  abcdefghijklmnopqrstuvw_07,
  abcdefghijklmnopqrstuvw_08,
  abcdefghijklmnopqrstuvw_09,
  abcdefghijklmnopqrstuvw_10,
  abcdefghijklmnopqrstuvw_11,
  abcdefghijklmnopqrstuvw_12,
  abcdefghijklmnopqrstuvw_13,
  abcdefghijklmnopqrstuvw_14,
  abcdefghijklmnopqrstuvw_15,
};
struct eight_gears {
  using one = long_named;
  BOOST_HANA_DEFINE_STRUCT(eight_gears, (one, a), (one, b), (one, c), (one, d), (one, e), (one, f),
                           (one, g), (one, h));
};
struct many_gears {
  using eight = eight_gears;
  BOOST_HANA_DEFINE_STRUCT(many_gears, (eight, a), (eight, b), (eight, c), (eight, d), (eight, e),
                           (eight, f), (eight, g), (eight, h));
};

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (gear, selected),
                           (std::optional<float>, fuel), (std::int32_t, count));
};

namespace old_program {
enum class gear : std::int32_t { neutral, first, reverse = 2, park = 7 };
struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (gear, selected),
                           (std::optional<float>, fuel), (std::int32_t, count));
};
}  // namespace old_program

namespace other_program {
enum class gear : std::int32_t { off = 0, first, tow = 9 };
struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (gear, selected),
                           (std::optional<float>, fuel), (std::int32_t, count));
};
}  // namespace other_program

shm::field parsed(const shm::schema& text) {
  const auto whole = shm::detail::parse(text);
  REQUIRE(whole.has_value());
  return whole->value;
}

}  // namespace

template <>
struct shm::notes<telemetry> {
  static constexpr std::array value{shm::note{"speed", "m/s", 0, 90.5, "over ground"},
                                    shm::note{"fuel", "l"}};
};

TEST_CASE("enumerators from 0 to 127 are found by their names") {
  using shm::detail::enumerators_of;
  CHECK(enumerators_of<gear>() == "neutral=0,first=1,reverse=7,overdrive=127");
  CHECK(enumerators_of<old_style>() == "low=0,high=5");
  CHECK(enumerators_of<answer>() == "no=0,yes=1");
  CHECK(enumerators_of<letter>() == "a=97");
  CHECK(enumerators_of<below>().empty());
  CHECK(enumerators_of<nothing>().empty());
  CHECK(enumerators_of<std::byte>().empty());
  CHECK(enumerators_of<outer<3, 4>::inside>() == "one=3,two=4");
  CHECK(enumerators_of<of_a_character<'<'>::inside>() == "one=0,two=1");
  CHECK(enumerators_of<of_a_character<')'>::inside>() == "one=0,two=1");
  CHECK(enumerators_of<of_a_character<'\''>::inside>() == "one=0,two=1");
}

TEST_CASE("notes of the program and enumerators reach the fields") {
  const shm::field value = parsed(shm::schema_of<telemetry>());
  CHECK(value.members[0].unit == "m/s");
  CHECK((value.members[0].least == 0 && value.members[0].most == 90.5));
  CHECK(value.members[0].text == "over ground");
  REQUIRE(value.members[1].enumerators.size() == 4);
  CHECK(value.members[1].enumerators[2].name == "reverse");
  CHECK(value.members[1].enumerators[2].value == 7);
  CHECK(value.members[2].unit == "l");
  CHECK(value.members[2].members[0].unit == "l");
  CHECK(value.members[3].most == std::numeric_limits<double>::infinity());
}

TEST_CASE("notes are no part of the fingerprint, and meanings are") {
  const std::string format(shm::schema_of<telemetry>().format());
  const auto with = [&](const char* notes) { return shm::schema(format, 24, 8, notes); };
  const std::uint64_t plain = with("").fingerprint();
  CHECK(with("speed\t\t\tm/s\t\t\t").fingerprint() == plain);
  CHECK(with("selected\t\tfirst=1\t\t\t\t").fingerprint() == plain);
  CHECK(with("count\tduration 1/1\t\t\t\t\t").fingerprint() != plain);
  CHECK(with("count\tduration 1/1\t\t\t\t\t").fingerprint() ==
        with("speed\t\t\tm/s\t\t\t\ncount\tduration 1/1\t\t\ts\t\t\t").fingerprint());
  CHECK(with("speed\t\t\tm/s\t\t\t") != with(""));
}

TEST_CASE("an enumerator that both programs know must have the same value") {
  const support::name name;
  const shm::object<telemetry> made(name);
  const auto refusal =
      support::refusal_of([&] { const shm::object<old_program::telemetry> opened(name); });
  CHECK(refusal.code() == shm::errc::type_mismatch);
  CHECK_THAT(refusal.what(),
             ContainsSubstring("selected: reverse is 7 in the segment, 2 in this program"));
}

TEST_CASE("enumerators and notes that one program lacks are no mismatch") {
  const support::name name;
  shm::object<telemetry> made(name);
  made.store({2.5, gear::first, std::nullopt, 3});
  const shm::object<other_program::telemetry> opened(name);
  CHECK(opened.load().selected == other_program::gear::first);
}

TEST_CASE("enumerators are left out where they would take too much room") {
  const std::string lines =
      "a\tduration "
      "1/1\tx=1,y=2\t\t\t\t\nb\t\tx=1\t\t\t\t\nc\t\tx=1\tm/s\t\t\t\nd\t\tx=1\t\t\t\ttext";
  CHECK(shm::detail::without_enumerators(lines) ==
        "a\tduration 1/1\t\t\t\t\t\nc\t\t\tm/s\t\t\t\nd\t\t\t\t\t\ttext");
  CHECK(shm::detail::without_enumerators("a\t\tx=1\t\t\t\t").empty());
  CHECK(shm::schema_of<std::array<many_gears, 1>>().notes().size() < 16 * 1024);
}

TEST_CASE("notes that contradict the format, or make no sense, are refused") {
  const auto is_refused = [](const char* format, const std::string& notes) {
    INFO(notes);
    CHECK_FALSE(shm::detail::parse(shm::schema(format, 8, 8, notes)).has_value());
  };
  const auto is_read = [](const char* format, const std::string& notes) {
    INFO(notes);
    CHECK(shm::detail::parse(shm::schema(format, 8, 8, notes)).has_value());
  };
  is_read("T{<q:a:}", "a\tduration 1/1000\t\t\t\t\t");
  is_read("T{<q:a:}", "a\ttime 1/1000 some clock\t\t\t\t\t");
  for (const char* notes : {"a",
                            "a\t\t\t\t\t",
                            "a\t\t\t\t\t\t\t",
                            "b\t\t\t\t\t\t",
                            "a\tduration\t\t\t\t\t",
                            "a\tduration 1\t\t\t\t\t",
                            "a\tduration 0/1\t\t\t\t\t",
                            "a\tduration 1/0\t\t\t\t\t",
                            "a\tduration -1/2\t\t\t\t\t",
                            "a\tduration 1/2 clock\t\t\t\t\t",
                            "a\ttime 1/2\t\t\t\t\t",
                            "a\tduration 1/1000000000000000000000\t\t\t\t\t",
                            "a\tbits 8\t\t\t\t\t",
                            "a\toptional\t\t\t\t\t",
                            "a\tstring\t\t\t\t\t",
                            "a\tvector\t\t\t\t\t",
                            "a\tsomething\t\t\t\t\t",
                            "a\toptional x\t\t\t\t\t",
                            "a\t\t=1\t\t\t\t",
                            "a\t\tx\t\t\t\t",
                            "a\t\tx=\t\t\t\t",
                            "a\t\tx=-1\t\t\t\t",
                            "a\t\t\t\t0\t\t",
                            "a\t\t\t\t000000000000000g\t\t",
                            "\n"}) {
    is_refused("T{<q:a:}", notes);
  }
  is_refused("T{<d:a:}", "a\t\tx=1\t\t\t\t");
  is_refused("T{8x:a:}", "a\tduration 1/1\t\t\t\t\t");
  is_refused("T{<Zf:a:}", "a\tduration 1/1\t\t\t\t\t");
  is_read("T{T{<i:value:?:engaged:3x}:a:}", "a\toptional\t\t\t\t\t");
  is_refused("T{T{<i:value:B:engaged:3x}:a:}", "a\toptional\t\t\t\t\t");
  is_refused("T{T{(0)1000s:value:?:engaged:}:a:}", "a\toptional\t\t\t\t\t");
  is_read("T{<q:a:}", "a\tduration 1/1000000000000000000\t\t\t\t\t");
  is_read("T{<q:a:}", "a\tduration 18446744073709551615/1\t\t\t\t\t");
  is_refused("T{<q:a:}", "a\tduration 18446744073709551616/1\t\t\t\t\t");
  is_refused("T{T{<i:value:(2)?:engaged:2x}:a:}", "a\toptional\t\t\t\t\t");
  is_refused("T{T{<I:size:3s:text:x<i:more:}:a:}", "a\tstring\t\t\t\t\t");
  is_refused("T{T{<I:size:(2)3s:text:2x}:a:}", "a\tstring\t\t\t\t\t");
  is_refused("T{T{<Q:size:8s:text:}:a:}", "a\tstring\t\t\t\t\t");
  is_refused("T{T{(1)<I:size:4s:text:}:a:}", "a\tstring\t\t\t\t\t");
  is_refused("T{T{<I:size:<i:items:}:a:}", "a\tvector\t\t\t\t\t");
  is_refused("T{T{<I:size:(0)<i:items:}:a:}", "a\tvector\t\t\t\t\t");
  is_read("T{T{(2)<Q:words:}:a:}", "a\tbits 65\t\t\t\t\t");
  for (const char* bits : {"0", "64", "129", "x", ""}) {
    is_refused("T{T{(2)<Q:words:}:a:}", "a\tbits " + std::string(bits) + "\t\t\t\t\t");
  }
  std::string many = "a\t\tx=1";
  for (int i = 0; i < 128; ++i) many += ",x=1";
  is_refused("T{<q:a:}", many + "\t\t\t\t");
}
