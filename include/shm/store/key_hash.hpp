// Key hash: from the bytes of a key to the slot of a map where its lookup begins.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace shm::detail {

__extension__ using product_of_words = unsigned __int128;

/// Both halves of the product, one folded over the other: each bit of either factor counts.
constexpr std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
  const product_of_words product = static_cast<product_of_words>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Part of the memory layout: never changes without a new layout number. Spreads keys that come up
/// by themselves. Keys can be crafted to collide; it is no cryptographic hash.
inline std::uint64_t hash_of_key(const std::byte* key, std::size_t size) noexcept {
  // The fractional parts of the square roots of 2, 3 and 5, made odd.
  constexpr std::uint64_t of_2 = 0x6a09e667f3bcc909, of_3 = 0xbb67ae8584caa73b,
                          of_5 = 0x3c6ef372fe94f82b;
  std::uint64_t hash = of_2 ^ size;
  std::uint64_t word = 0;
  for (; size > sizeof word; key += sizeof word, size -= sizeof word) {
    std::memcpy(&word, key, sizeof word);
    hash = folded_product(hash ^ word, of_3);
  }
  word = 0;
  std::memcpy(&word, key, size);
  return folded_product(folded_product(hash ^ word, of_3) ^ of_2, of_5);
}

/// The high bits decide: a multiplication, where a remainder would take a division.
constexpr std::size_t home_of_hash(std::uint64_t hash, std::size_t slots) noexcept {
  return static_cast<std::size_t>((static_cast<product_of_words>(hash) * slots) >> 64);
}

}  // namespace shm::detail
