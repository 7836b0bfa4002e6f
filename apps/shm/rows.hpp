// Rows: which elements are looked at; and a look, their bytes with the version that these are of.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <shm.hpp>
#include <string>
#include <vector>

namespace tool {

struct rows {
  std::size_t first = 0;
  std::size_t end = 0;      ///< not one of them
  bool are_chosen = false;  ///< by a person: each is as it was at some moment of its own
};

/// Of FIRST:END, where either may be left out; "" means all. Throws refusal.
rows rows_in(const std::string& text, std::size_t size);

struct sample {
  std::vector<std::byte> bytes;
  std::uint64_t version = 0;
  bool is_of_version = false;  ///< else it is of that version or a later one
};

/// Looks again for so long until no other version comes in between.
sample take_sample(const shm::const_any_object& from, const rows& which,
                   std::chrono::milliseconds patience);

/// The bytes as they lie there, of an array that a dead editor left damaged.
sample take_damaged_sample(const shm::const_any_object& from, const rows& which);

}  // namespace tool
