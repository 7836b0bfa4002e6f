// List: whether a Boost.Hana list names the members that a struct really has.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "members.hpp"

namespace shm::detail {

/// The types of the members listed, as they are declared.
template <class T>
constexpr auto listed_types() {
  return boost::hana::unpack(boost::hana::accessors<T>(), [](auto... member) {
    return type_list<
        std::remove_reference_t<decltype(boost::hana::second(member)(std::declval<T&>()))>...>();
  });
}

template <class T>
constexpr std::size_t count_listed() {
  std::size_t listed = 0;
  for_each_member<T>([&listed](const char*, auto) { ++listed; });
  return listed;
}

/// Whether an accessor that BOOST_HANA_DEFINE_STRUCT made gives a member of another class.
template <class T, class Accessor>
inline constexpr bool is_of_another_class = true;
template <class T, class Member, Member T::*Pointer>
inline constexpr bool
    is_of_another_class<T, boost::hana::struct_detail::member_ptr<Member T::*, Pointer>> = false;

template <class T>
constexpr bool lists_another_class() {
  bool another = false;
  for_each_member<T>([&another](const char*, auto accessor) {
    another = another || is_of_another_class<T, decltype(accessor)>;
  });
  return another;
}

/// Whether the list is that of a base class. (BOOST_HANA_DEFINE_STRUCT puts a class of that name
/// into the struct.)
template <class T, class = void>
inline constexpr bool inherits_list = false;
template <class T>
inline constexpr bool inherits_list<T, std::void_t<typename T::hana_accessors_impl>> =
    std::is_same_v<decltype(boost::hana::accessors<T>()),
                   decltype(T::hana_accessors_impl::apply())>&&
    lists_another_class<T>();

/// A name that is found in two base classes is ambiguous, whether or not it may be used.
struct named_like_a_list {
  struct hana_accessors_impl;
};
template <class T>
struct beside_the_name : T, named_like_a_list {};
template <class T, class = void>
inline constexpr bool has_name_of_a_list = true;
template <class T>
inline constexpr bool
    has_name_of_a_list<T, std::void_t<typename beside_the_name<T>::hana_accessors_impl>> = false;

/// Whether there is a list in a private section, where Hana does not find it.
template <class T>
constexpr bool hides_list() {
  if constexpr (std::is_class_v<T> && !std::is_final_v<T> && !has_list<T>) {
    return has_name_of_a_list<T>;
  } else {
    return false;
  }
}

/// How many members T has at least: nothing tells of those of a class with a constructor, or of
/// other base classes than the first.
template <class T>
constexpr std::size_t least_members() {
  if constexpr (!is_plain_struct<T>) {
    return 0;
  } else if constexpr (has_base<T>) {
    return member_count<T> - 1 + member_count_of_base<T>;
  } else {
    return member_count<T>;
  }
}

/// Whether the members listed fill the type, as a compiler lays them out, and none is left out that
/// lies in padding.
template <class T>
constexpr bool lists_all_members() {
  if (count_listed<T>() < least_members<T>()) return false;
  std::size_t end = 0, bytes = 0;
  for_each_member<T>([&](const char*, auto accessor) {
    using member = member_type<T, decltype(accessor)>;
    end = (end + alignof(member) - 1) / alignof(member) * alignof(member) + sizeof(member);
    bytes += sizeof(member);
  });
  end = (end + alignof(T) - 1) / alignof(T) * alignof(T);
  if (bytes == sizeof(T)) return true;  // packed, perhaps
  // A type without padding has no gap between the members listed.
  if (bytes < sizeof(T) && std::has_unique_object_representations_v<T>) return false;
  // What follows a base class may lie behind the padding of that.
  if (is_plain_struct<T> && has_base<T>) return end <= sizeof(T);
  return std::max(end, std::size_t{1}) == sizeof(T);
}

/// Both in one object. Clang calls this comparison unspecified between members of different types,
/// and evaluates it only where asked whether it could.
constexpr bool lies_before(const void* a, const void* b) {
  return __builtin_constant_p(a < b) ? a < b : a < b;
}

/// Whether the members are listed in the order in which they lie.
template <class T>
constexpr bool lists_in_order() {
  bool in_order = true;
  bool is_first = true;
  const void* before = nullptr;
  for_each_member<T>([&](const char*, auto accessor) {
    const void* const address = std::addressof(accessor(ghost<T>()));
    in_order = in_order && (is_first || lies_before(before, address));
    is_first = false;
    before = address;
  });
  return in_order;
}

}  // namespace shm::detail
