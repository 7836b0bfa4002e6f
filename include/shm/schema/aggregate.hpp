// Aggregate: the members of a plain struct: how many they are, and of which types.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace shm::detail {

template <std::size_t N>
using number = std::integral_constant<std::size_t, N>;

template <class... T>
struct type_list {
  static constexpr std::size_t size = sizeof...(T);
  template <std::size_t I>
  using at = std::tuple_element_t<I, std::tuple<T...>>;
};

/// Converts to whatever a member is.
struct anything {
  template <class T>
  operator T() const {
    __builtin_unreachable();  // it is defined, because clang misses it for types without linkage
  }
};

// For each number of members from 1 to 70, three functions:
//  - accepts: whether a T can be initialised with that many pairs of braces, one for each member,
//    and with something Behind them;
//  - base_accepts: the same for what a T begins with, if that is a struct;
//  - members_of: references to the members; to a bit-field of a const T, a reference to a copy.
#define SHM_NAME(x) x
#define SHM_BRACES(x) \
  {}
#define SHM_1(f, x) f(x##0)
#define SHM_2(f, x) SHM_1(f, x), f(x##1)
#define SHM_3(f, x) SHM_2(f, x), f(x##2)
#define SHM_4(f, x) SHM_3(f, x), f(x##3)
#define SHM_5(f, x) SHM_4(f, x), f(x##4)
#define SHM_6(f, x) SHM_5(f, x), f(x##5)
#define SHM_7(f, x) SHM_6(f, x), f(x##6)
#define SHM_8(f, x) SHM_7(f, x), f(x##7)
#define SHM_9(f, x) SHM_8(f, x), f(x##8)
#define SHM_10(f, x) SHM_9(f, x), f(x##9)
#define SHM_TENS_0(f)
#define SHM_TENS_1(f) SHM_10(f, a),
#define SHM_TENS_2(f) SHM_TENS_1(f) SHM_10(f, b),
#define SHM_TENS_3(f) SHM_TENS_2(f) SHM_10(f, c),
#define SHM_TENS_4(f) SHM_TENS_3(f) SHM_10(f, d),
#define SHM_TENS_5(f) SHM_TENS_4(f) SHM_10(f, e),
#define SHM_TENS_6(f) SHM_TENS_5(f) SHM_10(f, g),
#define SHM_ALL(tens, ones, x, f) SHM_TENS_##tens(f) SHM_##ones(f, x)
#define SHM_FUNCTIONS(tens, ones, x)                                        \
  template <class T, class... Behind>                                       \
  auto accepts(number<10 * tens + ones>)                                    \
      ->decltype(T{SHM_ALL(tens, ones, x, SHM_BRACES), Behind()...}, true); \
  template <class T>                                                        \
  auto base_accepts(number<10 * tens + ones>)                               \
      ->decltype(T{{SHM_ALL(tens, ones, x, SHM_BRACES)}}, true);            \
  template <class T>                                                        \
  constexpr auto members_of(number<10 * tens + ones>, T& value) noexcept {  \
    auto& [SHM_ALL(tens, ones, x, SHM_NAME)] = value;                       \
    return std::tie(SHM_ALL(tens, ones, x, SHM_NAME));                      \
  }
#define SHM_ROW(tens, x)    \
  SHM_FUNCTIONS(tens, 1, x) \
  SHM_FUNCTIONS(tens, 2, x) \
  SHM_FUNCTIONS(tens, 3, x) \
  SHM_FUNCTIONS(tens, 4, x) \
  SHM_FUNCTIONS(tens, 5, x) \
  SHM_FUNCTIONS(tens, 6, x) \
  SHM_FUNCTIONS(tens, 7, x) \
  SHM_FUNCTIONS(tens, 8, x) \
  SHM_FUNCTIONS(tens, 9, x) \
  SHM_FUNCTIONS(tens, 10, x)
SHM_ROW(0, a)
SHM_ROW(1, b)
SHM_ROW(2, c)
SHM_ROW(3, d)
SHM_ROW(4, e)
SHM_ROW(5, g)
SHM_ROW(6, h)
#undef SHM_NAME
#undef SHM_BRACES
#undef SHM_1
#undef SHM_2
#undef SHM_3
#undef SHM_4
#undef SHM_5
#undef SHM_6
#undef SHM_7
#undef SHM_8
#undef SHM_9
#undef SHM_10
#undef SHM_TENS_0
#undef SHM_TENS_1
#undef SHM_TENS_2
#undef SHM_TENS_3
#undef SHM_TENS_4
#undef SHM_TENS_5
#undef SHM_TENS_6
#undef SHM_ALL
#undef SHM_FUNCTIONS
#undef SHM_ROW

