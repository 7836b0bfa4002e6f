// Meaning text: strings, vectors, optionals, bitsets, times and enumerators as people write them.
// SPDX-License-Identifier: MIT
#include "meaning_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "exit_code.hpp"
#include "readable.hpp"

namespace tool {

namespace {

using shm::field_meaning;

constexpr std::string_view none = "none";

std::size_t size_in(const shm::field& what, bytes_view one) {
  const std::size_t most = what.meaning == field_meaning::string
                               ? static_cast<std::size_t>(what.members[1].size)
                               : static_cast<std::size_t>(what.members[1].dimensions[0]);
  const auto offset = static_cast<std::size_t>(what.members[0].offset);
  return std::min<std::size_t>(number_in<std::uint32_t>(one.subspan(offset)), most);
}

bool is_engaged(const shm::field& what, bytes_view one) {
  return one[static_cast<std::size_t>(what.members[1].offset)] != std::byte{0};
}

std::size_t bytes_of(const shm::field& what) {
  return static_cast<std::size_t>(what.size * what.count());
}

/// The bytes of a string or vector with that size, whose contents are zeros.
std::vector<std::byte> sized(const shm::field& what, std::size_t size) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(what.size));
  const auto stored = static_cast<std::uint32_t>(size);
  std::memcpy(bytes.data() + what.members[0].offset, &stored, sizeof stored);
  return bytes;
}

template <class Int>
wide whole_in(bytes_view one) {
  return number_in<Int>(one);
}

/// A text without quotes unchanged; the text inside quotes, in which \\ comes before a quote,
/// before another \\, and in \xNN.
std::string unquoted(const std::string& text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return text;
  const std::string_view quoted = std::string_view(text).substr(1, text.size() - 2);
  std::string inside;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    const bool is_escaped = quoted[i] == '\\' && i + 1 < quoted.size();
    inside += is_escaped ? character_behind(quoted, ++i) : quoted[i];
  }
  return inside;
}

std::vector<std::byte> string_from(const shm::field& what, const std::string& path,
                                   const std::string& typed) {
  const std::string text = unquoted(typed);
  if (text.size() > what.members[1].size) {
    refuse_value(what, path, typed, fmt::format("it has {} bytes", text.size()));
  }
  std::vector<std::byte> bytes = sized(what, text.size());
  std::memcpy(bytes.data() + what.members[1].offset, text.data(), text.size());
  return bytes;
}

std::vector<std::byte> vector_from(const shm::field& what, const std::string& path,
                                   const std::string& text) {
  const shm::field element = element_of(what);
  const std::vector<std::string> parts = parts_of_list(what, path, text);
  const std::uint64_t most = what.members[1].dimensions[0];
  if (parts.size() > most) {
    refuse_value(what, path, text, fmt::format("it has {} elements", parts.size()));
  }
  std::vector<std::byte> bytes = sized(what, parts.size());
  std::byte* to = bytes.data() + what.members[1].offset;
  for (const std::string& part : parts) {
    const std::vector<std::byte> one = value_from(element, path, part);
    std::memcpy(to, one.data(), one.size());
    to += one.size();
  }
  return bytes;
}

std::vector<std::byte> optional_from(const shm::field& what, const std::string& path,
                                     const std::string& text) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(what.size));
  if (text == none) return bytes;
  const std::vector<std::byte> value = value_from(what.members[0], path, text);
  std::memcpy(bytes.data() + what.members[0].offset, value.data(), value.size());
  bytes[static_cast<std::size_t>(what.members[1].offset)] = std::byte{1};
  return bytes;
}

std::vector<std::byte> bits_from(const shm::field& what, const std::string& path,
                                 const std::string& text) {
  const bool has_prefix = text.size() > 2 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B');
  const std::string digits = text.substr(has_prefix ? 2 : 0);
  if (digits.empty() || digits.find_first_not_of("01") != digits.npos ||
      digits.size() > what.bits) {
    refuse_value(what, path, text,
                 fmt::format("at most {} digits 0 and 1, the lowest bit last", what.bits));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(what.size));
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[digits.size() - 1 - i] == '1') bytes[i / 8] |= std::byte{1} << (i % 8);
  }
  return bytes;
}

std::vector<std::byte> time_from(const shm::field& what, const std::string& path,
                                 const std::string& text) {
  const ticks value = ticks_from(what, path, text);
  const shm::field number = as_number(what);
  const std::string digits =
      value.are_whole ? fmt::format("{}", value.whole) : fmt::format("{:.21g}", value.fraction);
  return scalar_from(number, path, digits);
}

}  // namespace

std::vector<std::string> parts_of_list(const shm::field& what, const std::string& path,
                                       const std::string& text) {
  const bool is_list = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (!is_list) refuse_value(what, path, text, "write [1,2,3]");
  std::vector<std::string> parts(1);
  unsigned depth = 0;
  bool is_quoted = false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted && c == '\\') {
      parts.back() += c;
      parts.back() += text[++i];
      continue;
    }
    if (c == '"') is_quoted = !is_quoted;
    if (!is_quoted && c == '[') ++depth;
    if (!is_quoted && c == ']') --depth;
    if (!is_quoted && depth == 0 && c == ',') {
      parts.emplace_back();
    } else if (c != ' ' || is_quoted || !parts.back().empty()) {
      parts.back() += c;
    }
  }
  if (parts.size() == 1 && parts[0].empty()) parts.clear();
  return parts;
}

