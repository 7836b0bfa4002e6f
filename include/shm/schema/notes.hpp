// Notes: what a program adds to its fields for people and tools: unit, range, text.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "described.hpp"
#include "enumerators.hpp"
#include "members.hpp"

namespace shm {

/// What there is to say of one member of a struct. Programs that differ in it open each other's
/// objects all the same; tools refuse to set what is out of range.
struct note {
  std::string_view field;
  std::string_view unit = {};
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  std::string_view text = {};
};

/// Specialise it to add notes to a struct:
///
///     template <>
///     struct shm::notes<telemetry> {
///       static constexpr std::array value{shm::note{"speed", "m/s", 0, 90, "over ground"},
///                                         shm::note{"fuel", "l"}};
///     };
///
/// Compilation stops if a note names no member.
template <class T>
struct notes {};

namespace detail {

template <class T, class = void>
inline constexpr bool has_notes = false;
template <class T>
inline constexpr bool has_notes<T, std::void_t<decltype(notes<T>::value)>> = true;

constexpr bool is_printable(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

template <class T>
constexpr bool names_a_member(std::string_view name) {
  bool found = false;
  for_each_member<T>([&](const char* member, auto) { found = found || name == member; });
  return found;
}

/// Stops compilation where the notes of a T cannot be meant so.
template <class T>
constexpr void check_notes() {
  static_assert(has_members<T>,
                "shm: notes<T> is for a struct whose members are known: list them with Boost.Hana, "
                "or compile as C++20");
  constexpr auto all_of = [](auto is_right) {
    for (const note& one : notes<T>::value) {
      if (!is_right(one)) return false;
    }
    return true;
  };
  static_assert(all_of([](const note& one) { return names_a_member<T>(one.field); }),
                "shm: a note of notes<T> names a field that is no member of T");
  static_assert(all_of([](const note& one) { return one.least <= one.most; }),
                "shm: in a note of notes<T> the least value is greater than the most");
  static_assert(
      all_of([](const note& one) { return is_printable(one.unit) && is_printable(one.text); }),
      "shm: a note of notes<T> contains a tab, a newline or another control character");
}

/// The note on that member; null where there is none.
template <class T>
const note* note_on(std::string_view member) {
  if constexpr (has_notes<T>) {
    for (const note& one : notes<T>::value) {
      if (one.field == member) return &one;
    }
  }
  return nullptr;
}

/// The bits of an IEEE 754 double in hexadecimal: neither rounding nor a locale changes them.
inline std::string bits_of(double value) {
  std::uint64_t bits = 0;
  static_assert(sizeof bits == sizeof value);
  std::memcpy(&bits, &value, sizeof bits);
  std::string text;
  for (unsigned shift = 64; shift != 0; shift -= 4) {
    text += "0123456789abcdef"[bits >> (shift - 4) & 0xf];
  }
  return text;
}

/// Adds a line to the notes of a schema, if there is anything to say.
inline void add_line(std::string& lines, const std::string& path, const std::string& meaning,
                     const std::string& enumerators, const note* by_program) {
  if (meaning.empty() && enumerators.empty() && by_program == nullptr) return;
  const note nothing{};
  const note& more = by_program == nullptr ? nothing : *by_program;
  const bool has_range = more.least != nothing.least || more.most != nothing.most;
  if (!lines.empty()) lines += '\n';
  lines += path + '\t' + meaning + '\t' + enumerators + '\t' + std::string(more.unit) + '\t' +
           (has_range ? bits_of(more.least) : "") + '\t' + (has_range ? bits_of(more.most) : "") +
           '\t' + std::string(more.text);
}

/// The same notes, for a struct whose enumerators would take too much room.
inline std::string without_enumerators(std::string_view lines) {
  std::string shorter;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t names = line.find('\t', line.find('\t') + 1) + 1;
    const std::string_view behind = line.substr(line.find('\t', names));
    const bool says_more = line[names - 2] != '\t' || behind.find_first_not_of('\t') != behind.npos;
    if (!says_more) continue;
    if (!shorter.empty()) shorter += '\n';
    shorter += std::string(line.substr(0, names)) + std::string(behind);
  }
  return shorter;
}

/// The path of what is inside a struct at `path`, up to its name.
inline std::string path_inside(const std::string& path, bool is_several) {
  return path.empty() ? "" : path + (is_several ? "[]." : ".");
}

/// The notes on a T at `path`, and on all that it consists of.
template <class T>
void add_notes(std::string& lines, const std::string& path, const note* by_program = nullptr,
               bool is_several = false) {
  if constexpr (has_notes<T>) check_notes<T>();
  if constexpr (dimension<T>::is_array) {
    add_notes<typename dimension<T>::element>(lines, path, by_program, true);
  } else if constexpr (described<T>::is) {
    add_line(lines, path, described<T>::meaning(), "", by_program);
    if constexpr (described<T>::inner_name != nullptr) {
      add_notes<typename described<T>::inner>(
          lines, path_inside(path, is_several) + described<T>::inner_name, by_program);
    }
  } else if constexpr (has_members<T>) {
    add_line(lines, path, "", "", by_program);
    for_each_member<T>([&](const char* name, auto accessor) {
      add_notes<member_type<T, decltype(accessor)>>(lines, path_inside(path, is_several) + name,
                                                    note_on<T>(name));
    });
  } else if constexpr (std::is_enum_v<T>) {
    add_line(lines, path, "", enumerators_of<T>(), by_program);
  } else {
    add_line(lines, path, "", "", by_program);
  }
}

}  // namespace detail
}  // namespace shm
