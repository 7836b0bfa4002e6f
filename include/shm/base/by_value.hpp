// By value: whether a function takes a copy of what it is to change.
// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

namespace shm::detail {

template <class Function>
struct is_function_of_value : std::false_type {};
template <class Result, class T>
struct is_function_of_value<Result (*)(T)> : std::negation<std::is_reference<T>> {};
template <class Result, class T>
struct is_function_of_value<Result (*)(T) noexcept> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T)> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T) const> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T) noexcept> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T) const noexcept> : is_function_of_value<Result (*)(T)> {
};

template <class F, class = void>
inline constexpr bool calls_with_value = is_function_of_value<std::decay_t<F>>::value;
template <class F>
inline constexpr bool calls_with_value<F, std::void_t<decltype(&F::operator())>> =
    is_function_of_value<decltype(&F::operator())>::value;

template <class F, class T, class = void>
inline constexpr bool calls_generically_with_value = false;
template <class F, class T>
inline constexpr bool
    calls_generically_with_value<F, T, std::void_t<decltype(&F::template operator()<T>)>> =
        is_function_of_value<decltype(&F::template operator()<T>)>::value;

/// Stops compilation where f, called with a T&, would change a copy. Nothing tells of a functor
/// with several overloads.
template <class F, class T>
constexpr void check_takes_reference() {
  using function = std::remove_cv_t<std::remove_reference_t<F>>;
  static_assert(!calls_with_value<function> && !calls_generically_with_value<function, T>,
                "shm: this function takes the value as a copy, so that its changes would be lost; "
                "let it take a reference: [](auto& value) { … }");
}

}  // namespace shm::detail
