// Meaning text: strings, vectors, optionals, bitsets, times and enumerators as people write them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <shm.hpp>
#include <string>
#include <vector>

#include "time_text.hpp"
#include "value_text.hpp"

namespace tool {

/// The field that a string, vector, optional or bitset keeps its contents in.
const shm::field& contents_of(const shm::field& what);
/// Their bytes: as many elements as count, whatever the size stored says; none of an optional that
/// is not engaged.
bytes_view contents_in(const shm::field& what, bytes_view one);
/// One element of a vector, without the dimension that counts them.
shm::field element_of(const shm::field& vector);

/// The value of a field that is stored as a number.
ticks ticks_in(const shm::field& what, bytes_view one);
/// Of a duration or time_point.
std::string time_text_of(const shm::field& what, bytes_view one);
/// The enumerator that a value has; nothing where none is known.
std::optional<std::string> enumerator_in(const shm::field& what, bytes_view one);
/// 0b101, as many digits as there are bits.
std::string bits_text(const shm::field& what, bytes_view one);

/// One element of a field that means more than its type. Other fields: see scalar_text().
std::string meaning_text(const shm::field& what, bytes_view one, audience to);

/// The bytes of such an element. Throws refusal.
std::vector<std::byte> meaning_from(const shm::field& what, const std::string& path,
                                    const std::string& text);

/// The bytes of a string, vector, optional or bitset, with zeros for those that do not count.
std::vector<std::byte> what_counts_by_meaning(const shm::field& what, bytes_view one);

/// The parts of [a, b] between commas that are not inside brackets or quotes. Throws refusal.
std::vector<std::string> parts_of_list(const shm::field& what, const std::string& path,
                                       const std::string& text);

}  // namespace tool
