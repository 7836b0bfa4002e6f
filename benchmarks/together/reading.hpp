// Reading: what one writer and one reader do with one value, and how a torn one is told.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../contenders/every_value.hpp"
#include "worker.hpp"

namespace bench {

enum class writer_pace { none, every_10_us, full_speed };

struct pace_name {
  writer_pace pace;
  const char* name;
};
inline constexpr std::array<pace_name, 3> paces = {{{writer_pace::none, "alone"},
                                                    {writer_pace::every_10_us, "every10us"},
                                                    {writer_pace::full_speed, "fullspeed"}}};

/// f(std::integral_constant<std::size_t, Size>) for every size that is measured.
template <class F>
void for_every_size(F f) {
  f(std::integral_constant<std::size_t, 64>());
  f(std::integral_constant<std::size_t, 1024>());
  f(std::integral_constant<std::size_t, 65536>());
  f(std::integral_constant<std::size_t, 1048576>());
}

/// Aligned private memory of so many values.
template <std::size_t Size>
class values {
 public:
  explicit values(std::size_t count)
      : words_(new (std::align_val_t{site::page}) std::uint64_t[count * words]()) {}
  std::uint64_t* operator[](std::size_t index) const { return words_.get() + index * words; }

 private:
  static constexpr std::size_t words = Size / sizeof(std::uint64_t);

  struct aligned_delete {
    void operator()(std::uint64_t* memory) const {
      ::operator delete[](memory, std::align_val_t{site::page});
    }
  };
  std::unique_ptr<std::uint64_t[], aligned_delete> words_;
};

/// Whole values have the same number in all their words. Writes that follow each other have
/// different ones, and so have those of which one copy of a value is made over another, unless
/// there are five copies.
template <std::size_t Size>
class patterns {
 public:
  static constexpr std::uint64_t count = 5;

  patterns() : made_(count) {
    for (std::uint64_t i = 0; i < count; ++i) std::fill_n(made_[i], Size / 8, i + 1);
  }
  const void* for_write(std::uint64_t number) const { return made_[number % count]; }

  static bool is_whole(const std::uint64_t* words) {
    const std::uint64_t first = words[0];
    std::uint64_t differing = 0;
    for (std::size_t i = 1; i < Size / 8; ++i) differing |= words[i] ^ first;
    return differing == 0 && first >= 1 && first <= count;
  }

 private:
  values<Size> made_;
};

struct write_tally {
  std::uint64_t count = 0;
  double seconds = 0;
};

/// Writes until it is over; and at the begin so often that every copy has its pages.
template <class Value, std::size_t Size>
write_tally write_until_over(const site& where, const std::atomic<bool>& over, writer_pace pace,
                             const line& to_parent) {
  using clock = std::chrono::steady_clock;
  Value value(where);
  const patterns<Size> written;
  for (std::uint64_t i = 0; i < 2 * patterns<Size>::count; ++i) value.write(written.for_write(i));
  write_tally mine;
  to_parent.meet();
  if (pace == writer_pace::none) return mine;
  const auto begin = clock::now();
  auto next = begin;
  // Relaxed: nothing is read that was written before the end.
  for (; !over.load(std::memory_order_relaxed); ++mine.count) {
    value.write(written.for_write(mine.count));
    if (pace == writer_pace::every_10_us) {
      next += std::chrono::microseconds(10);
      while (clock::now() < next && !over.load(std::memory_order_relaxed)) relax();
    }
  }
  mine.seconds = std::chrono::duration<double>(clock::now() - begin).count();
  return mine;
}

/// What both sides see.
struct reading_stage {
  alignas(64) std::atomic<bool> over;
};

/// One process writes and one reads, on cores of their own as far as there are two, for so long.
template <class Result, class Write, class Read>
std::pair<write_tally, Result> write_and_read(double seconds, reading_stage& stage, Write write,
                                              Read read) {
  worker<write_tally> writer(0, write);
  writer.await_ready();
  worker<Result> reader(1, read);  // most interrupts go to the first core
  reader.await_ready();
  writer.go();
  reader.go();
  interruption::wait(seconds);
  stage.over.store(true, std::memory_order_relaxed);
  const Result found = reader.result();
  return {writer.result(), found};
}

}  // namespace bench
