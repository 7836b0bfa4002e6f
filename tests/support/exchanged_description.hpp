// Exchanged description: another one is put into a segment at each step of a process that opens it.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <shm.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "child.hpp"
#include "kernel_view.hpp"
#include "names.hpp"
#include "types.hpp"
#include "watchdog.hpp"

namespace support {

/// What a program does with a segment that may hold anything; refusing is right.
template <class Job>
void try_it(Job job) {
  try {
    job();
  } catch (const shm::error&) {
  } catch (const std::out_of_range&) {
  } catch (const std::invalid_argument&) {
  }
}

namespace exchanges {

/// Exchanges the description, and what stands behind it, at the n-th step of this process.
struct exchange {
  std::byte* segment;
  std::vector<std::byte> with;
  int steps_left;
  int reads_that_count = 12;  ///< a snapshot has one for each third of each element
};
inline exchange* exchanging = nullptr;

constexpr std::size_t described_from = offsetof(shm::detail::header, fixed);

inline void hook(const char* step) {
  const bool is_read = std::string_view(step).rfind("read:", 0) == 0;
  if (is_read && --exchanging->reads_that_count < 0) return;
  if (--exchanging->steps_left != 0) return;
  std::memcpy(exchanging->segment + described_from, exchanging->with.data(),
              exchanging->with.size());
}

/// Such an object from its description on, as far as the first `size` bytes go.
template <class Handle>
std::vector<std::byte> description_of(unsigned seats, std::size_t size) {
  const name name;
  shm::options how;
  how.seats = seats;
  { const Handle made(name, how); }
  const memory_of memory(name);
  return {memory.bytes() + described_from, memory.bytes() + std::min(size, memory.size())};
}

inline void put_name(std::vector<std::byte>& image, const std::string& name) {
  using shm::detail::description;
  const auto length = static_cast<std::uint32_t>(name.size());
  std::memcpy(&image.at(offsetof(description, name_length)), &length, sizeof length);
  std::memcpy(&image.at(offsetof(description, name)), name.data(), name.size());
}

}  // namespace exchanges

/// For programs that are built with SHM_CRASH_POINTS. Calls use(key) in a process of its own, once
/// for each step that it passes through, and for each pair of descriptions: the segment, of an
/// array of 500 elements, begins with the one and gets the other at that step.
template <class Use>
void exchange_at_every_step(Use use) {
  using namespace exchanges;
  using many = shm::array<std::int64_t, 500>;
  shm::options one_seat;
  one_seat.seats = 1;
  std::size_t size = 0;
  {
    const name name;
    { const many made(name, one_seat); }
    size = memory_of(name).size();
  }
  std::vector<std::byte> images[] = {
      description_of<many>(1, size), description_of<shm::array<std::int64_t, 1>>(200, size),
      description_of<shm::object<uniform<250>>>(1, size), description_of<shm::mutex>(300, size)};
  for (const auto& before : images) {
    for (const auto& after : images) {
      if (&before == &after) continue;
      CAPTURE(&before - images, &after - images);
      const name name;
      { const many made(name, one_seat); }
      const memory_of memory(name);
      exchange now{memory.bytes(), after, 0};
      put_name(now.with, name.text());
      auto first = before;
      put_name(first, name.text());
      exchanging = &now;
      bool is_over = false;
      for (int step = 1; !is_over; ++step) {
        CAPTURE(step);
        std::memcpy(memory.bytes() + described_from, first.data(), first.size());
        child peer_of_hostile([&] {
          const watchdog own(30);
          now.steps_left = step;
          shm::detail::crash_point_hook = hook;
          use(name.key());
          return now.steps_left > 0 ? 1 : 0;
        });
        const int ended = peer_of_hostile.wait();
        CHECK((ended == 0 || ended == 1));
        is_over = ended != 0;
      }
    }
  }
}

}  // namespace support
