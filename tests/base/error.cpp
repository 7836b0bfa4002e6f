// Error: codes, conditions and the text of a refusal.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include "support/catch.hpp"

TEST_CASE("an errc compares with an error code and with the standard's conditions") {
  const shm::error refusal(shm::errc::timed_out, "why");
  CHECK(refusal.code() == shm::errc::timed_out);
  CHECK(refusal.code() != shm::errc::in_use);
  CHECK(refusal.code() == std::errc::timed_out);
  CHECK(std::error_code(shm::errc::already_exists) == std::errc::file_exists);
  CHECK(std::error_code(shm::errc::not_found) == std::errc::no_such_file_or_directory);
  CHECK(std::error_code(shm::errc::in_use) == std::errc::device_or_resource_busy);
  CHECK(std::error_code(shm::errc::would_deadlock) == std::errc::resource_deadlock_would_occur);
  CHECK(std::error_code(shm::errc::damaged).default_error_condition().category() ==
        std::error_code(shm::errc::damaged).category());
  CHECK(std::error_code(shm::errc::corrupt).category().name() == std::string("shm"));
}

TEST_CASE("every errc has words of its own") {
  std::vector<std::string> all;
  for (int value = 1; value <= static_cast<int>(shm::errc::damaged); ++value) {
    const std::string words = make_error_code(static_cast<shm::errc>(value)).message();
    CHECK(words.find("unknown") == words.npos);
    CHECK(std::find(all.begin(), all.end(), words) == all.end());
    all.push_back(words);
  }
  CHECK_THAT(make_error_code(static_cast<shm::errc>(99)).message(),
             ContainsSubstring("unknown error 99"));
}

TEST_CASE("text of unknown origin is bounded and escaped before it is printed") {
  CHECK(shm::detail::printable("plain", 64) == "plain");
  CHECK(shm::detail::printable(std::string_view("\x1b[2J\0", 5), 64) == "\\x1b[2J\\x00");
  CHECK(shm::detail::printable("abcdef", 3) == "abc…");
}
