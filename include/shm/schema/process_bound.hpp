// Process-bound: types that mean nothing in another process: what holds an address, and locks.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <type_traits>

#include "type_name.hpp"

namespace shm::detail {

/// A lambda's type. Compilers give it a name that ends like no other: g++ with `<lambda(int)>`,
/// clang with `(lambda at file.cpp:1:2)`.
template <class T>
constexpr bool is_lambda() noexcept {
  const std::string_view name = name_of_type<T>();
  const std::size_t of_gcc = name.rfind("<lambda("), of_clang = name.rfind("(lambda at ");
  if (of_clang != name.npos) return name.find(')', of_clang) == name.size() - 1;
  if (of_gcc == name.npos || name.back() != '>') return false;
  // Not as an argument of a template, or with something of the lambda's own behind it.
  std::size_t open = 0;
  for (const char c : name.substr(0, of_gcc)) {
    if (c == '<') ++open;
    if (c == '>') --open;
  }
  return open == 0 && name.find("::", of_gcc) == name.npos;
}

/// Without the arguments of a template: the part of a name before `<`.
template <class T>
constexpr std::string_view name_of_template() noexcept {
  return name_of_type<T>().substr(0, name_of_type<T>().find('<'));
}

constexpr bool is_one_of(std::string_view name, std::initializer_list<std::string_view> known) {
  for (const std::string_view one : known) {
    if (name == one) return true;
  }
  return false;
}

/// A type of a library that holds an address which its members do not show.
template <class T>
constexpr bool is_view_or_handle() noexcept {
  return is_one_of(name_in_std<T>(),
                   {"basic_string_view", "span", "reference_wrapper", "initializer_list",
                    "error_code", "error_condition", "type_index", "thread::id", "source_location",
                    "coroutine_handle", "stacktrace_entry", "_Bind", "_Bind_result", "_Mem_fn",
                    "_Not_fn", "pmr::polymorphic_allocator"}) ||
         is_one_of(name_of_template<T>(), {"gsl::span", "gsl::not_null", "gsl::strict_not_null",
                                           "boost::basic_string_view", "boost::basic_string_ref",
                                           "boost::iterator_range", "__jmp_buf_tag"});
}

/// A lock or something else that one process alone, or the library that made it, can work with.
template <class T>
constexpr bool is_lock() noexcept {
  return is_one_of(
             name_in_std<T>(),
             {"atomic", "atomic_flag", "atomic_ref", "mutex", "recursive_mutex", "timed_mutex",
              "recursive_timed_mutex", "shared_mutex", "shared_timed_mutex", "condition_variable",
              "condition_variable_any", "once_flag", "counting_semaphore", "latch", "barrier"}) ||
         is_one_of(name_of_type<T>(), {"sem_t", "pthread_mutex_t", "pthread_cond_t",
                                       "pthread_rwlock_t", "pthread_barrier_t", "pthread_attr_t",
                                       "pthread_mutexattr_t", "mtx_t", "cnd_t"});
}

/// Only classes are asked: iterator_traits of a void* is an error.
template <class T, bool IsClass = std::is_class_v<T>, class = void>
inline constexpr bool is_iterator = false;
template <class T>
inline constexpr bool
    is_iterator<T, true, std::void_t<typename std::iterator_traits<T>::iterator_category>> = true;

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
                                         is_iterator<T> ||
                                         is_lambda<T>() || is_borrowed<T> || is_view_or_handle<T>();
}  // namespace shm::detail
