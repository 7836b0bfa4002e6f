// Value text: one scalar of a value, from its bytes to text that a person can read, and back.
// SPDX-License-Identifier: MIT
#include "value_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "exit_code.hpp"
#include "meaning_text.hpp"
#include "readable.hpp"

namespace tool {

namespace {

std::string hex_text(bytes_view bytes, audience to) {
  constexpr std::size_t enough = 32;
  const std::size_t shown = to == audience::people ? std::min(bytes.size(), enough) : bytes.size();
  std::string text = "0x";
  for (const std::byte one : bytes.first(shown)) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(one));
  }
  return bytes.size() > shown ? text + "…" : text;
}

std::string bool_text(unsigned char value, audience to) {
  if (value > 1) return fmt::format("{}{}", value, to == audience::people ? " (no bool)" : "");
  return value == 1 ? "true" : "false";
}

template <class Float>
std::string complex_text(bytes_view one) {
  const auto imaginary = number_in<Float>(one.subspan(sizeof(Float)));
  return fmt::format("{}{}{}i", number_in<Float>(one), std::signbit(imaginary) ? "" : "+",
                     imaginary);
}

std::string structure_text(const shm::field& what, bytes_view one, audience to) {
  std::vector<std::string> parts;
  for (const shm::field& member : what.members) {
    const bytes_view bytes = one.subspan(static_cast<std::size_t>(member.offset),
                                         static_cast<std::size_t>(member.size * member.count()));
    parts.push_back(
        fmt::format("{}: {}", readable(member.name), inline_text(member, bytes, 0, to)));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

template <class T>
std::vector<std::byte> bytes_of(const shm::field& what, const T& value) {
  std::vector<std::byte> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  if (what.big_endian) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

template <class Int>
std::vector<std::byte> integer_from(const shm::field& what, const std::string& path,
                                    const std::string& text) {
  using limits = std::numeric_limits<Int>;
  const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const char* const start = text.data() + (hex ? 2 : 0);
  const char* const end = text.data() + text.size();
  Int value{};
  const auto read = std::from_chars(start, end, value, hex ? 16 : 10);
  if (read.ec != std::errc() || read.ptr != end || (hex && *start == '-')) {
    refuse_value(what, path, text, fmt::format("from {} to {}", +limits::min(), +limits::max()));
  }
  return bytes_of(what, value);
}

/// An x87 long double ends in padding.
template <class Float>
constexpr std::size_t significant_bytes_of = std::numeric_limits<Float>::digits == 64
                                                 ? 10
                                                 : sizeof(Float);

/// Rounded once, to what it is to be.
template <class Float>
Float read_float(const char* text, char** end) {
  if constexpr (std::is_same_v<Float, float>) {
    return std::strtof(text, end);
  } else if constexpr (std::is_same_v<Float, double>) {
    return std::strtod(text, end);
  } else {
    return std::strtold(text, end);
  }
}

template <class Float>
std::vector<std::byte> float_from(const shm::field& what, const std::string& path,
                                  const std::string& text) {
  using limits = std::numeric_limits<Float>;
  char* end = nullptr;
  errno = 0;
  const Float value = read_float<Float>(text.c_str(), &end);
  const bool whole = !text.empty() && std::isspace(static_cast<unsigned char>(text[0])) == 0 &&
                     end == text.c_str() + text.size();
  const bool too_large = errno == ERANGE && std::isinf(value);
  if (!whole || too_large) {
    refuse_value(what, path, text,
                 fmt::format("from {} to {}, inf, nan", limits::lowest(), limits::max()));
  }
  if (errno == ERANGE && value == 0) {
    refuse_value(what, path, text,
                 fmt::format("nearest to zero: {}", std::numeric_limits<Float>::denorm_min()));
  }
  std::vector<std::byte> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, significant_bytes(what));
  if (what.big_endian) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

std::vector<std::byte> what_counts_in_one(const shm::field& what, bytes_view one) {
  if (what.meaning != shm::field_meaning::plain && !what.members.empty()) {
    return what_counts_by_meaning(what, one);
  }
  std::vector<std::byte> bytes(one.begin(), one.end());
  const auto end = what.type == shm::field_type::text
                       ? std::find(bytes.begin(), bytes.end(), std::byte{0})
                       : bytes.begin() + static_cast<std::ptrdiff_t>(significant_bytes(what));
  std::fill(end, bytes.end(), std::byte{0});
  return bytes;
}

/// Re+Imi, Re, or Imi.
template <class Float>
std::vector<std::byte> complex_from(const shm::field& what, const std::string& path,
                                    const std::string& text) {
  Float parts[2] = {0, 0};
  char* end = nullptr;
  const Float first = read_float<Float>(text.c_str(), &end);
  bool is_right = end != text.c_str();
  if (is_right && *end == 'i') {
    parts[1] = first;
    ++end;
  } else if (is_right) {
    parts[0] = first;
    if (*end == '+' || *end == '-') {
      const char* const start = end;
      parts[1] = read_float<Float>(start, &end);
      is_right = end != start && *end == 'i';
      if (is_right) ++end;
    }
  }
  if (!is_right || *end != 0) refuse_value(what, path, text, "write it as 1.5+2i");
  std::vector<std::byte> bytes(sizeof parts);
  for (std::size_t i = 0; i < 2; ++i) {
    std::memcpy(bytes.data() + i * sizeof(Float), &parts[i], significant_bytes_of<Float>);
  }
  return bytes;
}

/// The digits of an enumerator's value where the text is its name; else the text.
std::string value_of_enumerator(const shm::field& what, const std::string& path,
                                const std::string& text) {
  std::vector<std::string> known;
  for (const shm::enumerator& one : what.enumerators) {
    if (one.name == text) return fmt::format("{}", one.value);
    known.push_back(readable(one.name));
  }
  const bool is_number =
      !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) != 0 || text[0] == '-');
  const bool is_truth =
      what.type == shm::field_type::boolean && (text == "true" || text == "false");
  if (known.empty() || is_number || is_truth) return text;
  throw refusal(wrong_usage, fmt::format("{}: there is no \"{}\"; there are: {}", path,
                                         readable(text, 64), fmt::join(known, ", ")));
}

/// What a number has to be according to the notes of its program.
void refuse_out_of_range(const shm::field& what, const std::string& path, const std::string& text,
                         bytes_view bytes) {
  const bool has_range = std::isfinite(what.least) || std::isfinite(what.most);
  if (!has_range || what.type > shm::field_type::long_double) return;
  const ticks number = ticks_in(what, bytes);
  // In the field's own precision: 0.7 of a float is not 0.7 of a double.
  const bool is_float = what.type == shm::field_type::float32;
  const auto bound = [&](double given) {
    return is_float ? static_cast<double>(static_cast<float>(given)) : given;
  };
  const double value =
      number.are_whole ? static_cast<double>(number.whole) : static_cast<double>(number.fraction);
  if (value >= bound(what.least) && value <= bound(what.most)) return;  // a NaN is in no range
  const std::string unit = what.unit.empty() ? "" : ' ' + readable(what.unit, 40);
  throw refusal(wrong_usage, fmt::format("{}: {} is not from {} to {}{}", path, readable(text, 64),
                                         what.least, what.most, unit));
}

}  // namespace

