// Watched value: the fields of an object that are watched, and which of them have changed.
// SPDX-License-Identifier: MIT
#include "watched_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "exit_code.hpp"
#include "readable.hpp"
#include "words.hpp"

namespace tool {

namespace {

constexpr std::size_t most_cells = 10000;
/// For a version that is the values': of an array in constant use there may be none.
constexpr std::chrono::milliseconds patience{10};

/// The same. Throws refusal where its kind cannot be watched.
const shm::const_any_object& watchable(const shm::const_any_object& object,
                                       const std::string& name) {
  if (!has_value(object.kind())) refuse_without_value(name, object.kind());
  if (object.kind() == shm::object_kind::map) {
    throw refusal(wrong_usage, fmt::format("{0}: entries of a map come and go; see: shm show {0}",
                                           readable(name, 64)));
  }
  return object;
}

std::vector<column> fields_of(std::vector<column> all) {
  const auto is_heading = [](const column& one) { return one.is_heading; };
  all.erase(std::remove_if(all.begin(), all.end(), is_heading), all.end());
  return all;
}

bool is_number(const column& one) {
  return one.place.is_single() && one.place.what->type >= shm::field_type::int8 &&
         one.place.what->type <= shm::field_type::long_double;
}

}  // namespace

watched_value::watched_value(const sighting& there, const watch_options& how)
    : there_(there),
      columns_(fields_of(columns_of(watchable(object(), how.name).value(), how.fields))),
      rows_(rows_in(how.rows, object().size())),
      names_(names_of_cells()) {}

bool watched_value::look() {
  seen_ = take_sample(object(), rows_, patience);
  per_second_ = rate_.seen(seen_.version);
  const bool is_first = cells_.empty();
  cells_.resize(names_.size());
  bool any = is_first;
  for (std::size_t c = 0; c < cells_.size(); ++c) {
    cell& one = cells_[c];
    std::vector<std::byte> now = what_counts(*field(c).place.what, part(field(c), element(c)));
    const bool is_another = !is_first && now != one.bytes;
    one.has_changed = one.has_changed || is_another;
    one.bytes = std::move(now);
    if (is_number(field(c))) remember(one.past, std::strtod(text(c).c_str(), nullptr));
    any = any || is_another;
  }
  return any;
}

bool watched_value::listen() {
  if (changes_) return false;
  changes_.emplace().add(object());
  return true;
}

void watched_value::forget_changes() {
  for (cell& one : cells_) one.has_changed = false;
}

std::vector<std::string> watched_value::names_of_cells() const {
  const std::size_t count = (rows_.end - rows_.first) * columns_.size();
  if (count > most_cells) {
    throw refusal(wrong_usage,
                  fmt::format("{} fields are too many to be watched, {} are not; choose with "
                              "--field, and of an array with --rows",
                              count, most_cells));
  }
  const bool is_array = object().kind() == shm::object_kind::array;
  std::vector<std::string> all;
  for (std::size_t i = rows_.first; i < rows_.end; ++i) {
    for (const column& one : columns_) {
      all.push_back(is_array ? path_in_element(object().value(), i, one.path) : one.path);
    }
  }
  return all;
}

bytes_view watched_value::element(std::size_t c) const {
  const std::size_t size = object().element_size();
  return bytes_view(seen_.bytes).subspan(c / columns_.size() * size, size);
}

}  // namespace tool
