// Describe: the schema of a T, written from its members.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "../base/error.hpp"
#include "described.hpp"
#include "members.hpp"
#include "notes.hpp"
#include "schema.hpp"
#include "schema_parser.hpp"
#include "shareable.hpp"

namespace shm {

namespace detail {

inline constexpr bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

/// The PEP 3118 letter of an integer of that many bytes; 0: there is none.
constexpr char integer_code(std::size_t bytes, bool is_signed) noexcept {
  switch (bytes) {
    case 1: return is_signed ? 'b' : 'B';
    case 2: return is_signed ? 'h' : 'H';
    case 4: return is_signed ? 'i' : 'I';
    case 8: return is_signed ? 'q' : 'Q';
    default: return 0;
  }
}

template <class T>
constexpr char scalar_code() noexcept {
  if constexpr (std::is_enum_v<T>) {
    return scalar_code<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return '?';
  } else if constexpr (std::is_same_v<T, char>) {
    return 'c';
  } else if constexpr (std::is_integral_v<T>) {
    return integer_code(sizeof(T), std::is_signed_v<T>);
  } else if constexpr (std::is_same_v<T, float>) {
    return 'f';
  } else if constexpr (std::is_same_v<T, double>) {
    return 'd';
  } else if constexpr (std::is_same_v<T, long double>) {
    return 'g';
  } else {
    return 0;
  }
}

/// What a long double looks like is the machine's own affair: native, as PEP 3118 has it.
inline std::string byte_order_of(char code, std::size_t size) {
  if (code == 'g') return "@";
  if (size == 1) return "";
  return little_endian ? "<" : ">";
}

/// A T that is nowhere: only the distances between its members are asked for, and nothing is read
/// or written. A real one would make the program, or its memory, larger by sizeof(T).
template <class T>
const T& imagined() noexcept {
  std::uintptr_t address = std::uintptr_t{1} << 20;  // aligned for every T that may be shared
  __asm__("" : "+r"(address));                       // compilers warn of constant addresses
  return *reinterpret_cast<const T*>(address);
}

template <class T>
std::string format_of_members() {
  const T& whole = imagined<T>();
  const auto* const start = reinterpret_cast<const std::byte*>(std::addressof(whole));
  std::string text = "T{";
  std::size_t end = 0;
  for_each_member<T>([&](const char* name, auto accessor) {
    using member = member_type<T, decltype(accessor)>;
    // What holds nothing may lie where another member lies.
    if constexpr (std::is_empty_v<member> || sizeof(member) == 0) return;
    const auto* const address = reinterpret_cast<const std::byte*>(std::addressof(accessor(whole)));
    const auto offset = static_cast<std::size_t>(address - start);
    text += padding(offset - end) + format_of<member>() + ':' + name + ':';
    end = offset + sizeof(member);
  });
  return text + padding(sizeof(T) - end) + '}';
}

template <class T>
std::string format_of_array() {
  using element = typename dimension<T>::element;
  // One of no element takes bytes all the same, which its element's format would not count.
  if constexpr (dimension<T>::count == 0) return padding(sizeof(T));
  if constexpr (std::is_same_v<element, char>) return std::to_string(dimension<T>::count) + 's';
  return format_of_several(dimension<T>::count, format_of<element>());
}

template <class T>
std::string format_of() {
  if constexpr (dimension<T>::is_array) {
    return format_of_array<T>();
  } else if constexpr (described<T>::is) {
    return described<T>::format();
  } else if constexpr (has_members<T>) {
    return format_of_members<T>();
  } else if constexpr (scalar_code<T>() != 0) {
    return byte_order_of(scalar_code<T>(), sizeof(T)) + scalar_code<T>();
  } else {
    return padding(sizeof(T));  // opaque: size and alignment are all that is known
  }
}

/// Throws std::errc::invalid_argument for a type of more fields, or nested deeper, than a segment
/// can tell.
inline schema checked(schema&& made) {
  if (parse(made)) return std::move(made);
  throw error(std::make_error_code(std::errc::invalid_argument),
              "shm: this type has more than 4096 fields, or structs inside structs more than 16 "
              "deep; use arrays of structs, fewer levels, or several objects");
}

template <class T>
std::string notes_of() {
  constexpr std::size_t long_notes = 16 * 1024;
  std::string lines;
  add_notes<T>(lines, "");
  return lines.size() <= long_notes ? lines : without_enumerators(lines);
}

/// The schema of an array<T, N>.
template <class T, std::size_t N>
const schema& array_schema_of() {
  check_shareable<T>();
  static const schema known = checked(
      {'(' + std::to_string(N) + ')' + format_of<T>(), N * sizeof(T), alignof(T), notes_of<T>()});
  return known;
}

}  // namespace detail

/// What an object<T> stores beside the value, and compares when it is opened. Written at the first
/// call, which may throw std::bad_alloc, and std::errc::invalid_argument for a type of more than
/// 4096 fields or of structs nested more than 16 deep.
template <class T>
const schema& schema_of() {
  detail::check_shareable<T>();
  static const schema known =
      detail::checked({detail::format_of<T>(), sizeof(T), alignof(T), detail::notes_of<T>()});
  return known;
}

}  // namespace shm
