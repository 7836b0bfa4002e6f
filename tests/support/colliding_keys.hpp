// Colliding keys: numbers whose lookups in a map begin at the same slot, or at the one behind it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <shm.hpp>
#include <vector>

namespace support {

inline std::size_t home_of(std::uint64_t key, std::size_t entries) {
  using namespace shm::detail;
  return home_of_hash(hash_of_key(bytes_of_key(key), sizeof key), slots_for(entries));
}

/// So many different ones, in a map of that many entries.
inline std::vector<std::uint64_t> keys_at(std::size_t home, std::size_t entries,
                                          std::size_t count) {
  std::vector<std::uint64_t> keys;
  for (std::uint64_t key = 1; keys.size() < count; ++key) {
    if (home_of(key, entries) == home) keys.push_back(key);
  }
  return keys;
}

}  // namespace support
