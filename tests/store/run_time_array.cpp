// Run-time array: its parts lie where the compiler puts them.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include "support/catch.hpp"

namespace {

struct alignas(128) wide {
  std::byte bytes[128];
};
struct odd {
  std::byte bytes[13];
};

template <class T, std::size_t N>
void check_places() {
  using memory = shm::detail::array_memory<T, N>;
  const shm::detail::run_time_array_shape shape(N, sizeof(T), alignof(T));
  const auto typed = std::make_unique<memory>();
  auto* const start = static_cast<std::byte*>(static_cast<void*>(typed.get()));
  const shm::detail::run_time_array_memory<std::byte> found(start, shape, N, sizeof(T));
  INFO(sizeof(T) << " bytes, aligned to " << alignof(T) << ", " << N << " times");
  CHECK(shape.payload_size == sizeof(memory));
  CHECK(shape.stripes == memory::stripes);
  CHECK(&found.bulk == &typed->bulk);
  CHECK(&found.journal_index == &typed->journal_index);
  CHECK(found.sequences == typed->sequences);
  CHECK(found.journal == typed->journal);
  CHECK(found.elements == typed->elements);
}

template <class T>
void check_numbers() {
  check_places<T, 1>();
  check_places<T, 3>();
  check_places<T, 64>();
  check_places<T, 300>();
}

template <class T>
void check_cell() {
  using typed = shm::detail::cell_of<T>;
  const shm::detail::run_time_cell_shape shape(sizeof(T), alignof(T));
  CHECK(shape.copies == typed::copies);
  CHECK(shape.stride == typed::stride);
  CHECK(shape.payload_size == typed::payload_size);
}

}  // namespace

TEST_CASE("a run-time array has its parts where the compiler puts them") {
  check_numbers<char>();
  check_numbers<odd>();
  check_numbers<double>();
  check_numbers<wide>();
}

TEST_CASE("a run-time cell has its copies where the compiler puts them") {
  check_cell<char>();
  check_cell<odd>();
  check_cell<wide>();
  check_cell<std::array<char, 256 * 1024>>();
  check_cell<std::array<char, 256 * 1024 + 1>>();
}
