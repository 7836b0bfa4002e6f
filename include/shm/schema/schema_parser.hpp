// Schema parser: from a schema, which may come from anybody, to its fields with their notes.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "field.hpp"
#include "format_parser.hpp"
#include "schema.hpp"

namespace shm::detail {

/// Knows only the notes that this library writes, and refuses a note that contradicts the format.
class note_parser {
 public:
  /// Adds to the fields what the notes say of them. Returns false where they make no sense.
  static bool add(std::string_view notes, field& value) {
    while (!notes.empty()) {
      const std::string_view line = take(notes, '\n');
      if (!add_line(line, value)) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t max_enumerators = 128;

  /// What comes before the next separator, and takes both away.
  static std::string_view take(std::string_view& rest, char separator) {
    const std::string_view first = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(first.size() + 1, rest.size()));
    return first;
  }

  static bool add_line(std::string_view line, field& value) {
    if (std::count(line.begin(), line.end(), '\t') != 6) return false;
    field* const found = find(take(line, '\t'), value);
    if (found == nullptr) return false;
    const std::string_view meaning = take(line, '\t'), enumerators = take(line, '\t');
    found->unit = take(line, '\t');
    const std::string_view least = take(line, '\t'), most = take(line, '\t');
    found->text = line;
    return add_meaning(meaning, *found) && add_enumerators(enumerators, *found) &&
           add_bound(least, found->least) && add_bound(most, found->most);
  }

  /// engine.rpm, wheels[].pressure; "" is the value itself.
  static field* find(std::string_view path, field& value) {
    field* at = &value;
    while (!path.empty()) {
      std::string_view name = take(path, '.');
      if (!path.empty() && name.size() > 2 && name.substr(name.size() - 2) == "[]") {
        name.remove_suffix(2);
      }
      const auto found = std::find_if(at->members.begin(), at->members.end(),
                                      [name](const field& one) { return one.name == name; });
      if (found == at->members.end()) return nullptr;
      at = &*found;
    }
    return at;
  }

  static bool number(std::string_view digits, std::uint64_t& into) {
    const char* const end = digits.data() + digits.size();
    const auto [rest, problem] = std::from_chars(digits.data(), end, into);
    return problem == std::errc() && rest == end;
  }

  static bool is_scalar(const field& one) {
    return one.type != field_type::structure && one.type != field_type::opaque &&
           one.type != field_type::text;
  }
  static bool is_integer(const field& one) {
    return one.type >= field_type::boolean && one.type <= field_type::uint64;
  }
  static bool has_two_members(const field& one, const char* first, const char* second) {
    return one.type == field_type::structure && one.members.size() == 2 &&
           one.members[0].name == first && one.members[1].name == second;
  }
  static bool has_size_and(const field& one, const char* second) {
    return has_two_members(one, "size", second) && one.members[0].type == field_type::uint32 &&
           one.members[0].dimensions.empty();
  }

  static bool add_meaning(std::string_view text, field& of) {
    if (text.empty()) return true;
    const std::string_view word = take(text, ' ');
    if (word == "duration" || word == "time") {
      of.meaning = word == "time" ? field_meaning::time_point : field_meaning::duration;
      const bool has_period = number(take(text, '/'), of.tick_numerator) &&
                              number(take(text, ' '), of.tick_denominator);
      of.clock = text;
      return has_period && of.tick_numerator != 0 && of.tick_denominator != 0 && is_scalar(of) &&
             of.type < field_type::complex64 &&
             of.clock.empty() == (of.meaning == field_meaning::duration);
    }
    if (word == "bits") {
      of.meaning = field_meaning::bits;
      return number(text, of.bits) && of.bits != 0 && of.type == field_type::structure &&
             of.members.size() == 1 && of.members[0].type == field_type::uint64 &&
             of.members[0].dimensions.size() == 1 &&
             of.members[0].dimensions[0] == (of.bits + 63) / 64;
    }
    if (!text.empty()) return false;
    if (word == "optional") {
      of.meaning = field_meaning::optional;
      return has_two_members(of, "value", "engaged") && of.members[0].count() != 0 &&
             of.members[1].type == field_type::boolean && of.members[1].dimensions.empty();
    }
    if (word == "string") {
      of.meaning = field_meaning::string;
      return has_size_and(of, "text") && of.members[1].type == field_type::text &&
             of.members[1].dimensions.empty();
    }
    if (word == "vector") {
      of.meaning = field_meaning::vector;
      return has_size_and(of, "items") && !of.members[1].dimensions.empty() &&
             of.members[1].dimensions[0] != 0;
    }
    return false;
  }

  /// neutral=0,reverse=1
  static bool add_enumerators(std::string_view list, field& of) {
    if (!list.empty() && !is_integer(of)) return false;
    while (!list.empty()) {
      std::string_view one = take(list, ',');
      enumerator found;
      found.name = take(one, '=');
      if (found.name.empty() || !number(one, found.value)) return false;
      if (of.enumerators.size() == max_enumerators) return false;
      of.enumerators.push_back(std::move(found));
    }
    return true;
  }

  /// The bits of a double, in hexadecimal.
  static bool add_bound(std::string_view digits, double& into) {
    if (digits.empty()) return true;
    if (digits.size() != 16) return false;
    std::uint64_t bits = 0;
    for (const char digit : digits) {
      const std::size_t value = std::string_view("0123456789abcdef").find(digit);
      if (value == std::string_view::npos) return false;
      bits = bits << 4 | value;
    }
    std::memcpy(&into, &bits, sizeof into);
    return true;
  }
};

/// Returns nothing where the schema makes no sense.
inline std::optional<parsed_format> parse(const schema& text) {
  std::optional<parsed_format> parsed = format_parser::parse(text.format());
  if (parsed && !note_parser::add(text.notes(), parsed->value)) parsed.reset();
  return parsed;
}

}  // namespace shm::detail
