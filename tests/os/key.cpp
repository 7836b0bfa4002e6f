// Key: names become keys, and what is no name is refused.
// SPDX-License-Identifier: MIT
#include <set>
#include <shm.hpp>

#include "support/catch.hpp"

TEST_CASE("a name of 1 to 63 bytes is a key") {
  CHECK(shm::key("a").name() == "a");
  const std::string longest(63, 'n');
  CHECK(shm::key(longest).name() == longest);
  CHECK(shm::key(std::string_view("view")).segment_key() == shm::key("view").segment_key());
}

TEST_CASE("anything else is an invalid argument, with the reason") {
  const auto refused = [](std::string_view name) {
    try {
      shm::key key(name);
    } catch (const shm::error& refusal) {
      CHECK(refusal.code() == std::errc::invalid_argument);
      return std::string(refusal.what());
    }
    return std::string();
  };
  CHECK_THAT(refused(""), ContainsSubstring("1 to 63 bytes, not 0"));
  CHECK_THAT(refused(std::string(64, 'x')), ContainsSubstring("not 64"));
  CHECK_THAT(refused(std::string_view("a\0b", 3)), ContainsSubstring("NUL"));
  CHECK_THROWS_AS(shm::key(static_cast<const char*>(nullptr)), shm::error);
}

TEST_CASE("the keys of a name never change") {
  // Processes built today must meet those built tomorrow.
  CHECK(shm::key("car").segment_key() == static_cast<key_t>(0xf9079ad8));
  CHECK(shm::key("car").set_key() == static_cast<key_t>(0xf9079ad8 ^ 0x73656d61));
}

TEST_CASE("different segment keys have different set keys, and neither is private") {
  std::set<key_t> segments, sets;
  for (int i = 0; i < 20000; ++i) {
    const shm::key key("name " + std::to_string(i));
    segments.insert(key.segment_key());
    sets.insert(key.set_key());
    REQUIRE(key.segment_key() != IPC_PRIVATE);
    REQUIRE(key.set_key() != IPC_PRIVATE);
    REQUIRE(key.set_key() != key.segment_key());
  }
  CHECK(segments.size() == sets.size());
}

TEST_CASE("a key comes from a value that was agreed on, but not from a reserved one") {
  CHECK(shm::key::from_value(0x1234).segment_key() == 0x1234);
  CHECK(shm::key::from_value(0x1234).name() == "key:0x00001234");
  CHECK_THROWS_AS(shm::key::from_value(IPC_PRIVATE), shm::error);
  CHECK_THROWS_AS(shm::key::from_value(0x73656d61), shm::error);
}

TEST_CASE("a key comes from a path by ftok, and a path that is not there is refused with errno") {
  CHECK(shm::key::from_path("/", 7).segment_key() == ::ftok("/", 7));
  CHECK_THROWS_AS(shm::key::from_path("/", 0), shm::error);
  CHECK_THROWS_AS(shm::key::from_path(nullptr, 7), shm::error);
  try {
    shm::key::from_path("/no/such/path", 7);
    FAIL("not refused");
  } catch (const shm::error& refusal) {
    CHECK(refusal.code() == std::errc::no_such_file_or_directory);
    CHECK_THAT(refusal.what(), ContainsSubstring("ftok(\"/no/such/path\")"));
  }
}

TEST_CASE("anonymous keys differ") {
  CHECK(shm::key::anonymous().name() != shm::key::anonymous().name());
  CHECK(shm::key::anonymous().is_anonymous());
}
