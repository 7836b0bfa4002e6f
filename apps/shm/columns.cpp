// Columns: a value's fields one beside or below the other, each under the path by which it is set.
// SPDX-License-Identifier: MIT
#include "columns.hpp"

#include <fmt/format.h>

#include "exit_code.hpp"
#include "meaning_text.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "words.hpp"

namespace tool {

namespace {

constexpr std::size_t most_columns = 100000;

/// What a value without members is called, as they have names.
constexpr std::string_view whole_value = "value";

/// The path as the value itself is described: "value[2]" is its [2].
std::string_view inside(const shm::field& value, std::string_view path) {
  if (is_struct(value) || path.substr(0, whole_value.size()) != whole_value) return path;
  const std::string_view rest = path.substr(whole_value.size());
  return rest.empty() || rest[0] == '[' ? rest : path;
}

/// What lies at `place`, with the dimensions that no index has chosen from.
shm::field remaining(const shm::field_place& place) {
  shm::field rest = *place.what;
  rest.dimensions.erase(rest.dimensions.begin(),
                        rest.dimensions.begin() + static_cast<std::ptrdiff_t>(place.dimensions));
  return rest;
}

void add_members(const shm::field_place& of, const std::string& path, unsigned depth,
                 std::vector<column>& into);

void add(const shm::field_place& place, const std::string& path, unsigned depth,
         std::vector<column>& into) {
  if (into.size() == most_columns) {
    throw refusal(wrong_usage, fmt::format("it has more than {} fields; choose with --field, or "
                                           "show it with --json or --raw",
                                           most_columns));
  }
  if (!is_struct(*place.what)) {
    into.push_back({path.empty() ? std::string(whole_value) : path, place, depth, false});
    return;
  }
  if (!path.empty()) into.push_back({path, place, depth, true});
  const unsigned inside = path.empty() ? depth : depth + 1;
  if (place.is_single()) {
    add_members(place, path, inside, into);
    return;
  }
  const std::uint64_t end = place.what->dimensions[place.dimensions];
  const std::uint64_t stride = end == 0 ? 0 : remaining(place).count() / end * place.what->size;
  for (std::uint64_t i = 0; i < end; ++i) {
    add({place.what, place.offset + i * stride, place.dimensions + 1},
        fmt::format("{}[{}]", path, i), inside, into);
  }
}

void add_members(const shm::field_place& of, const std::string& path, unsigned depth,
                 std::vector<column>& into) {
  for (const shm::field& member : of.what->members) {
    add({&member, of.offset + member.offset, 0},
        path.empty() ? readable(member.name) : path + '.' + readable(member.name), depth, into);
  }
}

/// What an index that leads nowhere could have been; "" when something else is wrong.
std::string index_trouble(const shm::field& value, std::string_view path) {
  for (std::size_t open = path.rfind('['); open != path.npos; open = path.rfind('[', open - 1)) {
    const auto array = shm::find_field(value, path.substr(0, open));
    if (array) {
      const std::string name = readable(open == 0 ? whole_value : path.substr(0, open));
      const std::string type = readable(remaining(*array).type_in_words());
      if (array->is_single()) return fmt::format("{} is {}, which takes no index", name, type);
      const std::uint64_t end = array->what->dimensions[array->dimensions];
      std::string_view rest = path.substr(open);
      if (shm::detail::take_index(rest, end)) return "";
      if (end == 0) return fmt::format("{} is {}, which has no elements", name, type);
      return fmt::format("{} is {}, with elements from [0] to [{}]", name, type, end - 1);
    }
    if (open == 0) break;
  }
  return "";
}

}  // namespace

std::vector<column> columns_of(const shm::field& value, const std::vector<std::string>& wanted) {
  std::vector<column> all;
  if (wanted.empty()) add({&value, 0, 0}, "", 0, all);
  for (const std::string& path : wanted) add(field_named(value, path), readable(path), 0, all);
  return all;
}

bool is_struct(const shm::field& what) noexcept {
  return what.type == shm::field_type::structure && what.meaning == shm::field_meaning::plain;
}

bytes_view part(const column& which, bytes_view value) {
  const shm::field rest = remaining(which.place);
  return value.subspan(static_cast<std::size_t>(which.place.offset),
                       static_cast<std::size_t>(rest.size * rest.count()));
}

std::string text_of(const column& which, bytes_view value, audience to) {
  return inline_text(remaining(which.place), part(which, value), 0, to);
}

std::string text_with_unit(const column& which, bytes_view value) {
  const std::string text = text_of(which, value);
  const std::string& unit = which.place.what->unit;
  return unit.empty() ? text : text + ' ' + readable(unit, 40);
}

std::string csv_text_of(const column& which, bytes_view value) {
  const shm::field& what = *which.place.what;
  const bytes_view bytes = part(which, value);
  if (which.place.is_single() && what.type == shm::field_type::text)
    return readable(text_in(bytes));
  if (which.place.is_single() && what.meaning == shm::field_meaning::string) {
    return readable(text_in(contents_in(what, bytes)));
  }
  return text_of(which, value, audience::programs);
}

void refuse_without_value(const std::string& name, shm::object_kind kind) {
  throw refusal(wrong_usage, fmt::format("{0}: a {1} has no value; see: shm who {0}",
                                         readable(name, 64), word_for(kind)));
}

std::string type_of(const column& which) {
  return readable(remaining(which.place).type_in_words());
}

std::string path_in_element(const shm::field& value, std::size_t i, const std::string& path) {
  const std::string_view rest = inside(value, path);
  const char* const dot = rest.empty() || rest[0] == '[' ? "" : ".";
  return fmt::format("[{}]{}{}", i, dot, rest);
}

shm::field_place field_named(const shm::field& value, const std::string& path) {
  if (const auto found = shm::find_field(value, inside(value, path))) return *found;
  const std::string intro = fmt::format("there is no field \"{}\"", readable(path, 80));
  const std::string wrong_index = index_trouble(value, inside(value, path));
  if (!wrong_index.empty()) throw refusal(not_found, intro + "; " + wrong_index);
  std::vector<std::string> known;
  for (const column& one : columns_of(value, {})) known.push_back(one.path);
  throw refusal(not_found, intro + suggestion(path, known, "shm schema NAME"));
}

void require_single(const column& where) {
  if (where.place.is_single()) return;
  throw refusal(wrong_usage, fmt::format("{} is {}: say which element, as in {}[0]", where.path,
                                         type_of(where), where.path));
}

std::string absence_of(const shm::field& value, const std::string& path, bytes_view bytes) {
  const std::string_view whole = inside(value, path);
  for (std::size_t i = whole.find_first_of(".["); i != whole.npos;
       i = whole.find_first_of(".[", i + 1)) {
    const std::string_view before = whole.substr(0, i);
    const auto place = shm::find_field(value, before);
    if (!place || !place->is_single()) continue;
    const shm::field& what = *place->what;
    const bool is_optional = what.meaning == shm::field_meaning::optional;
    const bool is_chosen_from = what.meaning == shm::field_meaning::vector && whole[i] == '[';
    if (!is_optional && !is_chosen_from) continue;
    const bytes_view contents =
        contents_in(what, bytes.subspan(static_cast<std::size_t>(place->offset),
                                        static_cast<std::size_t>(what.size)));
    if (is_optional && contents.empty()) return fmt::format("{}: {} is none", path, before);
    if (is_optional) continue;
    const shm::field element = element_of(what);
    const std::uint64_t size = contents.size() / (element.size * element.count());
    std::string_view index = whole.substr(i);
    if (!shm::detail::take_index(index, size)) {
      return fmt::format(
          "{}: {} has {} elements at the moment; write all of them, as in "
          "{}=[1,2,3]",
          path, before, size, before);
    }
  }
  return "";
}

}  // namespace tool
