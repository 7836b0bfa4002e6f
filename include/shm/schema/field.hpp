// Field: one member of a described type: its name, type, place and number, and the members inside.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <cstdint>
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
  text,    ///< char[size]
  opaque,  ///< bytes of which only their number is known
  structure
};

/// Enums appear as the integers that they are stored as: their names are not in a segment.
struct field {
  std::string name;  ///< "" for a whole value; printable
  field_type type = field_type::opaque;
  bool big_endian = false;
  std::uint64_t offset = 0;               ///< from the start of the struct that it is a member of
  std::uint64_t size = 0;                 ///< bytes; of one element, where there are dimensions
  std::vector<std::uint64_t> dimensions;  ///< of an array, outermost first; 0 stands alone
  std::vector<field> members;             ///< of a structure

  /// How many elements, over all dimensions; 1 for no array.
  std::uint64_t count() const noexcept {
    std::uint64_t product = 1;
    for (const std::uint64_t dimension : dimensions) product *= dimension;
    return product;
  }

  /// For people: float[4].
  std::string type_in_words() const {
    std::string words = element_in_words();
    for (const std::uint64_t dimension : dimensions) words += '[' + std::to_string(dimension) + ']';
    return big_endian ? words + " (big-endian)" : words;
  }

 private:
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
      case field_type::text: return "char[" + std::to_string(size) + ']';
      case field_type::opaque:
        return "opaque " + std::to_string(size) + (size == 1 ? " byte" : " bytes");
      case field_type::structure: return "struct";
    }
    return "unknown";
  }
};

}  // namespace shm