void refuse_value(const shm::field& what, const std::string& path, const std::string& text,
                  const std::string& range) {
  shm::field one = what;
  one.dimensions.clear();
  throw refusal(wrong_usage, fmt::format("{}: \"{}\" is no {} ({})", path, readable(text, 64),
                                         readable(one.type_in_words(), 120), range));
}

long double real_in(const shm::field& what, bytes_view one) {
  switch (what.type) {
    case shm::field_type::float32: return static_cast<long double>(number_in<float>(one));
    case shm::field_type::float64: return static_cast<long double>(number_in<double>(one));
    default: return number_in<long double>(one);
  }
}

shm::field as_number(shm::field what) {
  what.meaning = shm::field_meaning::plain;
  if (what.type == shm::field_type::character) {
    what.type = std::is_signed_v<char> ? shm::field_type::int8 : shm::field_type::uint8;
  }
  return what;
}

std::vector<std::byte> native(const shm::field& what, bytes_view bytes) {
  std::vector<std::byte> copy(bytes.begin(),
                              bytes.begin() + static_cast<std::ptrdiff_t>(what.size));
  if (what.big_endian) std::reverse(copy.begin(), copy.end());
  return copy;
}

std::size_t significant_bytes(const shm::field& what) noexcept {
  return what.type == shm::field_type::long_double ? significant_bytes_of<long double>
                                                   : static_cast<std::size_t>(what.size);
}

