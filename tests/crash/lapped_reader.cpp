// Lapped reader: somebody stores between a reader's copy and its second look at the number.
// SPDX-License-Identifier: MIT
#include <array>
#include <shm.hpp>

#include "support/at_step.hpp"
#include "support/catch.hpp"

using namespace shm::detail;

namespace {

template <std::size_t Size>
using cell = versioned_cell<cell_shape<Size, 8>>;

template <std::size_t Size>
struct cell_in_memory {
  header head{};
  alignas(64) std::array<std::byte, cell<Size>::payload_size> payload{};

  void publish() {
    process::prepare();
    static const std::array<std::byte, Size> value{};
    cell<Size>().publish(head, payload.data(), value.data());
  }
};

template <std::size_t Size>
bool is_accepted_when_lapped_by(int updates) {
  static cell_in_memory<Size> memory;
  static std::array<std::byte, Size> value;
  const support::at_step lap("read: copied", [updates] {
    for (int i = 0; i < updates; ++i) memory.publish();
  });
  return cell<Size>().try_read(memory.head.version, memory.payload.data(), value.data());
}

using elements = array_memory<std::uint64_t, 8>;
using view = journalled_array_view<elements>;

bool is_accepted_when_stored(std::size_t read, std::size_t stored) {
  elements memory{};
  const support::at_step store("read: copied", [&memory, stored] {
    const std::uint64_t value = 1;
    view(memory).store(stored, &value, [] {});
  });
  std::uint64_t value = 0;
  return view(memory).try_read(read, &value);
}

}  // namespace

TEST_CASE("a reader of an element accepts its copy unless that element was stored meanwhile") {
  CHECK_FALSE(is_accepted_when_stored(3, 3));
  CHECK(is_accepted_when_stored(3, 4));
}

TEST_CASE("a reader accepts its copy until the writer may be at that copy again, and no longer") {
  constexpr std::size_t small = 64, large = 512 * 1024;
  STATIC_REQUIRE(cell<small>::copies == 4);
  CHECK(is_accepted_when_lapped_by<small>(0));
  CHECK(is_accepted_when_lapped_by<small>(2));
  CHECK_FALSE(is_accepted_when_lapped_by<small>(3));  // the fourth update writes this very copy
  CHECK_FALSE(is_accepted_when_lapped_by<small>(4));
  STATIC_REQUIRE(cell<large>::copies == 3);
  CHECK(is_accepted_when_lapped_by<large>(0));
  CHECK(is_accepted_when_lapped_by<large>(1));
  CHECK_FALSE(is_accepted_when_lapped_by<large>(2));  // the third update writes this very copy
  CHECK_FALSE(is_accepted_when_lapped_by<large>(3));
}
