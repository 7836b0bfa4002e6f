// Value text: one scalar of a value, from its bytes to text that a person can read, and back.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <gsl/span>
#include <shm.hpp>
#include <string>
#include <vector>

namespace tool {

using bytes_view = gsl::span<const std::byte>;

/// The bytes of a T, whatever their alignment.
template <class T>
T number_in(bytes_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// In the order of this machine.
std::vector<std::byte> native(const shm::field& what, bytes_view bytes);

/// How many bytes of one element count: an x87 long double ends in padding.
std::size_t significant_bytes(const shm::field& what) noexcept;

/// All elements of that field, with zeros for what does not count: what lies behind the end of a
/// text, and padding.
std::vector<std::byte> what_counts(const shm::field& what, bytes_view bytes);

/// Up to the first NUL.
std::string text_in(bytes_view bytes);

/// Programs are given all of opaque bytes, and of a bool that is none its number alone.
enum class audience { people, programs };

/// One element of that field: no array, no structure.
std::string scalar_text(const shm::field& what, bytes_view bytes, audience to = audience::people);

/// Anything but structs: 1, [1, 2].
std::string inline_text(const shm::field& what, bytes_view bytes, std::size_t dimension = 0,
                        audience to = audience::people);

/// A cell of CSV, as RFC 4180 has it.
std::string csv_quoted(const std::string& cell);

/// Throws refusal, with the type and its range, when the text is no such value.
std::vector<std::byte> scalar_from(const shm::field& what, const std::string& path,
                                   const std::string& text);

}  // namespace tool
