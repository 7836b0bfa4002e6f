// Comparison: ==3, >=1500ms: the value of a field with one that a person types.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "columns.hpp"

namespace tool {

class comparison {
 public:
  /// `typed` is an operator, == != < <= > >=, and a value as `shm set` takes it. Throws refusal.
  comparison(const column& where, const std::string& typed);

  /// Compares numbers, times and enumerators by their values, text byte by byte. A value without an
  /// order, such as NaN or none, equals only the same value, and is neither less nor greater.
  bool holds_in(bytes_view value) const;

 private:
  enum class relation { equal, unequal, at_most, at_least, less, greater };

  static relation take_relation(std::string& typed);

  column where_;
  relation relation_ = relation::equal;
  std::vector<std::byte> wanted_;
};

}  // namespace tool
