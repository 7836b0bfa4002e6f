// Read: how long a reader needs beside a writer, and whether what it got is whole.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "job.hpp"
#include "reading.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;

struct read_tally {
  std::uint64_t count = 0;
  std::uint64_t torn = 0;
  double mean_ns = 0;
  double median_ns = 0;
  double p99_ns = 0;
  double longest_ns = 0;
  bool starved = false;
};

double nanoseconds(clock::duration span) {
  return std::chrono::duration<double, std::nano>(span).count();
}

/// What looking at the clock takes twice, which is not the reader's.
double clock_cost_ns() {
  std::vector<double> spans(1001);
  for (double& span : spans) {
    const auto before = clock::now();
    span = nanoseconds(clock::now() - before);
  }
  std::nth_element(spans.begin(), spans.begin() + 500, spans.end());
  return spans[500];
}

/// The time of single reads; of each batch the mean is noted.
class read_times {
 public:
  read_times() { times_.reserve(1U << 18U); }

  void add(double total_ns, std::size_t reads) {
    total_ += total_ns;
    reads_ += reads;
    // The first ones are enough for a distribution.
    if (times_.size() < times_.capacity()) times_.push_back(total_ns / static_cast<double>(reads));
    longest_ = std::max(longest_, total_ns / static_cast<double>(reads));
  }
  std::uint64_t count() const { return reads_; }
  void put_into(read_tally& tally) {
    tally.count = reads_;
    tally.mean_ns = total_ / static_cast<double>(reads_);
    tally.median_ns = at_share(0.5);
    tally.p99_ns = at_share(0.99);
    tally.longest_ns = longest_;
  }

 private:
  double at_share(double share) {
    const auto place = times_.begin() +
                       static_cast<std::ptrdiff_t>(share * static_cast<double>(times_.size() - 1));
    std::nth_element(times_.begin(), place, times_.end());
    return *place;
  }

  std::vector<double> times_;
  double total_ = 0;
  double longest_ = 0;
  std::uint64_t reads_ = 0;
};

/// Looks at what was read, as a program would: at the first 64 bytes, or the copy would be a small
/// part of the time.
void use(const std::uint64_t* words) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 8; ++i) sum += words[i];
  __asm__ volatile("" : : "r"(sum) : "memory");  // so that each one is read
}

/// In batches, between which it checks what it got: the clock and the check take longer than a
/// small read. A batch fits into the first cache beside the value.
template <class Value, std::size_t Size>
read_tally read_until_over(const site& where, const std::atomic<bool>& over,
                           const line& to_parent) {
  constexpr std::size_t batch = std::clamp<std::size_t>(8192 / Size, 1, 64);
  Value value(where);
  const values<Size> got(batch);
  const double clock_cost = clock_cost_ns();
  read_times times;
  read_tally mine;
  to_parent.meet();
  bool is_over = false;
  do {
    const auto before = clock::now();
    for (std::size_t i = 0; i < batch; ++i) {
      value.read(got[i]);
      use(got[i]);
    }
    const double taken = nanoseconds(clock::now() - before);
    is_over = over.load(std::memory_order_relaxed);
    // Only the writer's end let it through: as if it had never come to an end.
    if (is_over && times.count() == 0) mine.starved = true;
    times.add(std::max(taken - clock_cost, 0.0), batch);
    for (std::size_t i = 0; i < batch; ++i) {
      if (!patterns<Size>::is_whole(got[i])) ++mine.torn;
    }
  } while (!is_over);
  times.put_into(mine);
  return mine;
}

template <class Value, std::size_t Size>
figures measure_read(writer_pace pace, double seconds) {
  const site shared(sizeof(reading_stage));
  auto& stage = shared.at_begin<reading_stage>();
  const site where(site_size_for_value<Size>);
  const typename Value::owner owner(where);
  const auto [written, read] = write_and_read<read_tally>(
      seconds, stage,
      [&](const line& to_parent) {
        return write_until_over<Value, Size>(where, stage.over, pace, to_parent);
      },
      [&](const line& to_parent) {
        return read_until_over<Value, Size>(where, stage.over, to_parent);
      });
  if (read.torn != 0 && !std::is_same_v<Value, bare_memcpy<Size>>) {
    throw std::runtime_error(std::to_string(read.torn) + " values were torn");
  }
  return {{"value", read.mean_ns},
          {"unit", "ns"},
          {"better", "less"},
          {"reads", read.count},
          {"torn", read.torn},
          {"starved", read.starved},
          {"median_ns", read.median_ns},
          {"p99_ns", read.p99_ns},
          {"longest_ns", read.longest_ns},
          {"writes_per_s",
           written.seconds > 0 ? static_cast<double>(written.count) / written.seconds : 0}};
}

}  // namespace

void add_read(std::vector<job>& jobs) {
  for_every_size([&](auto measured) {
    constexpr std::size_t size = decltype(measured)::value;
    for (const pace_name& pace : paces) {
      for_every_value<size>([&](auto contender) {
        using value = typename decltype(contender)::of;
        jobs.push_back({"read/" + std::to_string(size) + '/' + pace.name, value::name, "read",
                        [how = pace.pace](double seconds) {
                          return measure_read<value, decltype(measured)::value>(how, seconds);
                        }});
      });
    }
  });
}

}  // namespace bench
