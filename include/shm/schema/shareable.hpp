// Shareable: which types may live in shared memory, and for the others the rule that they break.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <gsl/span>
#include <optional>
#include <string_view>
#include <type_traits>

#include "members.hpp"

namespace shm {

namespace detail {

enum class sharing_rule {
  none_broken,
  no_address,
  trivially_copyable,
  not_volatile,
  all_members,
  in_order
};

template <class T>
inline constexpr bool refers_elsewhere = std::is_pointer_v<T> || std::is_reference_v<T> ||
                                         std::is_member_pointer_v<T> || std::is_null_pointer_v<T>;
template <class Char, class Traits>
inline constexpr bool refers_elsewhere<std::basic_string_view<Char, Traits>> = true;
template <class T, std::size_t Extent>
inline constexpr bool refers_elsewhere<gsl::span<T, Extent>> = true;
template <class T>
inline constexpr bool refers_elsewhere<std::reference_wrapper<T>> = true;
template <class T>
inline constexpr bool refers_elsewhere<std::optional<T>> = refers_elsewhere<T>;

template <class T>
constexpr sharing_rule find_broken_rule();

/// Found once for each type, however often it is a member: compilers count the steps.
template <class T>
inline constexpr sharing_rule broken_rule = find_broken_rule<T>();

template <class T>
constexpr sharing_rule broken_rule_of_members() {
  sharing_rule broken = sharing_rule::none_broken;
  for_each_member<T>([&broken](const char*, auto accessor) {
    using declared = std::remove_reference_t<decltype(accessor(std::declval<T&>()))>;
    if (broken != sharing_rule::none_broken) return;
    broken = std::is_volatile_v<declared> ? sharing_rule::not_volatile
                                          : broken_rule<std::remove_const_t<declared>>;
  });
  if (broken != sharing_rule::none_broken) return broken;
  if (!lists_all_members<T>()) return sharing_rule::all_members;
  return lists_in_order<T>() ? sharing_rule::none_broken : sharing_rule::in_order;
}

template <class T>
constexpr sharing_rule find_broken_rule() {
  if constexpr (dimension<T>::is_array) {
    return broken_rule<typename dimension<T>::element>;
  } else if constexpr (refers_elsewhere<T>) {
    return sharing_rule::no_address;
  } else if constexpr (std::is_volatile_v<T>) {
    return sharing_rule::not_volatile;
  } else if constexpr (!std::is_trivially_copyable_v<T>) {
    return sharing_rule::trivially_copyable;
  } else if constexpr (has_members<T>) {
    return broken_rule_of_members<T>();
  } else {
    return sharing_rule::none_broken;
  }
}

/// Whether that many T fit into an address space, with what the library keeps beside them: several
/// copies of an object's value, or an array's journal.
template <class T>
constexpr bool fits_in_memory(std::size_t count) noexcept {
  constexpr std::size_t most = std::size_t{1} << 57;  // no 64-bit machine has more
  return sizeof(T) <= most && count <= most / sizeof(T);
}

/// Stops compilation with the rule that T breaks.
template <class T>
constexpr void check_shareable() {
  constexpr sharing_rule broken = broken_rule<T>;
  static_assert(
      broken != sharing_rule::no_address,
      "shm: T holds a pointer, reference, string_view or span: an address means nothing in "
      "another process; store the value itself, an index or an offset");
  static_assert(broken != sharing_rule::trivially_copyable,
                "shm: T must be trivially copyable, with all its members: it is copied as bytes "
                "between processes; use char[N] or std::array in place of strings and vectors");
  static_assert(broken != sharing_rule::not_volatile,
                "shm: T must not be volatile: the library orders accesses itself");
  static_assert(
      broken != sharing_rule::all_members,
      "shm: T has bytes that Boost.Hana is not told of: list every member, without alignas");
  static_assert(broken != sharing_rule::in_order,
                "shm: the members of T must be listed in the order of their declaration");
  static_assert(fits_in_memory<T>(1), "shm: T is larger than an address space");
  static_assert(alignof(T) <= 4096, "shm: T must not be aligned more strictly than a page");
}

}  // namespace detail

/// Whether a T may be shared: trivially copyable; no pointers, references, views or spans where
/// that can be seen (through arrays and Hana members); and every member listed to Hana, in order,
/// if any.
template <class T>
inline constexpr bool is_shareable_v = detail::broken_rule<T> == detail::sharing_rule::none_broken;

}  // namespace shm
