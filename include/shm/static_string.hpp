// Static string: text of at most N bytes that lies in its struct, to be shared as a member.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/compared_as_text.hpp"
#include "base/stored_size.hpp"
#include "schema/described.hpp"
#include "schema/slot.hpp"

namespace shm {

/// Text of at most N bytes, inside the struct that it is a member of. Trivially copyable; unused
/// bytes are zero, so that equal strings have equal bytes, and a map can have it as key. There is
/// no terminating NUL: use view() or str(). Nothing blocks.
///
///     struct robot {
///       shm::static_string<31> name;
///       double x, y;
///     };
///     shm::object<robot> ilse{"ilse"};
///     ilse.update([](robot& it) { it.name = "Ilse"; });
///
/// What does not fit throws std::length_error and changes nothing. A size that somebody scribbled
/// into shared memory counts as N at most: no access goes beyond the N bytes.
template <std::size_t N>
class static_string : public detail::compared_as_text {
  static_assert(N > 0, "shm: a static_string has room for at least one byte");
  static_assert(N <= 0xffffffff, "shm: the size of a static_string has 32 bits");
  template <class Text>
  using if_text = std::enable_if_t<std::is_convertible_v<const Text&, std::string_view>>;

 public:
  using value_type = char;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = char&;
  using const_reference = const char&;
  using pointer = char*;
  using const_pointer = const char*;
  using iterator = char*;
  using const_iterator = const char*;
  static constexpr std::size_t npos = std::string_view::npos;

  constexpr static_string() noexcept = default;
  template <class Text, class = if_text<Text>>
  static_string(const Text& text) {
    assign(text);
  }
  static_string(std::size_t count, char c) { resize(count, c); }

  template <class Text, class = if_text<Text>>
  static_string& operator=(const Text& text) {
    return assign(text);
  }
  /// The text may lie in this string.
  static_string& assign(std::string_view text) {
    check(text.size());
    set_size(std::copy(text.begin(), text.end(), text_) - text_);
    return *this;
  }

  operator std::string_view() const noexcept { return view(); }
  std::string_view view() const noexcept { return {text_, size()}; }
  std::string str() const { return std::string(view()); }

  std::size_t size() const noexcept { return size_.at_most(N); }
  std::size_t length() const noexcept { return size(); }
  bool empty() const noexcept { return size() == 0; }
  static constexpr std::size_t capacity() noexcept { return N; }
  static constexpr std::size_t max_size() noexcept { return N; }

  const char* data() const noexcept { return text_; }
  char* data() noexcept { return text_; }
  const char* begin() const noexcept { return text_; }
  const char* end() const noexcept { return text_ + size(); }
  char* begin() noexcept { return text_; }
  char* end() noexcept { return text_ + size(); }
  const char* cbegin() const noexcept { return begin(); }
  const char* cend() const noexcept { return end(); }

  /// Precondition: i < size().
  const char& operator[](std::size_t i) const { return text_[checked(i)]; }
  char& operator[](std::size_t i) { return text_[checked(i)]; }
  /// Throws std::out_of_range.
  const char& at(std::size_t i) const { return text_[known(i)]; }
  char& at(std::size_t i) { return text_[known(i)]; }
  /// Precondition: not empty.
  const char& front() const { return (*this)[0]; }
  char& front() { return (*this)[0]; }
  const char& back() const { return (*this)[size() - 1]; }
  char& back() { return (*this)[size() - 1]; }

  /// The text may lie in this string.
  static_string& append(std::string_view text) {
    const std::size_t before = size();
    check(text.size() > N ? text.size() : before + text.size());
    set_size(std::copy(text.begin(), text.end(), text_ + before) - text_);
    return *this;
  }
  static_string& append(std::size_t count, char c) {
    resize(count > N ? count : size() + count, c);
    return *this;
  }
  static_string& operator+=(std::string_view text) { return append(text); }
  static_string& operator+=(char c) { return append(1, c); }
  void push_back(char c) { append(1, c); }
  /// Precondition: not empty.
  void pop_back() {
    Expects(!empty());
    resize(size() - 1);
  }
  void clear() noexcept { set_size(0); }
  void resize(std::size_t count, char c = '\0') {
    check(count);
    const std::size_t before = size();
    if (count > before) std::fill(text_ + before, text_ + count, c);
    set_size(static_cast<std::ptrdiff_t>(count));
  }
  /// Throws std::out_of_range if there is no such place.
  static_string& insert(std::size_t at, std::string_view text) {
    if (at > size()) refuse_place(at);
    const static_string behind = substr(at), inserted(text);  // the text may lie in this string
    check(size() + inserted.size());
    resize(at);
    return append(inserted).append(behind);
  }
  /// Throws std::out_of_range if there is no such place.
  static_string& erase(std::size_t at = 0, std::size_t count = npos) {
    const std::string_view rest = view().substr(at);
    const static_string behind(rest.substr(std::min(count, rest.size())));
    resize(at);
    return append(behind);
  }

  /// Throws std::out_of_range if there is no such place.
  static_string substr(std::size_t at = 0, std::size_t count = npos) const {
    return view().substr(at, count);
  }
  int compare(std::string_view other) const noexcept { return view().compare(other); }
  bool starts_with(std::string_view text) const noexcept {
    return view().substr(0, text.size()) == text;
  }
  bool ends_with(std::string_view text) const noexcept {
    return size() >= text.size() && view().substr(size() - text.size()) == text;
  }
  std::size_t find(std::string_view text, std::size_t from = 0) const noexcept {
    return view().find(text, from);
  }
  std::size_t find(char c, std::size_t from = 0) const noexcept { return view().find(c, from); }
  std::size_t rfind(std::string_view text, std::size_t from = npos) const noexcept {
    return view().rfind(text, from);
  }
  std::size_t rfind(char c, std::size_t from = npos) const noexcept {
    return view().rfind(c, from);
  }

  template <class Traits>
  friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& to,
                                                      const static_string& text) {
    return to << std::basic_string_view<char, Traits>(text.data(), text.size());
  }

 private:
  static void check(std::size_t count) {
    if (count > N) detail::refuse_size("shm::static_string", count, "bytes", N);
  }
  std::size_t checked(std::size_t i) const {
    Expects(i < size());
    return i;
  }
  std::size_t known(std::size_t i) const {
    if (i >= size()) refuse_place(i);
    return i;
  }
  [[noreturn]] static void refuse_place(std::size_t i) {
    throw std::out_of_range("shm::static_string: there is no byte " + std::to_string(i));
  }

  /// Bytes behind the end become zero.
  void set_size(std::ptrdiff_t count) noexcept {
    for (auto i = static_cast<std::size_t>(count); i < N; ++i) text_[i] = '\0';
    size_.set(static_cast<std::size_t>(count));
  }

  detail::stored_size size_;
  char text_[N] = {};
};

namespace detail {

template <std::size_t N>
struct described<static_string<N>> : as_a_scalar {
  using parts = type_list<>;
  static std::string format() {
    return format_of_pair<std::uint32_t, char[N]>(
        format_of<std::uint32_t>() + ":size:", format_of<char[N]>() + ":text:",
        sizeof(static_string<N>));
  }
  static std::string meaning() { return "string"; }
};

template <std::size_t N>
inline constexpr std::size_t identifying_bytes<static_string<N>> = sizeof(std::uint32_t) + N;

}  // namespace detail

}  // namespace shm

/// @cond
template <std::size_t N>
struct std::hash<shm::static_string<N>> {
  std::size_t operator()(const shm::static_string<N>& text) const noexcept {
    return std::hash<std::string_view>()(text.view());
  }
};
/// @endcond
