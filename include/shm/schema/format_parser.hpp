// Format parser: from a schema's text, which may come from anybody, to its fields in order.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/printable.hpp"

namespace shm::detail {

struct field {
  std::string path;  ///< engine.rpm; wheels[].pressure inside an array of structs; "" for no struct
  std::string type;  ///< in words: float[4]
  std::uint64_t offset;
  std::uint64_t size;
};

struct parsed_format {
  std::optional<std::uint64_t> elements;  ///< of a shm::array
  std::vector<field> fields;
  std::uint64_t size = 0;
};

/// Knows only the formats that this library writes. Bounded in depth, number of fields and sizes,
/// whatever the text says.
class format_parser {
 public:
  /// `is_array`: the text starts with the number of a shm::array's elements.
  static std::optional<parsed_format> parse(std::string_view text) {
    format_parser parser(text);
    parsed_format whole;
    std::uint64_t size = 0;
    if (parser.starts_with_element_count()) {
      std::uint64_t elements = 0;
      if (!parser.skip('(') || !parser.number(elements) || !parser.skip(')')) return std::nullopt;
      whole.elements = elements;
    }
    if (!parser.item("", 0, size, 0) || !parser.rest_.empty()) return std::nullopt;
    whole.fields = std::move(parser.fields_);
    whole.size = size;
    return whole;
  }

 private:
  static constexpr unsigned max_depth = 16;
  static constexpr std::size_t max_fields = 4096;
  static constexpr std::uint64_t max_size = std::uint64_t{1} << 48;

  explicit format_parser(std::string_view text) : rest_(text) {}

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
    if (end == rest_.npos || end == 0) return false;
    into = printable(rest_.substr(0, end), 64);
    rest_.remove_prefix(end + 1);
    return true;
  }

  /// (2,3): the total, and the words [2][3].
  bool dimensions(std::uint64_t& total, std::string& words) {
    total = 1;
    while (skip('(')) {
      do {
        std::uint64_t count = 0;
        if (!number(count) || (count != 0 && total > max_size / count)) return false;
        total *= count;
        words += '[' + std::to_string(count) + ']';
      } while (skip(','));
      if (!skip(')')) return false;
    }
    return true;
  }

  bool item(const std::string& path, std::uint64_t offset, std::uint64_t& size, unsigned depth) {
    std::uint64_t count = 1;
    std::string words;
    if (!dimensions(count, words)) return false;
    std::uint64_t unit = 0;
    if (rest_.substr(0, 2) == "T{") {
      rest_.remove_prefix(2);
      const std::size_t place = fields_.size();
      if (!members(path.empty() ? "" : path + (words.empty() ? "." : "[]."), offset, unit,
                   depth + 1)) {
        return false;
      }
      if (unit != 0 && count > max_size / unit) return false;
      size = unit * count;
      // Of a single struct its members say all; of several, their number has to be said, too.
      if (!words.empty()) {
        fields_.insert(fields_.begin() + static_cast<std::ptrdiff_t>(place),
                       field{path, "struct" + words, offset, size});
      }
      return true;
    }
    std::string type;
    if (!scalar(type, unit) || (unit != 0 && count > max_size / unit)) return false;
    size = unit * count;
    return add(field{path, type + words, offset, size});
  }

  bool members(const std::string& prefix, std::uint64_t start, std::uint64_t& size,
               unsigned depth) {
    if (depth > max_depth) return false;
    size = 0;
    while (!skip('}')) {
      std::uint64_t gap = 0;
      if (padding(gap)) {
        size += gap;
      } else {
        std::uint64_t member = 0;
        std::string member_name;
        if (!peek_name(member_name) || !item(prefix + member_name, start + size, member, depth) ||
            !name(member_name)) {
          return false;
        }
        size += member;
      }
      if (size > max_size) return false;
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

  /// The name stands behind the item; find it before the item's own members are given their paths.
  bool peek_name(std::string& into) const {
    std::string_view text = rest_;
    unsigned depth = 0;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
      if (text[at] == '{') ++depth;
      if (text[at] == '}') {
        if (depth == 0) return false;
        --depth;
      }
      if (text[at] == ':' && depth == 0) break;
    }
    if (at == text.size()) return false;
    const std::size_t end = text.find(':', at + 1);
    if (end == text.npos || end == at + 1) return false;
    into = printable(text.substr(at + 1, end - at - 1), 64);
    return true;
  }

  bool scalar(std::string& type, std::uint64_t& size) {
    std::uint64_t count = 1;
    const bool counted = at_digit();
    if (counted && !number(count)) return false;
    if (skip('s')) {
      type = "char[" + std::to_string(count) + ']';
      size = count;
      return true;
    }
    if (skip('x')) {
      type = "opaque " + std::to_string(count) + (count == 1 ? " byte" : " bytes");
      size = count;
      return true;
    }
    if (counted) return false;
    const bool big = skip('>');
    if (!big && !skip('<')) static_cast<void>(skip('@'));
    if (rest_.empty()) return false;
    const char code = rest_.front();
    rest_.remove_prefix(1);
    if (!word_of(code, type, size)) return false;
    if (big) type += " (big-endian)";
    return true;
  }

  static bool word_of(char code, std::string& type, std::uint64_t& size) {
    struct known {
      char code;
      const char* word;
      std::uint64_t size;
    };
    static constexpr known all[] = {{'?', "bool", 1},
                                    {'c', "char", 1},
                                    {'b', "int8", 1},
                                    {'B', "uint8", 1},
                                    {'h', "int16", 2},
                                    {'H', "uint16", 2},
                                    {'i', "int32", 4},
                                    {'I', "uint32", 4},
                                    {'q', "int64", 8},
                                    {'Q', "uint64", 8},
                                    {'f', "float", 4},
                                    {'d', "double", 8},
                                    {'g', "long double", sizeof(long double)}};
    for (const known& one : all) {
      if (one.code != code) continue;
      type = one.word;
      size = one.size;
      return true;
    }
    return false;
  }

  bool add(field found) {
    if (fields_.size() >= max_fields) return false;
    fields_.push_back(std::move(found));
    return true;
  }

  std::string_view rest_;
  std::vector<field> fields_;
};

}  // namespace shm::detail
