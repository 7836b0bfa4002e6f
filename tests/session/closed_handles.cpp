// Closed handles: a limited number of them is kept in a program with threads.
// SPDX-License-Identifier: MIT
#include <array>
#include <fstream>
#include <shm.hpp>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/names.hpp"
#include "support/watchdog.hpp"

namespace {

/// Of this process, in bytes.
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

struct large {
  std::array<char, std::size_t{20} << 20> bytes;
};

}  // namespace

TEST_CASE("threads that open and close large handles all day do not use up the address space",
          "[race]") {
  const support::watchdog watchdog(120);
  const support::name one, two;
  { const shm::object<large> first(one), second(two); }
  constexpr std::size_t gib = std::size_t{1} << 30;
  const std::size_t before = address_space();
  std::array<std::thread, 2> threads;
  for (std::size_t n = 0; n < threads.size(); ++n) {
    threads[n] = std::thread([&name = n == 0 ? one : two] {
      for (int times = 0; times < 150; ++times) const shm::object<const large> reader(name);
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Most of a GiB is kept, and the C library keeps stacks and heaps of its threads.
  CHECK(address_space() < before + 2 * gib);
}
