// Shared bytes: every size and alignment is copied exactly, and nothing beside it.
// SPDX-License-Identifier: MIT
#include <shm.hpp>
#include <vector>

#include "support/catch.hpp"

namespace {

template <std::size_t Alignment>
void copies_exactly() {
  for (std::size_t size = 1; size < 300; ++size) {
    alignas(64) std::byte from[512], to[512], back[512];
    for (std::size_t i = 0; i < sizeof from; ++i) {
      from[i] = static_cast<std::byte>(i * 7 + size);
      to[i] = back[i] = std::byte{0xee};
    }
    shm::detail::store_shared<Alignment>(to + Alignment, from, size);
    shm::detail::load_shared<Alignment>(back + 1, to + Alignment, size);
    CHECK(std::memcmp(back + 1, from, size) == 0);
    CHECK(to[Alignment - 1] == std::byte{0xee});
    CHECK(to[Alignment + size] == std::byte{0xee});
    CHECK(back[0] == std::byte{0xee});
    CHECK(back[1 + size] == std::byte{0xee});
    shm::detail::move_shared<Alignment>(to + 64, from, size);
    CHECK(std::memcmp(to + 64, from, size) == 0);
  }
}

}  // namespace

TEST_CASE("bytes are copied exactly at every alignment") {
  copies_exactly<1>();
  copies_exactly<2>();
  copies_exactly<4>();
  copies_exactly<8>();
  copies_exactly<64>();
}
