// Field: one member of a described type: its name, type, place and number, and the members inside.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace shm {

enum class field_type {
  boolean,
  character,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
  long_double,
  complex64,            ///< two float32
  complex128,           ///< two float64
  complex_long_double,  ///< two long_double
  text,                 ///< char[size]
  opaque,               ///< bytes of which only their number is known
  structure
};

/// What a field stands for, if its type does not tell.
enum class field_meaning {
  plain,
  duration,    ///< a number of ticks
  time_point,  ///< a number of ticks since the epoch of a clock
  bits,        ///< a structure: `words` of 64 bits, the first bit is the lowest of the first
  optional,    ///< a structure: `value`, and whether it is `engaged`
  string,      ///< a structure: `size`, and a `text` of which so many bytes count
  vector       ///< a structure: `size`, and `items` of which so many count
};

struct enumerator {
  std::string name;
  std::uint64_t value = 0;
};

/// A field as it is stored, and what the program says about it. Every text in it may come from a
/// stranger and hold any bytes.
struct field {
  std::string name;  ///< "" for a whole value
  field_type type = field_type::opaque;
  bool big_endian = false;
  std::uint64_t offset = 0;               ///< from the start of the struct that it is a member of
  std::uint64_t size = 0;                 ///< bytes; of one element, where there are dimensions
  std::vector<std::uint64_t> dimensions;  ///< of an array, outermost first; 0 stands alone
  std::vector<field> members;             ///< of a structure

  field_meaning meaning = field_meaning::plain;  ///< of one element
  std::uint64_t tick_numerator = 1;              ///< of a duration or time_point, in seconds
  std::uint64_t tick_denominator = 1;
  std::string clock;                    ///< of a time_point: system, steady, or a C++ type
  std::uint64_t bits = 0;               ///< of a bitset
  std::vector<enumerator> enumerators;  ///< of an enum, as far as they are known
  std::string unit;                     ///< for example m/s; "" for none
  double least = -std::numeric_limits<double>::infinity();  ///< where the value has a range
  double most = std::numeric_limits<double>::infinity();
  std::string text;  ///< for people; "" for none

  /// How many elements, over all dimensions; 1 for no array.
  std::uint64_t count() const noexcept {
    std::uint64_t product = 1;
    for (const std::uint64_t dimension : dimensions) product *= dimension;
    return product;
  }

  /// Of a duration or time_point: ms, or 1/60 s where that has no name.
  std::string tick_in_words() const {
    struct unit_of_time {
      std::uint64_t numerator, denominator;
      const char* name;
    };
    static constexpr unit_of_time known[] = {
        {1, 1'000'000'000, "ns"}, {1, 1'000'000, "us"}, {1, 1000, "ms"}, {1, 1, "s"},
        {60, 1, "min"},           {3600, 1, "h"},       {86400, 1, "d"}};
    for (const unit_of_time& one : known) {
      if (one.numerator == tick_numerator && one.denominator == tick_denominator) return one.name;
    }
    return std::to_string(tick_numerator) + '/' + std::to_string(tick_denominator) + " s";
  }

  /// For people: float[4], duration in ms.
  std::string type_in_words() const {
    std::string words = meaning == field_meaning::plain ? element_in_words() : meaning_in_words();
    for (const std::uint64_t dimension : dimensions) words += '[' + std::to_string(dimension) + ']';
    return big_endian ? words + " (big-endian)" : words;
  }

 private:
  std::string meaning_in_words() const {
    switch (meaning) {
      case field_meaning::duration: return "duration in " + tick_in_words();
      case field_meaning::time_point: return clock + " time in " + tick_in_words();
      case field_meaning::bits: return "bitset of " + std::to_string(bits);
      case field_meaning::optional: return "optional " + members[0].type_in_words();
      case field_meaning::string: return "string of at most " + std::to_string(members[1].size);
      case field_meaning::vector: {
        field one = members[1];
        one.dimensions.erase(one.dimensions.begin());
        return "vector of at most " + std::to_string(members[1].dimensions[0]) + ' ' +
               one.type_in_words();
      }
      case field_meaning::plain: break;
    }
    return element_in_words();
  }

  std::string element_in_words() const {
    switch (type) {
      case field_type::boolean: return "bool";
      case field_type::character: return "char";
      case field_type::int8: return "int8";
      case field_type::uint8: return "uint8";
      case field_type::int16: return "int16";
      case field_type::uint16: return "uint16";
      case field_type::int32: return "int32";
      case field_type::uint32: return "uint32";
      case field_type::int64: return "int64";
      case field_type::uint64: return "uint64";
      case field_type::float32: return "float";
      case field_type::float64: return "double";
      case field_type::long_double: return "long double";
      case field_type::complex64: return "complex float";
      case field_type::complex128: return "complex double";
      case field_type::complex_long_double: return "complex long double";
      case field_type::text: return "char[" + std::to_string(size) + ']';
      case field_type::opaque:
        return "opaque " + std::to_string(size) + (size == 1 ? " byte" : " bytes");
      case field_type::structure: return "struct";
    }
    return "unknown";
  }
};

}  // namespace shm
