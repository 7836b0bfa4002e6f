// Process-bound: types that mean nothing in another process: what holds an address, and locks.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <functional>
#include <gsl/span>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <variant>

namespace shm::detail {

/// A lambda's type. Compilers give it a name that no other class can have.
template <class T>
constexpr bool is_lambda() noexcept {
  const std::string_view signature = __PRETTY_FUNCTION__;
  return std::is_class_v<T> && (signature.find("<lambda(") != signature.npos ||
                                signature.find("(lambda at ") != signature.npos);
}

template <class T, class = void>
inline constexpr bool is_iterator = false;
template <class T>
inline constexpr bool
    is_iterator<T, std::void_t<typename std::iterator_traits<T>::iterator_category>> =
        std::is_class_v<T>;

/// A range whose elements lie outside of it, as std::span's do.
template <class T>
inline constexpr bool is_borrowed =
#if __cplusplus >= 202002L
    std::ranges::enable_borrowed_range<T>;
#else
    false;
#endif

/// Whether a T holds an address, as far as its type tells.
template <class T>
inline constexpr bool refers_elsewhere = std::is_pointer_v<T> || std::is_reference_v<T> ||
                                         std::is_member_pointer_v<T> || std::is_null_pointer_v<T> ||
                                         is_iterator<T> || is_lambda<T>() || is_borrowed<T>;
template <class Char, class Traits>
inline constexpr bool refers_elsewhere<std::basic_string_view<Char, Traits>> = true;
template <class T, std::size_t Extent>
inline constexpr bool refers_elsewhere<gsl::span<T, Extent>> = true;
template <class T>
inline constexpr bool refers_elsewhere<std::reference_wrapper<T>> = true;
template <class T>
inline constexpr bool refers_elsewhere<std::initializer_list<T>> = true;
template <>
inline constexpr bool refers_elsewhere<std::error_code> = true;
template <>
inline constexpr bool refers_elsewhere<std::error_condition> = true;
template <>
inline constexpr bool refers_elsewhere<std::type_index> = true;
template <>
inline constexpr bool refers_elsewhere<std::thread::id> = true;

/// Whether a T is a lock or something else that one process alone, or the library that made it,
/// can work with.
template <class T>
inline constexpr bool is_lock = false;
template <>
inline constexpr bool is_lock<sem_t> = true;
template <>
inline constexpr bool is_lock<pthread_mutex_t> = true;
template <>
inline constexpr bool is_lock<pthread_cond_t> = true;
template <>
inline constexpr bool is_lock<pthread_rwlock_t> = true;
template <>
inline constexpr bool is_lock<pthread_barrier_t> = true;
template <>
inline constexpr bool is_lock<std::atomic_flag> = true;
template <class T>
inline constexpr bool is_lock<std::atomic<T>> = true;

}  // namespace shm::detail
