// Again: how often a read beside a writer is made again, or goes to the lock.
// SPDX-License-Identifier: MIT

// Counted by the library's crash points, which cost time: so this program times nothing.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "job.hpp"
#include "reading.hpp"

namespace bench {
namespace {

struct again_tally {
  std::uint64_t reads = 0;
  std::uint64_t tries = 0;
  std::uint64_t locks = 0;
  std::uint64_t torn = 0;
};

again_tally& counted() {
  static again_tally mine;
  return mine;
}

void count(const char* step) {
  if (std::strcmp(step, "read: version seen") == 0) ++counted().tries;
  if (std::strcmp(step, "lock: taken") == 0) ++counted().locks;
}

template <std::size_t Size>
again_tally count_until_over(const site& where, const std::atomic<bool>& over,
                             const line& to_parent) {
  shm_object<Size> object(where);
  const values<Size> got(1);
  to_parent.meet();
  shm::detail::crash_point_hook = &count;
  for (; !over.load(std::memory_order_relaxed); ++counted().reads) {
    object.read(got[0]);
    if (!patterns<Size>::is_whole(got[0])) ++counted().torn;
  }
  return counted();
}

template <std::size_t Size>
figures count_again(writer_pace pace, double seconds) {
  using value = shm_object<Size>;
  const site shared(sizeof(reading_stage));
  auto& stage = shared.at_begin<reading_stage>();
  const site where;
  const typename value::owner owner(where);
  const auto [written, read] = write_and_read<again_tally>(
      seconds, stage,
      [&](const line& to_parent) {
        return write_until_over<value, Size>(where, stage.over, pace, to_parent);
      },
      [&](const line& to_parent) { return count_until_over<Size>(where, stage.over, to_parent); });
  if (read.torn != 0) throw std::runtime_error(std::to_string(read.torn) + " values were torn");
  if (read.tries + read.locks < read.reads) {
    throw std::runtime_error("the crash points of a read are called otherwise now");
  }
  if (read.reads == 0) throw std::runtime_error("there was no time for one read");
  // Each read ends with one good try, or with the lock.
  const std::uint64_t repeats = read.tries + read.locks - read.reads;
  return {{"value", static_cast<double>(repeats) / static_cast<double>(read.reads)},
          {"unit", "repeats/read"},
          {"better", "less"},
          {"reads", read.reads},
          {"locks", read.locks},
          {"torn", read.torn},
          {"writes_per_s", static_cast<double>(written.count) / written.seconds}};
}

}  // namespace

std::vector<job> every_job() {
  std::vector<job> jobs;
  for_every_size([&](auto measured) {
    constexpr std::size_t size = decltype(measured)::value;
    for (const pace_name& pace : paces) {
      if (pace.pace == writer_pace::none) continue;  // nothing to be made again
      jobs.push_back({"again/" + std::to_string(size) + '/' + pace.name, shm_object<size>::name,
                      "again", [how = pace.pace](double seconds) {
                        return count_again<decltype(measured)::value>(how, seconds);
                      }});
    }
  });
  return jobs;
}

}  // namespace bench
