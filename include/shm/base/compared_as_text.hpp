// Compared as text: the comparisons of a type with itself and with everything that is a text.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <type_traits>

namespace shm::detail {

/// Base of a type that converts to std::string_view.
struct compared_as_text {};

template <class A, class B>
using if_comparable_texts = std::enable_if_t<
    (std::is_base_of_v<compared_as_text, A> ||
     std::is_base_of_v<compared_as_text, B>)&&std::is_convertible_v<const A&, std::string_view> &&
        std::is_convertible_v<const B&, std::string_view>,
    bool>;

template <class A, class B>
if_comparable_texts<A, B> operator==(const A& a, const B& b) noexcept {
  return std::string_view(a) == std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator!=(const A& a, const B& b) noexcept {
  return std::string_view(a) != std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator<(const A& a, const B& b) noexcept {
  return std::string_view(a) < std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator>(const A& a, const B& b) noexcept {
  return std::string_view(a) > std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator<=(const A& a, const B& b) noexcept {
  return std::string_view(a) <= std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator>=(const A& a, const B& b) noexcept {
  return std::string_view(a) >= std::string_view(b);
}

}  // namespace shm::detail
