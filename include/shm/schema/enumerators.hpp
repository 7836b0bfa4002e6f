// Enumerators: what the values of an enum are called, as the compiler names them.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace shm::detail {

/// Enumerators are looked for among the values from 0 to this one.
inline constexpr int greatest_enumerator = 127;

/// Its own signature, which ends with `Values = {gear::neutral, (gear)1}]`, or with angle brackets:
/// a value without a name is written as a cast.
template <class E, E... Values>
constexpr const char* signature_with_values() noexcept {
  return __PRETTY_FUNCTION__;
}

/// Takes the first value of such a list away. Commas inside brackets or quotes separate nothing,
/// and brackets in quotes are none.
constexpr std::string_view take_value(std::string_view& list) noexcept {
  std::size_t end = 0, depth = 0;
  for (; end < list.size() && (depth != 0 || list[end] != ','); ++end) {
    if (list[end] == '\'') {  // 'x', '\x'
      const std::size_t escape = list.substr(end + 1, 1) == "\\" ? 3 : 2;
      end = std::min(list.find('\'', end + escape), list.size() - 1);
    } else if (list[end] == '(' || list[end] == '<') {
      ++depth;
    } else if (list[end] == ')' || list[end] == '>') {
      --depth;
    }
  }
  const std::string_view first = list.substr(0, end);
  list.remove_prefix(std::min(end + 2, list.size()));
  return first;
}

/// What a value is called; "" for a cast.
constexpr std::string_view name_of_value(std::string_view written) noexcept {
  const std::size_t begin = written.find_last_of(":)>'") + 1;  // npos + 1 is 0
  const bool is_cast = begin != 0 && written[begin - 1] != ':';
  return is_cast ? std::string_view() : written.substr(begin);
}

/// Whether that value can be one of E: an enum without a fixed type has only the bits that its
/// enumerators need. Compilers warn of other values, and here one asks for them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
template <class E, int Value, class = void>
inline constexpr bool is_value_of = false;
template <class E, int Value>
inline constexpr bool
    is_value_of<E, Value, std::void_t<std::integral_constant<E, static_cast<E>(Value)>>> =
        static_cast<std::underlying_type_t<E>>(Value) == Value;

/// 127, or as far as E goes.
template <class E, int Greatest = greatest_enumerator>
constexpr int greatest_value() noexcept {
  if constexpr (Greatest == 0 || is_value_of<E, Greatest>) {
    return Greatest;
  } else {
    return greatest_value<E, Greatest / 2>();
  }
}

/// `neutral=0,reverse=1`, in the order of their values; "" where none is found.
template <class E, int... Values>
std::string enumerators_of(std::integer_sequence<int, Values...>) {
  std::string_view list = signature_with_values<E, static_cast<E>(Values)...>();
  list.remove_prefix(list.rfind("Values = ") + 10);
  list.remove_suffix(2);
  std::string found;
  for (const int value : {Values...}) {
    const std::string_view name = name_of_value(take_value(list));
    if (name.empty()) continue;
    if (!found.empty()) found += ',';
    found += std::string(name) + '=' + std::to_string(value);
  }
  return found;
}
template <class E>
std::string enumerators_of() {
  return enumerators_of<E>(std::make_integer_sequence<int, greatest_value<E>() + 1>());
}
#pragma GCC diagnostic pop

}  // namespace shm::detail
