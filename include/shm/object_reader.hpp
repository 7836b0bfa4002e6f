// Object reader: what programs read from an object, through a read-write or a read-only handle.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/deadline.hpp"
#include "store/object_core.hpp"
#include "watchable.hpp"

namespace shm {

/// What object<T> and object<const T> have in common. Programs name those.
template <class Handle, class T>
class object_reader : public watchable<Handle> {
 public:
  using watchable<Handle>::wait;
  using watchable<Handle>::wait_for;

  /// A value, and the number of the update that published it.
  struct versioned {
    T value;
    std::uint64_t version;
  };

  /// Returns the latest published value, whole. Lock-free beside writers, alive or dead. Through
  /// object<T> a writer that keeps lapping the reader is held up for one copy; object<const T> can
  /// be lapped for as long as a writer is faster than one copy. Throws shm::error: removed.
  T load() const {
    return detail::value_from_bytes<T>([this](void* to) { read_whole(to); });
  }

  /// Copies the latest published value into memory of the caller, and returns it: for a T that fits
  /// on no stack. Like load(). When it throws, what `into` holds is unspecified.
  T& load(T& into) const {
    detail::check_assignable<T>();
    read_whole(std::addressof(into));
    return into;
  }

  /// Returns one member of the latest published value, whole, as load(&telemetry::gear) does:
  /// copies no other. May be a member of a base class. Of a C array it returns a std::array. Like
  /// load().
  template <class Member, class Class>
  auto load(Member Class::*member) const {
    return detail::member_from_bytes<T>(member, [this](auto copy) {
      handle().read([&](const std::byte* from, std::uint64_t) { copy(from); });
    });
  }

  /// Returns the latest published value and its version, for a later wait(version). Like load().
  versioned load_versioned() const {
    std::uint64_t version = 0;
    T value = detail::value_from_bytes<T>([&](void* to) {
      handle().read([&](const std::byte* from, std::uint64_t seen) {
        detail::cell_of<T>().copy_out(from, to);
        version = seen;
      });
    });
    return {std::move(value), version};
  }

  /// Blocks until a published value satisfies the predicate, and returns that value. A value that
  /// is replaced before the thread has loaded it may be missed. The predicate may throw. Throws the
  /// same errors as wait(seen).
  ///
  ///     const state now = machine.wait([](const state& s) { return s.phase == phase::ready; });
  template <class Predicate, class = decltype(std::declval<Predicate&>()(std::declval<const T&>()))>
  T wait(Predicate satisfies) const {
    return *first_that(satisfies, detail::deadline::never());
  }

  /// Like wait(), but returns nothing if no value satisfied the predicate in that time.
  template <class Rep, class Period, class Predicate,
            class = decltype(std::declval<Predicate&>()(std::declval<const T&>()))>
  std::optional<T> wait_for(std::chrono::duration<Rep, Period> span, Predicate satisfies) const {
    return first_that(satisfies, detail::deadline::after(span));
  }

 protected:
  /// @cond
  object_reader() = default;
  object_reader(object_reader&&) = default;
  object_reader& operator=(object_reader&&) = default;
  ~object_reader() = default;
  /// @endcond

 private:
  const Handle& handle() const noexcept { return static_cast<const Handle&>(*this); }

  void read_whole(void* to) const {
    handle().read(
        [to](const std::byte* from, std::uint64_t) { detail::cell_of<T>().copy_out(from, to); });
  }

  template <class Predicate>
  std::optional<T> first_that(Predicate& satisfies, const detail::deadline& until) const {
    for (;;) {
      versioned now = load_versioned();
      if (satisfies(std::as_const(now.value))) return std::optional<T>(std::move(now.value));
      if (until.passed() || !this->changed(now.version, until)) return std::nullopt;
    }
  }
};

}  // namespace shm
