// Array plan: what the opener of an array expects to find, or makes, of fixed or any length.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "../base/extent.hpp"
#include "../format/any_length.hpp"
#include "../os/key.hpp"
#include "../os/refusals.hpp"
#include "../schema/describe.hpp"
#include "run_time_array.hpp"
#include "value.hpp"

namespace shm::detail {

/// What an array begins with.
struct first_elements {
  std::size_t count;
  const void* value;  ///< of each element; null where no value was given
};

/// Copies of the value that was given.
template <class T>
void copy_into_elements(std::byte* payload, const void* wanted) {
  const auto& first = *static_cast<const first_elements*>(wanted);
  std::byte* to = payload + run_time_array_shape::of<T>(first.count).elements_at;
  for (std::size_t i = 0; i < first.count; ++i, to += sizeof(T)) {
    std::memcpy(to, first.value, sizeof(T));
  }
}

/// A value-initialised T in every element.
template <class T>
void default_elements(std::byte* payload, const void* wanted) {
  const auto& first = *static_cast<const first_elements*>(wanted);
  std::byte* to = payload + run_time_array_shape::of<T>(first.count).elements_at;
  for (std::size_t i = 0; i < first.count; ++i, to += sizeof(T)) construct_initial<T>(to);
}

/// Returns 0 for a number of elements that no array has.
template <class T>
std::size_t array_payload_size(std::size_t elements) {
  if (elements == 0 || !fits_in_memory<T>(elements)) return 0;
  return run_time_array_shape::of<T>(elements).payload_size;
}

/// What the creator of an array makes, unless it finds the same. Has to live until the array is
/// open.
template <class T>
class array_plan {
 public:
  /// Every element begins with a copy of the value.
  array_plan(const schema& type, const T& initial)
      : array_plan(type, &copy_into_elements<T>, std::addressof(initial)) {}
  /// Every element begins with T{}.
  explicit array_plan(const schema& type) : array_plan(type, &default_elements<T>, nullptr) {}

  blueprint as_blueprint() const noexcept {
    const auto shape = run_time_array_shape::of<T>(first_.count);
    return {segment_kind::array,  &type_,     shape.payload_size,
            shape.part_alignment, construct_, &first_};
  }

 private:
  using constructor = void (*)(std::byte* payload, const void* wanted);

  array_plan(const schema& type, constructor construct, const T* initial)
      : type_(type), first_{type.size() / sizeof(T), initial}, construct_(construct) {}

  schema type_;
  first_elements first_;
  constructor construct_;
};

/// The schema of an array with a length that is given at run time. Throws std::invalid_argument,
/// limit_reached.
template <class T>
schema schema_of_given_length(const key& which, std::size_t elements) {
  if (elements == 0) throw std::invalid_argument("shm::array: an array has at least one element");
  if (!fits_in_memory<T>(elements)) {
    refuse(errc::limit_reached, {which.name(), which.segment_key()},
           std::to_string(elements) + " elements of " + std::to_string(sizeof(T)) +
               " bytes are larger than an address space");
  }
  return schema_of_length(array_schema_of<T, 1>(), elements);
}

/// Opens an array of N elements, or of any number where N is dynamic. Creates none.
template <class T, std::size_t N>
blueprint plan_for_opening() {
  constexpr std::size_t elements = N == dynamic ? 1 : N;
  const auto shape = run_time_array_shape::of<T>(elements);
  blueprint plan{segment_kind::array,
                 &array_schema_of<T, elements>(),
                 shape.payload_size,
                 shape.part_alignment,
                 nullptr,
                 nullptr};
  if constexpr (N == dynamic) plan.payload_size_of = &array_payload_size<T>;
  return plan;
}

}  // namespace shm::detail
