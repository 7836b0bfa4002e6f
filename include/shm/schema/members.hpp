// Members: the names, types and order of a struct's members, as Boost.Hana knows them.
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

namespace shm::detail {

template <class T>
inline constexpr bool has_members = boost::hana::Struct<T>::value;

/// Calls visit(name, accessor) for each member, in the order in which Hana lists them.
template <class T, class Visit>
constexpr void for_each_member(Visit&& visit) {
  boost::hana::unpack(boost::hana::accessors<T>(), [&visit](auto... member) {
    (static_cast<void>(visit(boost::hana::first(member).c_str(), boost::hana::second(member))),
     ...);
  });
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

/// A T that is never constructed: only the addresses of its members are of interest.
template <class T>
union unconstructed {
  constexpr unconstructed() noexcept : nothing() {}
  char nothing;
  T value;
};

/// Whether the members listed fill the type, as a compiler lays them out.
template <class T>
constexpr bool lists_all_members() {
  std::size_t end = 0;
  for_each_member<T>([&end](const char*, auto accessor) {
    using member = member_type<T, decltype(accessor)>;
    end = (end + alignof(member) - 1) / alignof(member) * alignof(member) + sizeof(member);
  });
  end = (end + alignof(T) - 1) / alignof(T) * alignof(T);
  return std::max(end, std::size_t{1}) == sizeof(T);
}

/// For constant expressions alone: a program in which it were used would contain a whole T.
template <class T>
inline const unconstructed<T> ghost{};

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
    const void* const address = std::addressof(accessor(ghost<T>.value));
    in_order = in_order && (is_first || lies_before(before, address));
    is_first = false;
    before = address;
  });
  return in_order;
}

}  // namespace shm::detail
