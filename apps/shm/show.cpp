// show: a value by its fields: an object as a tree, an array as a table.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cstdio>

#include "columns.hpp"
#include "commands.hpp"
#include "entries.hpp"
#include "json_text.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "rows.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

class view {
 public:
  view(const shm::const_any_object& from, const show_options& how)
      : from_(from),
        all_(how.fields.empty()),
        rows_(rows_in(how.rows, from.size())),
        seen_(how.damaged ? take_damaged_sample(from, rows_) : take_sample(from, rows_, patience)) {
    const bool needs_columns = how.form == output::tree || how.form == output::csv || !all_;
    if (needs_columns) columns_ = columns_of(from.value(), how.fields);
  }

  void print(output form) const {
    switch (form) {
      case output::tree: return from_.kind() == shm::object_kind::array ? as_table() : as_tree();
      case output::json: return as_json();
      case output::csv: return as_csv();
      case output::raw: return as_raw();
    }
  }

 private:
  /// For a version that is the value's: of an array in constant use there may be none.
  static constexpr std::chrono::milliseconds patience{200};

  std::string version_words() const {
    return fmt::format("version {}{}", seen_.version, seen_.is_of_version ? "" : " or later");
  }

  bytes_view element(std::size_t i) const {
    return bytes_view(seen_.bytes)
        .subspan((i - rows_.first) * from_.element_size(), from_.element_size());
  }

  void as_tree() const {
    std::vector<row> lines;
    for (const column& one : columns_) {
      lines.push_back({std::string(2 * one.depth, ' ') + last_part(one), type_of(one),
                       one.is_heading ? "" : text_with_unit(one, element(0))});
    }
    lines.insert(lines.begin(), {"FIELD", "TYPE", "VALUE"});
    fmt::print("{}  {}, {}\n{}", readable(from_.name()), word_for(from_.kind()), version_words(),
               table(lines));
  }

  /// Inside its struct a field needs no path.
  static std::string last_part(const column& one) {
    if (one.depth == 0) return one.path;
    const std::size_t start = one.path.find_last_of(".[");
    return one.path.substr(one.path[start] == '.' ? start + 1 : start);
  }

  /// Twice over the elements instead of once over all their texts: there may be millions.
  void as_table() const {
    row head{"#"};
    for (const column& one : columns_) {
      if (!one.is_heading) head.push_back(one.path);
    }
    column_widths widths;
    widths.widen(head);
    for (std::size_t i = rows_.first; i < rows_.end; ++i) widths.widen(table_row(i));
    fmt::print("{}  array of {}, {}\n{}\n", readable(from_.name()), from_.size(), version_words(),
               styled(widths.line(head), style::strong));
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      fmt::print("{}\n", widths.line(table_row(i)));
    }
  }

  row table_row(std::size_t i) const {
    row line{fmt::format("{}", i)};
    for (const column& one : columns_) {
      if (!one.is_heading) line.push_back(text_of(one, element(i)));
    }
    return line;
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
               {"version", seen_.is_of_version ? json(seen_.version) : json()}};
    if (from_.kind() != shm::object_kind::array) {
      whole["value"] = fields_as_json(0);
      fmt::print("{}\n", dumped(whole));
      return;
    }
    // One element after the other: there may be millions.
    whole["first"] = rows_.first;
    std::string head = dumped(whole);
    head.erase(head.rfind("\n}"));
    fmt::print("{},\n  \"elements\": [", head);
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      fmt::print("{}\n    {}", i == rows_.first ? "" : ",", dumped_in_a_line(fields_as_json(i)));
    }
    fmt::print("\n  ]\n}}\n");
  }

  void as_csv() const {
    std::vector<std::string> cells;
    const bool is_array = from_.kind() == shm::object_kind::array;
    if (is_array) cells.push_back("index");
    for (const column& one : columns_) {
      if (!one.is_heading) cells.push_back(csv_quoted(one.path));
    }
    fmt::print("{}\n", fmt::join(cells, ","));
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      cells.clear();
      if (is_array) cells.push_back(fmt::format("{}", i));
      for (const column& one : columns_) {
        if (!one.is_heading) cells.push_back(csv_quoted(csv_text_of(one, element(i))));
      }
      fmt::print("{}\n", fmt::join(cells, ","));
    }
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
  rows rows_;
  sample seen_;
};

/// A semaphore: how many of its permits are free.
exit_code show_permits(const show_options& how) {
  const bool is_plain = how.fields.empty() && how.rows.empty() && !how.damaged;
  const bool is_whole = how.form == output::tree || how.form == output::json;
  if (!is_plain || !is_whole) {
    throw refusal(wrong_usage, fmt::format("{}: a semaphore has no fields, rows or bytes",
                                           readable(how.name, 64)));
  }
  const shm::object_info info = info_of(how.name);
  require_sound(info);
  if (how.form == output::json) {
    fmt::print("{}\n", dumped(json{{"name", info.name},
                                   {"kind", word_for(info.kind)},
                                   {"permits", info.count},
                                   {"available", info.available}}));
  } else {
    fmt::print("{}  semaphore, {}\n", readable(info.name), permits_in_words(info));
  }
  return done;
}

}  // namespace

exit_code show(const show_options& how) {
  const shm::const_any_object from = look_at(how.name);
  if (from.kind() == shm::object_kind::semaphore) return show_permits(how);
  if (!has_value(from.kind())) refuse_without_value(how.name, from.kind());
  const std::string doubt = doubt_about(how.name);
  if (!doubt.empty()) fmt::print(stderr, "shm: {}\n", doubt);
  if (from.kind() == shm::object_kind::map) {
    show_entries(from, how);
  } else {
    view(from, how).print(how.form);
  }
  return doubt.empty() ? done : broken;
}

}  // namespace tool
