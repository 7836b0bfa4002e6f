// Value: a T of any size, and private memory where one is put so that it has to be made.
// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <shm.hpp>

namespace bench {

template <std::size_t Size>
using value = std::array<std::uint64_t, Size / 8>;

/// Looks at what was read, as a program would: at most the first 64 bytes, or the copy would be a
/// small part of the time.
template <std::size_t Size>
[[gnu::noinline]] std::uint64_t used(const value<Size>& read) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < read.size() && i < 8; ++i) sum += read[i];
  return sum;
}

/// Memory for one value, too large for the stack sometimes.
template <std::size_t Size>
class destination {
 public:
  destination() : memory_(new (std::align_val_t{64}) value<Size>()) {}
  value<Size>& operator*() const noexcept { return *memory_; }

  /// Every byte counts as read, and the first ones are.
  void use() const {
    benchmark::DoNotOptimize(memory_.get());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(used<Size>(*memory_));
  }

 private:
  struct aligned_delete {
    void operator()(value<Size>* memory) const noexcept {
      ::operator delete (memory, std::align_val_t{64});
    }
  };
  std::unique_ptr<value<Size>, aligned_delete> memory_;
};

/// The copies of a value in its segment get their pages when they are first written.
template <class T>
void touch_every_copy(shm::object<T>& shared, const T& with) {
  for (int copy = 0; copy < 4; ++copy) shared.store(with);
}

}  // namespace bench
