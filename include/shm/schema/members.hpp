// Members: the names, types and order of a struct's members, by a list or by reflection.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <algorithm>
#include <array>
#include <boost/hana/accessors.hpp>
#include <boost/hana/adapt_struct.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/define_struct.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/unpack.hpp>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "reflect.hpp"

namespace shm::detail {

/// Whether a list of its members was written for Boost.Hana.
template <class T>
inline constexpr bool has_list = boost::hana::Struct<T>::value;

/// Whether the members of a plain struct without a list are known by reflection.
template <class T>
constexpr bool can_be_reflected() {
  if constexpr (names_are_known && !has_list<T>) {
    if constexpr (shows_members<T>()) return !has_bit_fields<T>;
  }
  return false;
}

/// Whether names, types and order of the members are known: by a list, or by reflection.
template <class T>
inline constexpr bool has_members = has_list<T> || can_be_reflected<T>();

/// Calls visit(name, accessor) for each member, in their order.
template <class T, class Visit>
constexpr void for_each_member(Visit&& visit) {
  if constexpr (has_list<T>) {
    boost::hana::unpack(boost::hana::accessors<T>(), [&visit](auto... member) {
      (static_cast<void>(visit(boost::hana::first(member).c_str(), boost::hana::second(member))),
       ...);
    });
  } else {
#if __cplusplus >= 202002L
    for_each_reflected_member<T>(visit);
#endif
  }
}

template <class T, class Accessor>
using member_type = std::remove_cv_t<
    std::remove_reference_t<decltype(std::declval<Accessor>()(std::declval<T&>()))>>;

/// One dimension of a C array or std::array.
template <class T>
struct dimension {
  static constexpr bool is_array = false;
};
template <class T, std::size_t N>
struct dimension<T[N]> {
  static constexpr bool is_array = true;
  static constexpr std::size_t count = N;
  using element = std::remove_cv_t<T>;
};
template <class T, std::size_t N>
struct dimension<std::array<T, N>> {
  static constexpr bool is_array = true;
  static constexpr std::size_t count = N;
  using element = std::remove_cv_t<T>;
};

}  // namespace shm::detail
