// Static vector: at most N elements that lie in their struct, to be shared as a member.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gsl/assert>
#include <initializer_list>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "base/stored_size.hpp"
#include "schema/described.hpp"

namespace shm {

/// At most N elements, inside the struct that it is a member of. Trivially copyable; unused bytes
/// are zero. Nothing blocks.
///
///     struct plan { shm::static_vector<waypoint, 16> path; };
///     shm::object<plan> shared{"plan"};
///     shared.update([](plan& it) { it.path.push_back({1.0, 2.0}); });
///
/// What does not fit throws std::length_error and changes nothing; of a range that can be gone
/// through only once, what fits is taken before. A size that somebody scribbled into shared memory
/// counts as N at most: no access goes beyond the N elements.
template <class T, std::size_t N>
class static_vector {
  static_assert(N > 0, "shm: a static_vector has room for at least one element");
  static_assert(N <= 0xffffffff, "shm: the size of a static_vector has 32 bits");
  static_assert(std::is_trivially_copyable_v<T>,
                "shm: the elements of a static_vector are trivially copyable: they are copied as "
                "bytes between processes");
  template <class Iterator>
  using if_iterator = std::enable_if_t<
      !std::is_integral_v<Iterator> &&
      std::is_convertible_v<typename std::iterator_traits<Iterator>::iterator_category,
                            std::input_iterator_tag>>;

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using pointer = T*;
  using const_pointer = const T*;
  using iterator = T*;
  using const_iterator = const T*;
  using reverse_iterator = std::reverse_iterator<iterator>;
  using const_reverse_iterator = std::reverse_iterator<const_iterator>;

  static_vector() noexcept = default;
  explicit static_vector(std::size_t count) { resize(count); }
  static_vector(std::size_t count, const T& value) { assign(count, value); }
  template <class Iterator, class = if_iterator<Iterator>>
  static_vector(Iterator first, Iterator last) {
    assign(first, last);
  }
  static_vector(std::initializer_list<T> values) { assign(values.begin(), values.end()); }

  static_vector& operator=(std::initializer_list<T> values) {
    assign(values.begin(), values.end());
    return *this;
  }
  /// The value, or range, must not lie in this vector.
  void assign(std::size_t count, const T& value) {
    check(count);
    clear();
    resize(count, value);
  }
  template <class Iterator, class = if_iterator<Iterator>>
  void assign(Iterator first, Iterator last) {
    check(least_distance(first, last));
    clear();
    for (; first != last; ++first) push_back(*first);
  }
  void assign(std::initializer_list<T> values) { assign(values.begin(), values.end()); }

  std::size_t size() const noexcept { return size_.at_most(N); }
  bool empty() const noexcept { return size() == 0; }
  static constexpr std::size_t capacity() noexcept { return N; }
  static constexpr std::size_t max_size() noexcept { return N; }