std::vector<std::byte> what_counts(const shm::field& what, bytes_view bytes) {
  std::vector<std::byte> all;
  const auto size = static_cast<std::size_t>(what.size);
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    const std::vector<std::byte> one = what_counts_in_one(what, bytes.subspan(at, size));
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

std::string text_in(bytes_view bytes) {
  const std::string all(static_cast<const char*>(static_cast<const void*>(bytes.data())),
                        bytes.size());
  return all.substr(0, all.find('\0'));
}

std::string scalar_text(const shm::field& what, bytes_view bytes, audience to) {
  if (what.meaning != shm::field_meaning::plain) return meaning_text(what, bytes, to);
  if (const auto name = enumerator_in(what, bytes)) return readable(*name);
  const std::vector<std::byte> one = native(what, bytes);
  switch (what.type) {
    case shm::field_type::boolean: return bool_text(number_in<unsigned char>(one), to);
    case shm::field_type::character: return quoted(std::string(1, number_in<char>(one)), '\'');
    case shm::field_type::int8: return fmt::format("{}", number_in<signed char>(one));
    case shm::field_type::uint8: return fmt::format("{}", number_in<unsigned char>(one));
    case shm::field_type::int16: return fmt::format("{}", number_in<std::int16_t>(one));
    case shm::field_type::uint16: return fmt::format("{}", number_in<std::uint16_t>(one));
    case shm::field_type::int32: return fmt::format("{}", number_in<std::int32_t>(one));
    case shm::field_type::uint32: return fmt::format("{}", number_in<std::uint32_t>(one));
    case shm::field_type::int64: return fmt::format("{}", number_in<std::int64_t>(one));
    case shm::field_type::uint64: return fmt::format("{}", number_in<std::uint64_t>(one));
    case shm::field_type::float32: return fmt::format("{}", number_in<float>(one));
    case shm::field_type::float64: return fmt::format("{}", number_in<double>(one));
    case shm::field_type::long_double: return fmt::format("{:.18g}", number_in<long double>(one));
    case shm::field_type::complex64: return complex_text<float>(one);
    case shm::field_type::complex128: return complex_text<double>(one);
    case shm::field_type::complex_long_double: return complex_text<long double>(one);
    case shm::field_type::text: return quoted(text_in(one), '"');
    case shm::field_type::structure: return structure_text(what, one, to);
    case shm::field_type::opaque: break;
  }
  return hex_text(one, to);
}

std::string inline_text(const shm::field& what, bytes_view bytes, std::size_t dimension,
                        audience to) {
  std::vector<std::string> parts;
  if (dimension < what.dimensions.size()) {
    const auto count = static_cast<std::size_t>(what.dimensions[dimension]);
    std::size_t stride = static_cast<std::size_t>(what.size);
    for (std::size_t d = dimension + 1; d < what.dimensions.size(); ++d) {
      stride *= static_cast<std::size_t>(what.dimensions[d]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      parts.push_back(inline_text(what, bytes.subspan(i * stride, stride), dimension + 1, to));
    }
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  return scalar_text(what, bytes, to);
}

std::string csv_quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\n") == cell.npos) return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + '"';
}

std::vector<std::byte> scalar_from(const shm::field& what, const std::string& path,
                                   const std::string& text) {
  switch (what.type) {
    case shm::field_type::boolean:
      if (text == "true" || text == "1") return bytes_of(what, char{1});
      if (text == "false" || text == "0") return bytes_of(what, char{0});
      refuse_value(what, path, text, "true or false");
    case shm::field_type::character:
      if (text.size() == 3 && text[0] == '\'' && text[2] == '\'') return bytes_of(what, text[1]);
      if (text.size() != 1) refuse_value(what, path, text, "one character");
      return bytes_of(what, text[0]);
    case shm::field_type::int8: return integer_from<std::int8_t>(what, path, text);
    case shm::field_type::uint8: return integer_from<std::uint8_t>(what, path, text);
    case shm::field_type::int16: return integer_from<std::int16_t>(what, path, text);
    case shm::field_type::uint16: return integer_from<std::uint16_t>(what, path, text);
    case shm::field_type::int32: return integer_from<std::int32_t>(what, path, text);
    case shm::field_type::uint32: return integer_from<std::uint32_t>(what, path, text);
    case shm::field_type::int64: return integer_from<std::int64_t>(what, path, text);
    case shm::field_type::uint64: return integer_from<std::uint64_t>(what, path, text);
    case shm::field_type::float32: return float_from<float>(what, path, text);
    case shm::field_type::float64: return float_from<double>(what, path, text);
    case shm::field_type::long_double: return float_from<long double>(what, path, text);
    case shm::field_type::complex64: return complex_from<float>(what, path, text);
    case shm::field_type::complex128: return complex_from<double>(what, path, text);
    case shm::field_type::complex_long_double: return complex_from<long double>(what, path, text);
    case shm::field_type::text: {
      if (text.size() > what.size)
        refuse_value(what, path, text, fmt::format("at most {} bytes", what.size));
      std::vector<std::byte> bytes(static_cast<std::size_t>(what.size));
      std::memcpy(bytes.data(), text.data(), text.size());
      return bytes;
    }
    case shm::field_type::opaque:
    case shm::field_type::structure: break;
  }
  refuse_value(what, path, text,
               what.type == shm::field_type::opaque
                   ? "its program told nothing of its inside: compile it as C++20, or list its "
                     "members with BOOST_HANA_ADAPT_STRUCT"
                   : "name one of its members");
}

std::vector<std::byte> element_from(const shm::field& what, const std::string& path,
                                    const std::string& text) {
  if (what.meaning != shm::field_meaning::plain) {
    std::vector<std::byte> bytes = meaning_from(what, path, text);
    refuse_out_of_range(what, path, text, bytes);
    return bytes;
  }
  const std::string digits = value_of_enumerator(what, path, text);
  std::vector<std::byte> bytes =
      scalar_from(what.enumerators.empty() ? what : as_number(what), path, digits);
  refuse_out_of_range(what, path, text, bytes);
  return bytes;
}

std::vector<std::byte> value_from(const shm::field& what, const std::string& path,
                                  const std::string& text) {
  if (what.dimensions.empty()) return element_from(what, path, text);
  const std::vector<std::string> parts = parts_of_list(what, path, text);
  if (parts.size() != what.dimensions[0]) {
    refuse_value(what, path, text, fmt::format("write {} elements", what.dimensions[0]));
  }
  shm::field element = what;
  element.dimensions.erase(element.dimensions.begin());
  std::vector<std::byte> bytes;
  for (const std::string& part : parts) {
    const std::vector<std::byte> one = value_from(element, path, part);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

}  // namespace tool
