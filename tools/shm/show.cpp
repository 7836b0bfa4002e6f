// show: a value by its fields: an object as a tree, an array as a table.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "columns.hpp"
#include "commands.hpp"
#include "json_text.hpp"
#include "objects.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

struct range {
  std::size_t first = 0;
  std::size_t end = 0;
};

/// FIRST:END, where either may be left out; END is not shown.
range rows_in(const std::string& text, std::size_t size) {
  range rows{0, size};
  if (text.empty()) return rows;
  const std::size_t colon = text.find(':');
  const auto number = [&](std::size_t from, std::size_t to, std::size_t& into) {
    if (from == to) return true;
    const auto read = std::from_chars(text.data() + from, text.data() + to, into);
    return read.ec == std::errc() && read.ptr == text.data() + to;
  };
  if (colon == text.npos || !number(0, colon, rows.first) ||
      !number(colon + 1, text.size(), rows.end) || rows.first > rows.end) {
    throw refusal(wrong_usage, fmt::format("--rows {}: write FIRST:END, as in 0:20",
                                           shm::detail::printable(text, 40)));
  }
  rows.end = std::min(rows.end, size);
  if (rows.first >= rows.end) {
    throw refusal(not_found,
                  fmt::format("--rows {}: there are {} elements, 0 to {}", text, size, size - 1));
  }
  return rows;
}

class view {
 public:
  view(const shm::const_any_object& from, const show_options& how)
      : from_(from),
        all_(how.fields.empty()),
        columns_(columns_of(from.value(), how.fields)),
        rows_(rows_in(how.rows, from.size())),
        version_(from.version()),
        bytes_(from.snapshot()) {}

  void print(output form) const {
    switch (form) {
      case output::tree: return from_.kind() == shm::object_kind::array ? as_table() : as_tree();
      case output::json: return as_json();
      case output::csv: return as_csv();
      case output::raw: return as_raw();
    }
  }

 private:
  bytes_view element(std::size_t i) const {
    return bytes_view(bytes_).subspan(i * from_.element_size(), from_.element_size());
  }

  void as_tree() const {
    std::vector<row> lines;
    for (const column& one : columns_) {
      const bool whole = one.path.empty();
      const std::string name = whole ? "value" : last_part(one);
      lines.push_back({std::string(2 * one.depth, ' ') + name, type_of(one),
                       one.is_heading ? "" : text_of(one, element(0))});
    }
    lines.insert(lines.begin(), {"FIELD", "TYPE", "VALUE"});
    fmt::print("{}  {}, version {}\n{}", shm::detail::printable(from_.name(), 64),
               word_for(from_.kind()), version_, table(lines));
  }

  /// Inside its struct a field needs no path.
  static std::string last_part(const column& one) {
    if (one.depth == 0) return one.path;
    const std::size_t start = one.path.find_last_of(".[");
    return one.path.substr(one.path[start] == '.' ? start + 1 : start);
  }

  void as_table() const {
    std::vector<row> lines;
    row head{"#"};
    for (const column& one : columns_) {
      if (!one.is_heading) head.push_back(one.path.empty() ? "value" : one.path);
    }
    lines.push_back(head);
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      row line{fmt::format("{}", i)};
      for (const column& one : columns_) {
        if (!one.is_heading) line.push_back(text_of(one, element(i)));
      }
      lines.push_back(line);
    }
    fmt::print("{}  array of {}, version {}\n{}", shm::detail::printable(from_.name(), 64),
               from_.size(), version_, table(lines));
  }

  json fields_as_json(std::size_t i) const {
    if (all_) return value_as_json(from_.value(), element(i));
    json chosen = json::object();
    for (const column& one : columns_) {
      if (one.depth != 0) continue;
      chosen[one.path] =
          value_as_json(*one.place.what, part(one, element(i)), one.place.dimensions);
    }
    return chosen;
  }

  void as_json() const {
    json whole{{"name", std::string(from_.name())},
               {"kind", word_for(from_.kind())},
               {"version", version_}};
    if (from_.kind() == shm::object_kind::array) {
      whole["first"] = rows_.first;
      whole["elements"] = json::array();
      for (std::size_t i = rows_.first; i < rows_.end; ++i) {
        whole["elements"].push_back(fields_as_json(i));
      }
    } else {
      whole["value"] = fields_as_json(0);
    }
    fmt::print("{}\n", dumped(whole));
  }

  void as_csv() const {
    std::vector<std::string> cells;
    const bool is_array = from_.kind() == shm::object_kind::array;
    if (is_array) cells.push_back("index");
    for (const column& one : columns_) {
      if (!one.is_heading) cells.push_back(csv_quoted(one.path.empty() ? "value" : one.path));
    }
    fmt::print("{}\n", fmt::join(cells, ","));
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      cells.clear();
      if (is_array) cells.push_back(fmt::format("{}", i));
      for (const column& one : columns_) {
        if (!one.is_heading) cells.push_back(csv_quoted(csv_cell(one, i)));
      }
      fmt::print("{}\n", fmt::join(cells, ","));
    }
  }

  std::string csv_cell(const column& one, std::size_t i) const {
    const bool is_text = one.place.what->type == shm::field_type::text && one.place.is_single();
    return is_text ? shm::detail::printable(text_in(part(one, element(i))), one.place.what->size)
                   : text_of(one, element(i));
  }

  void as_raw() const {
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      if (all_) write(element(i));
      for (const column& one : columns_) {
        if (!all_ && one.depth == 0) write(part(one, element(i)));
      }
    }
  }

  static void write(bytes_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()) return;
    throw refusal(refused, "standard output takes no more");
  }

  const shm::const_any_object& from_;
  bool all_;
  std::vector<column> columns_;
  range rows_;
  std::uint64_t version_;
  std::vector<std::byte> bytes_;
};

}  // namespace

exit_code show(const show_options& how) {
  const shm::const_any_object from = look_at(how.name);
  if (from.kind() == shm::object_kind::mutex) {
    throw refusal(wrong_usage, how.name + ": a mutex has no value; see: shm who " + how.name);
  }
  view(from, how).print(how.form);
  return done;
}

}  // namespace tool
