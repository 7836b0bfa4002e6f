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

/// Throws refusal: the text is no value of that type, and what would be one.
[[noreturn]] void refuse_value(const shm::field& what, const std::string& path,
                               const std::string& text, const std::string& range);

/// Of a field of type float32, float64 or long_double.
long double real_in(const shm::field& what, bytes_view one);

/// One element of that field.
std::string scalar_text(const shm::field& what, bytes_view bytes, audience to = audience::people);

/// 1, [1, 2], {x: 1, y: 2}.
std::string inline_text(const shm::field& what, bytes_view bytes, std::size_t dimension = 0,
                        audience to = audience::people);

/// A cell of CSV, as RFC 4180 has it.
std::string csv_quoted(const std::string& cell);

/// The bytes of one element of a plain field. Throws refusal, with the type and its range, when the
/// text is no such value.
std::vector<std::byte> scalar_from(const shm::field& what, const std::string& path,
                                   const std::string& text);

/// What is stored as a number, whatever it means; a character as its code.
shm::field as_number(shm::field what);

/// The bytes of all elements of an array, written as [1,2,3], or of what is no array.
std::vector<std::byte> value_from(const shm::field& what, const std::string& path,
                                  const std::string& text);

/// The bytes of one element of any field but a struct: an enumerator by its name, and what has a
/// meaning by that. Throws refusal, also when the value is not in the range that its program noted.
std::vector<std::byte> element_from(const shm::field& what, const std::string& path,
                                    const std::string& text);

}  // namespace tool
