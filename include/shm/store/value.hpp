// Value: how a T is read out of bytes, and where the private draft of one lies while it is edited.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "../base/extent.hpp"

namespace shm::detail {

/// T as a parameter from which T is not deduced: the type of an object is always named.
template <class T>
struct named {
  using type = T;
};
template <class T>
using named_type = typename named<T>::type;

/// How often a reader that can lock is lapped by writers before it holds them up.
inline constexpr int tries_before_locking = 64;

/// The value that an object begins with, made in place: a large T does not fit on the stack.
template <class T>
void construct_initial(void* where) {
  // T{} is an error for an aggregate with a member whose default constructor is explicit; T() is
  // one for an aggregate with a const member, where g++ wants T{} to be said inside T().
  if constexpr (std::is_default_constructible_v<T>) {
    ::new (where) T();
  } else {
    ::new (where) T(T{});
  }
}

/// Whether a T may be made first and then written.
template <class T>
inline constexpr bool is_overwritable =
    std::is_default_constructible_v<T>&& std::is_copy_assignable_v<T>;

template <class T, class Fill>
T filled_in_place(Fill& fill) {
  T value;
  fill(static_cast<void*>(std::addressof(value)));
  return value;
}

template <class T, class Fill>
T filled_and_copied(Fill& fill) {
  alignas(T) std::byte bytes[sizeof(T)];
  fill(static_cast<void*>(bytes));
  return *std::launder(reinterpret_cast<T*>(bytes));
}

/// A T whose bytes `fill(void*)` writes; in place, where such a T may be made first and then
/// written.
template <class T, class Fill>
T value_from_bytes(Fill fill) {
  // Two functions, because compilers elide the copy only of a variable in the outermost scope.
  if constexpr (is_overwritable<T>) {
    return filled_in_place<T>(fill);
  } else {
    return filled_and_copied<T>(fill);
  }
}

/// The same, if fill(void*) tells that it found one.
template <class T, class Fill>
std::optional<T> value_if_filled(Fill fill) {
  if constexpr (is_overwritable<T>) {
    std::optional<T> value(std::in_place);
    if (!fill(static_cast<void*>(std::addressof(*value)))) value.reset();
    return value;
  } else {
    alignas(T) std::byte bytes[sizeof(T)];
    if (!fill(static_cast<void*>(bytes))) return std::nullopt;
    return *std::launder(reinterpret_cast<T*>(bytes));
  }
}

/// Stops compilation where a T of the caller may not be written as bytes.
template <class T>
constexpr void check_assignable() {
  static_assert(std::is_copy_assignable_v<T>,
                "shm: this T cannot be assigned, so nothing can be loaded into it: use load() or "
                "snapshot() without an argument");
}

/// Calls f(value) and returns what it returns, in place; then, unless f threw, calls after(), which
/// must not throw. By a flag: std::uncaught_exceptions() costs as much as a lock.
template <class F, class T, class After>
auto call_then(F&& f, T& value, After after) {
  struct end {
    After& after;
    bool thrown = false;
    ~end() {
      if (!thrown) after();
    }
  };
  end at_end{after};
  try {
    return std::forward<F>(f)(value);
  } catch (...) {
    at_end.thrown = true;
    throw;
  }
}

/// Private memory for one T, or several, that is too large for the stack; made when first needed,
/// then kept.
template <class T>
class draft_buffer {
 public:
  void* get(std::size_t number = 1) {
    if (!memory_) {
      memory_.reset(static_cast<std::byte*>(::operator new(number * sizeof(T), alignment)));
    }
    return memory_.get();
  }
  void release() noexcept { memory_.reset(); }

 private:
  static constexpr std::align_val_t alignment{alignof(T)};
  struct deleter {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, alignment); }
  };

  std::unique_ptr<std::byte, deleter> memory_;
};

/// What a snapshot of N elements, or of a number that is known at run time, is returned as.
template <class T, std::size_t N>
using all_elements = std::conditional_t<N == dynamic, std::vector<T>, std::array<T, N>>;

/// That many T, whose bytes `fill(void*)` writes.
template <class T, std::size_t N, class Fill>
all_elements<T, N> elements_from_bytes(std::size_t number, Fill fill) {
  if constexpr (N != dynamic) {
    return value_from_bytes<std::array<T, N>>(fill);
  } else if constexpr (is_overwritable<T> && !std::is_same_v<T, bool>) {
    std::vector<T> all(number);
    fill(static_cast<void*>(all.data()));
    return all;
  } else {
    draft_buffer<T> bytes;
    fill(bytes.get(number));
    const T* const first = std::launder(static_cast<const T*>(bytes.get()));
    return std::vector<T>(first, first + number);
  }
}

/// A T to be edited before it is published: inside the guard when small, else in the handle's
/// buffer, which the lock guards.
template <class T>
class draft {
 public:
  explicit draft(draft_buffer<T>& buffer) {
    if constexpr (!is_inline) storage_ = buffer.get();
  }

  T* get() noexcept { return std::launder(static_cast<T*>(bytes())); }
  const T* get() const noexcept { return const_cast<draft*>(this)->get(); }

  void* bytes() noexcept {
    if constexpr (is_inline) {
      return storage_.bytes;
    } else {
      return storage_;
    }
  }

 private:
  static constexpr bool is_inline = sizeof(T) <= 512;
  struct inline_storage {
    alignas(T) std::byte bytes[sizeof(T)];
  };

  std::conditional_t<is_inline, inline_storage, void*> storage_;
};

}  // namespace shm::detail