/// Whether a T, or a base class that it begins with, has at least N members. A class with members
/// that cannot be initialised with empty braces seems to have none.
template <class T, std::size_t N, class = void>
inline constexpr bool has_at_least = false;
template <class T, std::size_t N>
inline constexpr bool has_at_least<T, N, std::void_t<decltype(accepts<T>(number<N>()))>> = true;

/// Whether there is a member behind the first N, which {} does not initialise.
template <class T, std::size_t N, class = void>
inline constexpr bool hides_more_than = false;
template <class T, std::size_t N>
inline constexpr bool
    hides_more_than<T, N, std::void_t<decltype(accepts<T, anything>(number<N>()))>> = true;

template <class T, std::size_t N, class = void>
inline constexpr bool base_has_at_least = false;
template <class T, std::size_t N>
inline constexpr bool base_has_at_least<T, N, std::void_t<decltype(base_accepts<T>(number<N>()))>> =
    true;

/// So many members are seen; of more it is only known that they are more.
inline constexpr std::size_t most_members_seen = 69;

/// Converts to any base class of T, and to nothing else.
template <class T>
struct any_base_of {
  template <class Base,
            class = std::enable_if_t<std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>>>
  operator Base() const;
};
/// Converts to nothing: a first member that takes it takes everything, and is no base class.
struct nothing_of_interest {};

template <class T, class First, class = void>
inline constexpr bool can_begin_with = false;
template <class T, class First>
inline constexpr bool can_begin_with<T, First, std::void_t<decltype(T{First()})>> = true;
template <class T>
inline constexpr bool has_base =
    can_begin_with<T, any_base_of<T>> && !can_begin_with<T, nothing_of_interest>;

template <class T, class = void>
inline constexpr bool is_tuple_like = false;
template <class T>
inline constexpr bool is_tuple_like<T, std::void_t<decltype(std::tuple_size<T>::value)>> = true;

/// Whether it has at least that many members is asked by bisection.
template <template <std::size_t> class HasAtLeast, std::size_t Low = 0,
          std::size_t High = most_members_seen + 1>
constexpr std::size_t count_members() {
  if constexpr (Low == High) {
    return Low;
  } else {
    constexpr std::size_t middle = (Low + High + 1) / 2;
    if constexpr (HasAtLeast<middle>::value) {
      return count_members<HasAtLeast, middle, High>();
    } else {
      return count_members<HasAtLeast, Low, middle - 1>();
    }
  }
}

template <class T>
struct members_of_type {
  template <std::size_t N>
  using at_least = std::bool_constant<has_at_least<T, N>>;
  template <std::size_t N>
  using at_least_in_base = std::bool_constant<base_has_at_least<T, N>>;
};

/// Of a class without constructors and private members: how many members it has, each base class
/// counted as one. 0 where it cannot be known.
template <class T>
inline constexpr std::size_t member_count_by_braces =
    count_members<members_of_type<T>::template at_least>();
template <class T>
inline constexpr std::size_t member_count =
    hides_more_than<T, member_count_by_braces<T>> ? 0 : member_count_by_braces<T>;
template <class T>
inline constexpr std::size_t member_count_of_base =
    count_members<members_of_type<T>::template at_least_in_base>();

template <class T>
inline constexpr bool is_plain_struct =
    std::is_class_v<T>&& std::is_aggregate_v<T> && !std::is_empty_v<T> && !is_tuple_like<T>;

/// Whether the types of all members can be seen.
template <class T>
constexpr bool shows_members() {
  if constexpr (is_plain_struct<T>) {
    return !has_base<T> && member_count<T> > 0 && member_count<T> <= most_members_seen;
  } else {
    return false;
  }
}

template <class... T>
type_list<std::remove_const_t<T>...> types_behind(const std::tuple<T&...>&);

/// The types of the members, without const. A const T has references to its bit-fields, too.
template <class T>
using member_types =
    decltype(types_behind(members_of(number<member_count<T>>(), std::declval<const T&>())));

}  // namespace shm::detail