  const T* data() const noexcept { return const_cast<static_vector*>(this)->data(); }
  T* data() noexcept { return std::launder(static_cast<T*>(static_cast<void*>(items_))); }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size(); }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size(); }
  const T* cbegin() const noexcept { return begin(); }
  const T* cend() const noexcept { return end(); }
  reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
  reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
  const_reverse_iterator rbegin() const noexcept { return const_reverse_iterator(end()); }
  const_reverse_iterator rend() const noexcept { return const_reverse_iterator(begin()); }

  /// Precondition of these: there is the element.
  const T& operator[](std::size_t i) const {
    Expects(i < size());
    return data()[i];
  }
  T& operator[](std::size_t i) { return const_cast<T&>(std::as_const(*this)[i]); }
  /// Throws std::out_of_range.
  const T& at(std::size_t i) const {
    if (i < size()) return data()[i];
    throw std::out_of_range("shm::static_vector: there is no element " + std::to_string(i));
  }
  T& at(std::size_t i) { return const_cast<T&>(std::as_const(*this).at(i)); }

  const T& front() const { return (*this)[0]; }
  T& front() { return (*this)[0]; }
  const T& back() const { return (*this)[size() - 1]; }
  T& back() { return (*this)[size() - 1]; }

  void push_back(const T& value) { emplace_back(value); }
  template <class... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    const std::size_t at = size();
    check(at + 1);
    T* const added = construct(at, std::forward<Arguments>(arguments)...);
    size_.set(at + 1);
    return *added;
  }
  /// Precondition: not empty.
  void pop_back() {
    Expects(!empty());
    set_size(size() - 1);
  }
  void clear() noexcept { set_size(0); }
  void resize(std::size_t count) {
    check(count);
    for (std::size_t i = size(); i < count; ++i) construct(i);
    set_size(count);
  }
  void resize(std::size_t count, const T& value) {
    check(count);
    for (std::size_t i = size(); i < count; ++i) construct(i, value);
    set_size(count);
  }

  /// Precondition of all that take a place: it lies in this vector.
  iterator insert(const_iterator before, const T& value) { return insert(before, 1, value); }
  iterator insert(const_iterator before, std::size_t count, const T& value) {
    const std::ptrdiff_t at = checked(before);
    const std::size_t old = size();
    check(count > N ? count : old + count);
    resize(old + count, value);
    return rotate(at, old);
  }
  /// The range must not lie in this vector.
  template <class Iterator, class = if_iterator<Iterator>>
  iterator insert(const_iterator before, Iterator first, Iterator last) {
    const std::ptrdiff_t at = checked(before);
    const std::size_t old = size();
    check(old + least_distance(first, last));
    for (; first != last; ++first) push_back(*first);
    return rotate(at, old);
  }
  iterator erase(const_iterator which) { return erase(which, which + 1); }
  iterator erase(const_iterator first, const_iterator last) {
    const std::ptrdiff_t at = checked(first), behind = checked(last);
    std::copy(begin() + behind, end(), begin() + at);
    set_size(size() - static_cast<std::size_t>(behind - at));
    return begin() + at;
  }

  friend bool operator==(const static_vector& a, const static_vector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend bool operator!=(const static_vector& a, const static_vector& b) { return !(a == b); }
  friend bool operator<(const static_vector& a, const static_vector& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
  friend bool operator>(const static_vector& a, const static_vector& b) { return b < a; }
  friend bool operator<=(const static_vector& a, const static_vector& b) { return !(b < a); }
  friend bool operator>=(const static_vector& a, const static_vector& b) { return !(a < b); }

 private:
  static void check(std::size_t count) {
    if (count > N) detail::refuse_size("shm::static_vector", count, "elements", N);
  }
  /// 0 for a range that can be gone through only once.
  template <class Iterator>
  static std::size_t least_distance(Iterator first, Iterator last) {
    using category = typename std::iterator_traits<Iterator>::iterator_category;
    const bool is_forward = std::is_convertible_v<category, std::forward_iterator_tag>;
    return is_forward ? static_cast<std::size_t>(std::distance(first, last)) : 0;
  }

  /// Moves what was added behind the old end to its place.
  iterator rotate(std::ptrdiff_t at, std::size_t old) {
    std::rotate(begin() + at, begin() + old, end());
    return begin() + at;
  }

  std::ptrdiff_t checked(const_iterator place) const {
    Expects(begin() <= place && place <= end());
    return place - begin();
  }

  template <class... Arguments>
  T* construct(std::size_t i, Arguments&&... arguments) {
    void* const where = items_ + i * sizeof(T);
    if constexpr (std::is_constructible_v<T, Arguments...>) {
      return ::new (where) T(std::forward<Arguments>(arguments)...);
    } else {
      return ::new (where) T{std::forward<Arguments>(arguments)...};
    }
  }

  /// Bytes behind the end become zero.
  void set_size(std::size_t count) noexcept {
    std::memset(items_ + count * sizeof(T), 0, (N - count) * sizeof(T));
    size_.set(count);
  }

  detail::stored_size size_;
  alignas(T) std::byte items_[N * sizeof(T)] = {};
};

namespace detail {

template <class T, std::size_t N>
struct described<static_vector<T, N>> {
  static constexpr bool is = true;
  static constexpr const char* inner_name = "items";
  using inner = T[N];
  using parts = type_list<T>;
  static std::string format() {
    return format_of_pair<std::uint32_t, T[N]>(
        format_of<std::uint32_t>() + ":size:", format_of_several(N, format_of<T>()) + ":items:",
        sizeof(static_vector<T, N>));
  }
  static std::string meaning() { return "vector"; }
};

}  // namespace detail
}  // namespace shm
