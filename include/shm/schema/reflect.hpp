// Reflect: what the members of a plain struct are called, as the compiler names their addresses.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "aggregate.hpp"

namespace shm::detail {

/// Whether names can be read: an address that is a template argument needs C++20.
#if __cplusplus >= 202002L
inline constexpr bool names_are_known = true;
#else
inline constexpr bool names_are_known = false;
#endif

/// A T that is never constructed: only the addresses of its members are of interest.
template <class T>
union unconstructed {
  constexpr unconstructed() noexcept : nothing() {}
#if __cplusplus >= 202002L
  constexpr ~unconstructed() {}
#endif
  char nothing;
  T value;
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
/// Declared and never defined, of which clang warns: a program with one would contain a whole T.
template <class T>
struct ghost_of {
  static const unconstructed<T> whole;
};
/// For constant expressions alone, which take the addresses of its members.
template <class T>
constexpr const T& ghost() noexcept {
  return ghost_of<T>::whole.value;
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

/// Gives the member with that number of a plain struct.
template <std::size_t I>
struct member_number {
  template <class T>
  constexpr auto& operator()(T& value) const noexcept {
    return std::get<I>(members_of(number<member_count<std::remove_const_t<T>>>(), value));
  }
};

/// Forming the references is what can fail. Their addresses are not compared with null: under UBSan
/// g++ takes that for no constant expression.
template <class... Members>
constexpr bool have_addresses(const std::tuple<Members&...>&) {
  return true;
}

/// Whether a plain struct has bit-fields. A reference to one is a reference to a copy, which a
/// constant expression cannot make of a value that was never constructed.
template <class T, class = void>
inline constexpr bool has_bit_fields = true;
template <class T>
inline constexpr bool has_bit_fields<
    T, std::enable_if_t<have_addresses(members_of(number<member_count<T>>(), ghost<T>()))>> = false;

#if __cplusplus >= 202002L

/// Clang takes the address of a member as a template argument only inside a class.
template <class Pointer>
struct address {
  Pointer value;
};

/// The text of this function's own signature ends with `…::speed)}]` or `….speed}]`.
template <address Member>
constexpr auto name_in_signature() {
  constexpr std::string_view signature = __PRETTY_FUNCTION__;
  constexpr std::size_t brace = signature.rfind('}');
  constexpr std::size_t end = signature[brace - 1] == ')' ? brace - 1 : brace;
  constexpr std::size_t begin = signature.find_last_of(".:", end - 1) + 1;
  std::array<char, end - begin + 1> name{};
  for (std::size_t i = begin; i < end; ++i) name[i - begin] = signature[i];
  return name;
}

template <class T, std::size_t I>
inline constexpr auto member_name =
    name_in_signature<address<decltype(std::addressof(member_number<I>()(ghost<T>())))>{
        std::addressof(member_number<I>()(ghost<T>()))}>();

/// Calls visit(name, accessor) for each member of a plain struct, in their order.
template <class T, class Visit>
constexpr void for_each_reflected_member(Visit& visit) {
  const auto visit_all = [&visit]<std::size_t... I>(std::index_sequence<I...>) {
    (static_cast<void>(visit(member_name<T, I>.data(), member_number<I>())), ...);
  };
  visit_all(std::make_index_sequence<member_count<T>>());
}

#endif

}  // namespace shm::detail