const shm::field& contents_of(const shm::field& what) {
  return what
      .members[what.meaning == field_meaning::optional || what.meaning == field_meaning::bits ? 0
                                                                                              : 1];
}

bytes_view contents_in(const shm::field& what, bytes_view one) {
  const shm::field& contents = contents_of(what);
  std::size_t size = bytes_of(contents);
  switch (what.meaning) {
    case field_meaning::string: size = size_in(what, one); break;
    case field_meaning::vector:
      size = size / static_cast<std::size_t>(contents.dimensions[0]) * size_in(what, one);
      break;
    case field_meaning::optional: size = is_engaged(what, one) ? size : 0; break;
    default: break;
  }
  return one.subspan(static_cast<std::size_t>(contents.offset), size);
}

shm::field element_of(const shm::field& vector) {
  shm::field one = vector.members[1];
  one.dimensions.erase(one.dimensions.begin());
  return one;
}

ticks ticks_in(const shm::field& what, bytes_view bytes) {
  const std::vector<std::byte> one = native(what, bytes);
  ticks value;
  switch (what.type) {
    case shm::field_type::boolean:
    case shm::field_type::character: value.whole = whole_in<unsigned char>(one); break;
    case shm::field_type::int8: value.whole = whole_in<std::int8_t>(one); break;
    case shm::field_type::uint8: value.whole = whole_in<std::uint8_t>(one); break;
    case shm::field_type::int16: value.whole = whole_in<std::int16_t>(one); break;
    case shm::field_type::uint16: value.whole = whole_in<std::uint16_t>(one); break;
    case shm::field_type::int32: value.whole = whole_in<std::int32_t>(one); break;
    case shm::field_type::uint32: value.whole = whole_in<std::uint32_t>(one); break;
    case shm::field_type::int64: value.whole = whole_in<std::int64_t>(one); break;
    case shm::field_type::uint64: value.whole = whole_in<std::uint64_t>(one); break;
    default:
      value.are_whole = false;
      value.fraction = real_in(what, one);
      break;
  }
  return value;
}

std::string time_text_of(const shm::field& what, bytes_view one) {
  return time_text(what, ticks_in(what, one));
}

std::optional<std::string> enumerator_in(const shm::field& what, bytes_view one) {
  if (what.enumerators.empty()) return std::nullopt;
  const wide value = ticks_in(what, one).whole;
  for (const shm::enumerator& known : what.enumerators) {
    if (wide{known.value} == value) return known.name;
  }
  return std::nullopt;
}

std::string bits_text(const shm::field& what, bytes_view one) {
  std::string text = "0b";
  for (std::uint64_t i = what.bits; i-- != 0;) {
    const std::byte byte = one[static_cast<std::size_t>(i / 8)];
    text += (byte >> (i % 8) & std::byte{1}) == std::byte{0} ? '0' : '1';
  }
  return text;
}

std::string meaning_text(const shm::field& what, bytes_view one, audience to) {
  const bytes_view contents = what.members.empty() ? one : contents_in(what, one);
  switch (what.meaning) {
    case field_meaning::duration:
    case field_meaning::time_point: return time_text_of(what, one);
    case field_meaning::bits: return bits_text(what, one);
    case field_meaning::optional:
      return contents.empty() ? std::string(none) : inline_text(contents_of(what), contents, 0, to);
    case field_meaning::string:
      return quoted(
          {static_cast<const char*>(static_cast<const void*>(contents.data())), contents.size()},
          '"');
    case field_meaning::vector: {
      const shm::field element = element_of(what);
      std::vector<std::string> parts;
      for (std::size_t at = 0; at < contents.size(); at += bytes_of(element)) {
        parts.push_back(inline_text(element, contents.subspan(at, bytes_of(element)), 0, to));
      }
      return fmt::format("[{}]", fmt::join(parts, ", "));
    }
    case field_meaning::plain: break;
  }
  return "";
}

std::vector<std::byte> meaning_from(const shm::field& what, const std::string& path,
                                    const std::string& text) {
  switch (what.meaning) {
    case field_meaning::duration:
    case field_meaning::time_point: return time_from(what, path, text);
    case field_meaning::bits: return bits_from(what, path, text);
    case field_meaning::optional: return optional_from(what, path, text);
    case field_meaning::string: return string_from(what, path, text);
    case field_meaning::vector: return vector_from(what, path, text);
    case field_meaning::plain: break;
  }
  return {};
}

std::vector<std::byte> what_counts_by_meaning(const shm::field& what, bytes_view one) {
  std::vector<std::byte> bytes(one.size());
  const auto keep = [&](std::uint64_t from, std::size_t size) {
    std::memcpy(bytes.data() + from, one.data() + from, size);
  };
  keep(contents_of(what).offset, contents_in(what, one).size());
  if (what.meaning == field_meaning::optional) {
    bytes[static_cast<std::size_t>(what.members[1].offset)] =
        is_engaged(what, one) ? std::byte{1} : std::byte{0};
  } else if (what.meaning != field_meaning::bits) {
    keep(what.members[0].offset, static_cast<std::size_t>(what.members[0].size));
  }
  return bytes;
}

}  // namespace tool
