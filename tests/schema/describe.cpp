// Describe: the exact text of every kind of member, and a fingerprint that never changes.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/schema_types.hpp"
#include "support/types.hpp"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the texts expected here say <");

template <class T>
std::string text() {
  return std::string(shm::schema_of<T>().format());
}

TEST_CASE("a struct is described by its members, with byte order and padding") {
  CHECK(text<support::telemetry>() == "T{<d:speed:<i:gear:4x}");
  CHECK(shm::schema_of<support::telemetry>().size() == 16);
  CHECK(shm::schema_of<support::telemetry>().alignment() == 8);
}

TEST_CASE("every kind of member has its text") {
  CHECK(text<every_kind>() ==
        "T{?:flag:c:letter:b:tiny:B:mode_now:T{<f:x:<h:y:2x}:one:(3)T{<f:x:<h:y:2x}:many:12s:name:"
        "(2,3)<i:grid:<q:large:@g:longest:8x:hidden:8x}");
  CHECK(text<c_style>() == "T{12s:name:(3)<f:v:<i:fixed:(2,3)<i:grid:}");
}

TEST_CASE("scalars, arrays and types without members have a text, too") {
  CHECK(text<int>() == "<i");
  CHECK(text<bool>() == "?");
  CHECK(text<unsigned char>() == "B");
  CHECK(text<long long>() == "<q");
  CHECK(text<std::byte>() == "B");
  CHECK(text<std::array<float, 3>>() == "(3)<f");
  CHECK(text<std::array<char, 5>>() == "5s");
  CHECK(text<blind>() == "8x");
  CHECK(shm::detail::array_schema_of<support::telemetry, 64>().format() ==
        "(64)T{<d:speed:<i:gear:4x}");
  CHECK(shm::detail::array_schema_of<support::telemetry, 64>().size() == 64 * 16);
}

TEST_CASE("an integer has a letter by its size and sign, or none") {
  std::string letters;
  for (const std::size_t bytes : {1u, 2u, 4u, 8u}) {
    for (const bool is_signed : {true, false}) {
      letters += shm::detail::integer_code(bytes, is_signed);
    }
  }
  CHECK(letters == "bBhHiIqQ");
  CHECK(shm::detail::integer_code(16, true) == 0);
}

TEST_CASE("the fingerprint never changes") {
  CHECK(shm::schema_of<support::telemetry>().fingerprint() == 0x62b288f1ea7a3186u);
}

TEST_CASE("schemas are equal only in all of text, size and alignment") {
  const shm::schema one("8x", 8, 8);
  CHECK(one == shm::schema("8x", 8, 8));
  CHECK(one != shm::schema("8x", 8, 4));
  CHECK(one != shm::schema("8x", 16, 8));
  CHECK(one != shm::schema("<d", 8, 8));
  CHECK(one.fingerprint() != shm::schema("8x", 8, 4).fingerprint());
}

// What may be shared is known at compile time.
static_assert(shm::is_shareable_v<support::telemetry> && shm::is_shareable_v<every_kind>);
static_assert(shm::is_shareable_v<c_style> && shm::is_shareable_v<blind> &&
              shm::is_shareable_v<int[3]>);
static_assert(shm::is_shareable_v<with_constructor>);
static_assert(!shm::is_shareable_v<int*> && !shm::is_shareable_v<int&> &&
              !shm::is_shareable_v<int blind::*>);
static_assert(!shm::is_shareable_v<std::string> && !shm::is_shareable_v<std::string_view>);
static_assert(!shm::is_shareable_v<gsl::span<int>> && !shm::is_shareable_v<std::optional<int*>>);
static_assert(!shm::is_shareable_v<std::array<const char*, 4>> &&
              !shm::is_shareable_v<volatile int>);
static_assert(!shm::is_shareable_v<with_pointer> && !shm::is_shareable_v<one_forgotten>);
static_assert(!shm::is_shareable_v<out_of_order>);
