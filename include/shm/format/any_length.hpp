// Any length: what the opener of an array expects that takes as many elements as it finds.
// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "../schema/schema.hpp"
#include "layout.hpp"

namespace shm::detail {

/// The schema of an array of that many elements, from the schema of an array of one.
inline schema schema_of_length(const schema& of_one, std::size_t elements) {
  const std::string_view text = of_one.format();
  return schema('(' + std::to_string(elements) + std::string(text.substr(text.find(')'))),
                elements * of_one.size(), of_one.alignment(), std::string(of_one.notes()));
}

/// The number of elements that the text of an array's schema begins with; 0 if there is none.
inline std::size_t elements_told_by(std::string_view format) noexcept {
  const char* const end = format.data() + format.size();
  std::size_t elements = 0;
  if (format.empty() || format.front() != '(') return 0;
  const auto [rest, problem] = std::from_chars(format.data() + 1, end, elements);
  return problem == std::errc() && rest != end && *rest == ')' ? elements : 0;
}

/// The plan of an opener that takes any number of elements, for as many as the schema in the
/// segment tells. Where that number makes no sense, it is a plan for one element, from which the
/// segment differs.
class plan_of_found_length {
 public:
  plan_of_found_length(const blueprint& of_one, const schema& stored)
      : plan_(of_one), type_(*of_one.type) {
    const std::size_t elements = elements_told_by(stored.format());
    const std::size_t payload_size = of_one.payload_size_of(elements);
    if (payload_size != 0) {
      type_ = schema_of_length(*of_one.type, elements);
      plan_.payload_size = payload_size;
    }
    plan_.type = &type_;
    plan_.payload_size_of = nullptr;
  }
  plan_of_found_length(const plan_of_found_length&) = delete;
  plan_of_found_length& operator=(const plan_of_found_length&) = delete;

  const blueprint& plan() const noexcept { return plan_; }

 private:
  blueprint plan_;
  schema type_;
};

}  // namespace shm::detail
