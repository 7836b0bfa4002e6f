// Difference: what a person reads when two versions of a struct meet, hostile ones too.
// SPDX-License-Identifier: MIT
#include <random>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/schema_types.hpp"
#include "support/watchdog.hpp"

namespace {

std::string difference(const std::string& stored, std::size_t stored_size, const std::string& ours,
                       std::size_t our_size) {
  return shm::detail::schema_difference::describe(shm::schema(stored, stored_size, 8),
                                                  shm::schema(ours, our_size, 8));
}

std::string difference(const std::string& stored, const std::string& ours) {
  return difference(stored, 16, ours, 16);
}

}  // namespace

TEST_CASE("a member of another type is named, with both sides") {
  CHECK(difference("T{<d:speed:<i:gear:4x}", "T{<d:speed:<h:gear:6x}") ==
        "  gear: int32 at byte 8 in the segment, int16 at byte 8 in this program");
}

TEST_CASE("a member that moved is named, with both places") {
  CHECK(difference("T{<i:a:<i:b:}", "T{<i:b:<i:a:}") ==
        "  a: int32 at byte 0 in the segment, int32 at byte 4 in this program\n"
        "  b: int32 at byte 4 in the segment, int32 at byte 0 in this program");
}

TEST_CASE("a member that only one side has is named") {
  CHECK(difference("T{<i:a:}", 4, "T{<i:a:<i:b:}", 8) ==
        "  b: only in this program (int32 at byte 4)\n"
        "  size: 4 bytes in the segment, 8 in this program");
  CHECK_THAT(difference("T{<i:a:<i:b:}", "T{<i:a:}"),
             ContainsSubstring("b: only in the segment (int32 at byte 4)"));
}

TEST_CASE("a member of another name in the same place was renamed") {
  CHECK(difference("T{<d:speed:}", "T{<d:velocity:}") ==
        "  speed: called velocity in this program (double at byte 0)");
}

TEST_CASE("arrays of another length, and structs in structs, are followed") {
  CHECK(difference("T{(4)<f:wheels:}", "T{(6)<f:wheels:}") ==
        "  wheels: float[4] at byte 0 in the segment, float[6] at byte 0 in this program");
  CHECK(difference("T{T{<i:rpm:}:engine:}", "T{T{<q:rpm:}:engine:}") ==
        "  engine.rpm: int32 at byte 0 in the segment, int64 at byte 0 in this program");
  CHECK_THAT(difference("T{(2)T{<i:p:}:w:}", "T{(3)T{<i:p:}:w:}"),
             ContainsSubstring("w: struct[2] at byte 0 in the segment, struct[3]"));
  CHECK(difference("T{12s:name:}", "T{16s:name:}") ==
        "  name: char[12] at byte 0 in the segment, char[16] at byte 0 in this program");
}

TEST_CASE("another number of elements is said as such") {
  CHECK(difference("(64)<d", "(128)<d") ==
        "  64 elements in the segment, 128 elements in this program");
}

TEST_CASE("big-endian numbers and another alignment are said") {
  CHECK_THAT(difference("T{>i:a:}", "T{<i:a:}"), ContainsSubstring("int32 (big-endian)"));
  CHECK(
      shm::detail::schema_difference::describe(shm::schema("8x", 8, 8), shm::schema("8x", 8, 4)) ==
      "  alignment: 8 bytes in the segment, 4 in this program");
}

TEST_CASE("a description that cannot be read is shown, escaped and bounded") {
  const std::string text = difference("T{\x1b[2J" + std::string(5000, 'A'), "<i");
  CHECK_THAT(text, ContainsSubstring("the segment's description is unreadable"));
  CHECK_THAT(text, ContainsSubstring("\\x1b[2J"));
  CHECK(text.size() < 1000);
}

TEST_CASE("what this library does not write is unreadable") {
  using shm::detail::format_parser;
  constexpr const char* texts[] = {
      "",
      "(",
      "()<i",
      "(3",
      "(3<i",
      "(3)",
      "(3)(2<i",
      "(2,)<i",
      "<i<i",
      "<",
      "<z",
      "3i",
      "T{<i:a}",
      "T{<i::}",
      "T{T{<i:a::b:}",
      "T{}:}",
      "99999999999999999s",
      "T{200000000000000x200000000000000x}",      // too large in all
      "(2000000,2000000)(2000000)<d",             // too many elements
      "(1)(2000000,20000000)<d",                  // of too many bytes
      "(1)(2000000,2000000)T{<d:a:2000000000x}",  // the same, of structs
  };
  for (const char* text : texts) {
    INFO(text);
    CHECK_FALSE(format_parser::parse(text).has_value());
  }
  std::string deep = "<i", many = "T{";
  for (int i = 0; i < 17; ++i) deep = "T{" + deep + ":a:}";
  for (int i = 0; i < 4097; ++i) many += "<i:m" + std::to_string(i) + ':';
  CHECK_FALSE(format_parser::parse(deep).has_value());
  CHECK_FALSE(format_parser::parse(many + '}').has_value());
  CHECK(format_parser::parse("(3)(2,2)<i").has_value());
  CHECK(format_parser::parse("T{(0)<i:none:@g:longest:}").has_value());
}

TEST_CASE("many differences end in a count") {
  std::string many = "T{";
  for (int i = 0; i < 100; ++i) many += "<i:m" + std::to_string(i) + ":";
  CHECK_THAT(difference(many + "}", "T{<d:other:}"), ContainsSubstring("more"));
}

TEST_CASE("hostile texts neither crash nor hang nor grow the message") {
  const support::watchdog watchdog;
  std::mt19937 random(7);
  const std::string good(shm::schema_of<every_kind>().format());
  const std::string alphabet = "T{}():<>0123456789xsbBhHiIqQfdg?c,ab\x01\xff";
  const std::vector<std::string> nasty = {"",
                                          "(",
                                          "T{",
                                          "((((((((",
                                          "(99999999999999999999)<i",
                                          "T{99999999999999999999999x}",
                                          std::string(60000, '('),
                                          "(1)(1)(1)<i:",
                                          "T{:}",
                                          "T{<i:}",
                                          "T{<i::}",
                                          std::string(10000, '{'),
                                          "T{(281474976710656)T{(281474976710656)<d:a:}:b:}"};
  for (const std::string& text : nasty) CHECK(difference(text, good).size() < 8000);
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "T{";
  CHECK(difference(deep, good).size() < 8000);
  for (int round = 0; round < 5000; ++round) {
    std::string text = round % 2 == 0 ? good : std::string(random() % 64, ' ');
    for (std::size_t changes = 1 + random() % 8; changes > 0 && !text.empty(); --changes) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    }
    REQUIRE(difference(text, good).size() < 8000);
  }
}
