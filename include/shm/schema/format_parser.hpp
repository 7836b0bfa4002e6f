// Format parser: from the text of a schema, which may come from anybody, to its fields.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "field.hpp"

namespace shm::detail {

struct parsed_format {
  std::optional<std::uint64_t> elements;  ///< where one dimension stands alone: a shm::array's
  field value;                            ///< the whole, or one of those elements
};

/// Knows only the formats that this library writes. Bounded in depth, number of fields and sizes,
/// whatever the text says; of size 0 are only arrays of no element.
class format_parser {
 public:
  static std::optional<parsed_format> parse(std::string_view text) {
    format_parser parser(text);
    parsed_format whole;
    if (parser.starts_with_element_count()) {
      std::uint64_t elements = 0;
      if (!parser.skip('(') || !parser.number(elements) || !parser.skip(')')) return std::nullopt;
      if (elements == 0) return std::nullopt;
      whole.elements = elements;
    }
    if (!parser.item(whole.value, 0) || !parser.rest_.empty()) return std::nullopt;
    const std::uint64_t size = extent(whole.value);
    if (size == 0 || whole.elements.value_or(1) > max_size / size) return std::nullopt;
    return whole;
  }

 private:
  static constexpr unsigned max_depth = 16;
  static constexpr std::size_t max_dimensions = 16;
  static constexpr std::size_t max_fields = 4096;
  static constexpr std::size_t max_name = 1024;
  static constexpr std::uint64_t max_size = std::uint64_t{1} << 48;

  explicit format_parser(std::string_view text) : rest_(text) {}

  static std::uint64_t extent(const field& of) noexcept { return of.size * of.count(); }

  bool starts_with_element_count() const {
    // One dimension alone is the array's; the element's own dimensions follow in their own
    // brackets.
    return !rest_.empty() && rest_.front() == '(' &&
           rest_.substr(0, rest_.find(')')).find(',') == rest_.npos;
  }

  bool skip(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool at_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }

  bool number(std::uint64_t& value) {
    if (!at_digit()) return false;
    value = 0;
    for (; at_digit(); rest_.remove_prefix(1)) {
      value = value * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
      if (value > max_size) return false;
    }
    return true;
  }

  bool name(std::string& into) {
    if (!skip(':')) return false;
    const std::size_t end = rest_.find(':');
    if (end == rest_.npos || end == 0 || end > max_name) return false;
    into = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

  /// (2,3)
  bool dimensions(field& of) {
    std::uint64_t total = 1;
    while (skip('(')) {
      do {
        std::uint64_t count = 0;
        if (!number(count) || (count != 0 && total > max_size / count)) return false;
        if (of.dimensions.size() == max_dimensions) return false;
        total *= count;
        of.dimensions.push_back(count);
      } while (skip(','));
      if (!skip(')')) return false;
    }
    // Of nothing one dimension is enough; with more, a walk over the outer ones might never end.
    return total != 0 || of.dimensions.size() == 1;
  }

  bool item(field& found, unsigned depth) {
    if (++fields_ > max_fields || !dimensions(found)) return false;
    if (rest_.substr(0, 2) == "T{") {
      rest_.remove_prefix(2);
      found.type = field_type::structure;
      if (!members(found, depth + 1)) return false;
    } else if (!scalar(found)) {
      return false;
    }
    return found.size != 0 && found.count() <= max_size / found.size;
  }

  bool members(field& of, unsigned depth) {
    if (depth > max_depth) return false;
    while (!skip('}')) {
      std::uint64_t gap = 0;
      if (padding(gap)) {
        of.size += gap;
      } else {
        field member;
        member.offset = of.size;
        if (!item(member, depth) || !name(member.name)) return false;
        of.size += extent(member);
        of.members.push_back(std::move(member));
      }
      if (of.size > max_size) return false;
    }
    return true;
  }

  /// Padding has no name; 8x with a name is an opaque member.
  bool padding(std::uint64_t& bytes) {
    const std::string_view before = rest_;
    bytes = 1;
    if (at_digit() && !number(bytes)) return false;
    if (skip('x') && (rest_.empty() || rest_.front() != ':')) return true;
    rest_ = before;
    return false;
  }

  bool scalar(field& found) {
    std::uint64_t count = 1;
    const bool counted = at_digit();
    if (counted && !number(count)) return false;
    found.size = count;
    if (skip('s')) {
      found.type = field_type::text;
      return true;
    }
    if (skip('x')) {
      found.type = field_type::opaque;
      return true;
    }
    if (counted) return false;
    found.big_endian = skip('>');
    if (!found.big_endian && !skip('<')) static_cast<void>(skip('@'));
    const bool is_complex = skip('Z');
    if (rest_.empty()) return false;
    const char code = rest_.front();
    rest_.remove_prefix(1);
    return known_code(code, found) && (!is_complex || make_complex(found));
  }

  static bool make_complex(field& of) {
    of.size *= 2;
    switch (of.type) {
      case field_type::float32: of.type = field_type::complex64; return true;
      case field_type::float64: of.type = field_type::complex128; return true;
      case field_type::long_double: of.type = field_type::complex_long_double; return true;
      default: return false;
    }
  }

  static bool known_code(char code, field& found) {
    struct known {
      char code;
      field_type type;
      std::uint64_t size;
    };
    static constexpr known all[] = {{'?', field_type::boolean, 1},
                                    {'c', field_type::character, 1},
                                    {'b', field_type::int8, 1},
                                    {'B', field_type::uint8, 1},
                                    {'h', field_type::int16, 2},
                                    {'H', field_type::uint16, 2},
                                    {'i', field_type::int32, 4},
                                    {'I', field_type::uint32, 4},
                                    {'q', field_type::int64, 8},
                                    {'Q', field_type::uint64, 8},
                                    {'f', field_type::float32, 4},
                                    {'d', field_type::float64, 8},
                                    {'g', field_type::long_double, sizeof(long double)}};
    for (const known& one : all) {
      if (one.code != code) continue;
      found.type = one.type;
      found.size = one.size;
      return true;
    }
    return false;
  }

  std::string_view rest_;
  std::size_t fields_ = 0;
};

}  // namespace shm::detail
