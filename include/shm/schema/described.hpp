// Described: standard types that are more than their bytes: what they consist of, and mean.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "aggregate.hpp"
#include "type_name.hpp"

namespace shm::detail {

template <class T>
std::string format_of();

/// Of a type that is described: its format; its meaning, "" for one that the format tells alone;
/// what it holds, whose rules are its own; and, if that may mean something itself, the name of the
/// member that it is in the format.
template <class T, class = void>
struct described {
  static constexpr bool is = false;
};

struct as_a_scalar {
  static constexpr bool is = true;
  static constexpr const char* inner_name = nullptr;
};

inline std::string padding(std::size_t bytes) {
  if (bytes == 0) return {};
  return bytes == 1 ? "x" : std::to_string(bytes) + "x";
}

/// The format of a struct of two members, both of which lie where a compiler puts them.
template <class First, class Second>
std::string format_of_pair(const std::string& first, const std::string& second, std::size_t size) {
  const std::size_t gap = (alignof(Second) - sizeof(First) % alignof(Second)) % alignof(Second);
  return "T{" + first + padding(gap) + second +
         padding(size - sizeof(First) - gap - sizeof(Second)) + '}';
}

/// `(4)` before the format of an element; two dimensions are one list: (2,3), not (2)(3).
inline std::string format_of_several(std::size_t count, const std::string& element) {
  const std::string begin = '(' + std::to_string(count);
  return element.front() == '(' ? begin + ',' + element.substr(1) : begin + ')' + element;
}

/// A ratio of seconds, as `1/1000`.
template <class Period>
std::string period_text() {
  return std::to_string(Period::num) + '/' + std::to_string(Period::den);
}

template <class Clock>
constexpr std::string_view name_of_clock() noexcept {
  if constexpr (std::is_same_v<Clock, std::chrono::system_clock>) {
    return "system";
  } else if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    return "steady";
  } else {
    return name_without_scope<Clock>();
  }
}

template <class Rep, class Period>
struct described<std::chrono::duration<Rep, Period>> : as_a_scalar {
  using parts = type_list<Rep>;
  static std::string format() { return format_of<Rep>(); }
  static std::string meaning() { return "duration " + period_text<typename Period::type>(); }
};

template <class Clock, class Duration>
struct described<std::chrono::time_point<Clock, Duration>> : as_a_scalar {
  using parts = type_list<Duration>;
  static std::string format() { return format_of<Duration>(); }
  static std::string meaning() {
    return "time " + period_text<typename Duration::period>() + ' ' +
           std::string(name_of_clock<Clock>());
  }
};

template <template <class> class Complex, class T>
struct described<Complex<T>, std::enable_if_t<std::is_floating_point_v<T> &&
                                              name_in_std<Complex<T>>() == "complex">>
    : as_a_scalar {
  using parts = type_list<T>;
  static std::string format() {
    std::string text = format_of<T>();
    return text.insert(1, "Z");
  }
  static std::string meaning() { return ""; }
};

template <template <std::size_t> class Bitset, std::size_t N>
struct described<Bitset<N>, std::enable_if_t<N != 0 && name_in_std<Bitset<N>>() == "bitset">>
    : as_a_scalar {
  static constexpr std::size_t words = (N + 63) / 64;
  static_assert(sizeof(Bitset<N>) == words * sizeof(std::uint64_t));
  using parts = type_list<>;
  static std::string format() {
    return "T{" + format_of_several(words, format_of<std::uint64_t>()) + ":words:}";
  }
  static std::string meaning() { return "bits " + std::to_string(N); }
};

template <class T>
struct described<std::optional<T>> {
  static constexpr bool is = true;
  static constexpr const char* inner_name = "value";
  using inner = T;
  using parts = type_list<T>;
  static std::string format() {
    return format_of_pair<T, bool>(
        format_of<T>() + ":value:", format_of<bool>() + ":engaged:", sizeof(std::optional<T>));
  }
  static std::string meaning() { return "optional"; }
};

}  // namespace shm::detail
