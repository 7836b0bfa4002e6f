// Entries: a map as a table by key, and keys as people type them.
// SPDX-License-Identifier: MIT
#include "entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "columns.hpp"
#include "json_text.hpp"
#include "readable.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

/// What a key consists of, in its order.
std::vector<column> parts_of_key(const shm::field& key) {
  std::vector<column> all = columns_of(key, {});
  const auto is_heading = [](const column& one) { return one.is_heading; };
  all.erase(std::remove_if(all.begin(), all.end(), is_heading), all.end());
  return all;
}

/// 1 where it is no array.
std::size_t elements_of(const column& part) {
  std::uint64_t all = 1;
  const auto& dimensions = part.place.what->dimensions;
  for (std::size_t i = part.place.dimensions; i < dimensions.size(); ++i) all *= dimensions[i];
  return static_cast<std::size_t>(all);
}

[[noreturn]] void refuse_key(const std::string& path) {
  throw refusal(
      wrong_usage,
      fmt::format("{}: this is a map; say which entry by its key, as in [KEY].FIELD; "
                  "of a key that is a struct or an array write all its parts with commas between",
                  readable(path, 80)));
}

/// The text of the key in [KEY], and how many bytes it took with its brackets. In quotes, brackets
/// and commas belong to the key. A quote or a \ is written behind a \, and any byte as \x1b: shm
/// show prints keys in this form.
std::vector<std::string> texts_in_brackets(const std::string& path, std::size_t& end) {
  std::vector<std::string> texts(1);
  bool is_quoted = false;
  for (std::size_t i = 1; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '"') {
      is_quoted = !is_quoted;
    } else if (is_quoted && c == '\\' && i + 1 < path.size()) {
      texts.back() += character_behind(path, ++i);
    } else if (!is_quoted && c == ',') {
      texts.emplace_back();
    } else if (!is_quoted && c == ']') {
      end = i + 1;
      return texts;
    } else {
      texts.back() += c;
    }
  }
  refuse_key(path);
}

/// Numbers by their values, all else by its text.
bool comes_before(const shm::field& key, bytes_view a, bytes_view b) {
  const std::string of_a = key_text(key, a), of_b = key_text(key, b);
  const bool are_integers = key.dimensions.empty() && key.type >= shm::field_type::int8 &&
                            key.type <= shm::field_type::uint64;
  if (!are_integers) return of_a < of_b;
  const bool a_is_negative = of_a[0] == '-', b_is_negative = of_b[0] == '-';
  if (a_is_negative != b_is_negative) return a_is_negative;
  const auto order = std::pair(of_a.size(), of_a) < std::pair(of_b.size(), of_b);
  return a_is_negative ? of_a != of_b && !order : order;
}

class entry_table {
 public:
  entry_table(const shm::const_any_object& map, const show_options& how)
      : map_(map), all_fields_(how.fields.empty()) {
    columns_ = columns_of(value_of(map), how.fields);
    take_sample();
  }

  void print(output form) const {
    switch (form) {
      case output::tree: return as_table();
      case output::json: return as_json();
      case output::csv: return as_csv();
      case output::raw: return as_raw();
    }
  }

 private:
  static constexpr std::chrono::milliseconds patience{200};

  /// Looks again for so long until no change comes in between.
  void take_sample() {
    const auto until = std::chrono::steady_clock::now() + patience;
    do {
      version_ = map_.version();
      bytes_ = map_.snapshot();
      is_of_version_ = map_.version() == version_;
    } while (!is_of_version_ && std::chrono::steady_clock::now() < until);
    for (std::size_t at = 0; at < bytes_.size(); at += map_.element_size()) {
      entries_.push_back(bytes_view(bytes_).subspan(at, map_.element_size()));
    }
    std::sort(entries_.begin(), entries_.end(), [this](bytes_view a, bytes_view b) {
      return comes_before(key_of(map_), part_of_entry(key_of(map_), a),
                          part_of_entry(key_of(map_), b));
    });
  }

  bytes_view key_in(bytes_view entry) const { return part_of_entry(key_of(map_), entry); }
  bytes_view value_in(bytes_view entry) const { return part_of_entry(value_of(map_), entry); }

  row row_of(bytes_view entry) const {
    row line{key_text(key_of(map_), key_in(entry))};
    for (const column& one : columns_) {
      if (!one.is_heading) line.push_back(text_of(one, value_in(entry)));
    }
    return line;
  }

  void as_table() const {
    row head{"KEY"};
    for (const column& one : columns_) {
      if (!one.is_heading) head.push_back(one.path);
    }
    column_widths widths;
    widths.widen(head);
    for (const bytes_view entry : entries_) widths.widen(row_of(entry));
    fmt::print("{}  map, {} of at most {} entries, version {}{}\n{}\n", readable(map_.name()),
               entries_.size(), map_.size(), version_, is_of_version_ ? "" : " or later",
               styled(widths.line(head), style::strong));
    for (const bytes_view entry : entries_) fmt::print("{}\n", widths.line(row_of(entry)));
  }

  json value_as_json_of(bytes_view entry) const {
    if (all_fields_) return value_as_json(value_of(map_), value_in(entry));
    json chosen = json::object();
    for (const column& one : columns_) {
      if (one.depth != 0) continue;
      chosen[one.path] =
          value_as_json(*one.place.what, part(one, value_in(entry)), one.place.dimensions);
    }
    return chosen;
  }

  void as_json() const {
    const json whole{{"name", std::string(map_.name())},
                     {"kind", word_for(map_.kind())},
                     {"version", is_of_version_ ? json(version_) : json()},
                     {"capacity", map_.size()}};
    std::string head = dumped(whole);
    head.erase(head.rfind("\n}"));
    fmt::print("{},\n  \"entries\": [", head);
    // One entry after the other: there may be millions.
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const json one{{"key", value_as_json(key_of(map_), key_in(entries_[i]))},
                     {"value", value_as_json_of(entries_[i])}};
      fmt::print("{}\n    {}", i == 0 ? "" : ",", dumped_in_a_line(one));
    }
    fmt::print("\n  ]\n}}\n");
  }

  void as_csv() const {
    std::vector<std::string> cells;
    const std::vector<column> key = parts_of_key(key_of(map_));
    for (const column& one : key) {
      cells.push_back(csv_quoted(!is_struct(key_of(map_)) ? "key" : "key." + one.path));
    }
    for (const column& one : columns_) {
      if (!one.is_heading) cells.push_back(csv_quoted(one.path));
    }
    fmt::print("{}\n", fmt::join(cells, ","));
    for (const bytes_view entry : entries_) {
      cells.clear();
      for (const column& one : key) cells.push_back(csv_quoted(csv_text_of(one, key_in(entry))));
      for (const column& one : columns_) {
        if (!one.is_heading) cells.push_back(csv_quoted(csv_text_of(one, value_in(entry))));
      }
      fmt::print("{}\n", fmt::join(cells, ","));
    }
  }

  /// Key, then value, of each entry.
  void as_raw() const {
    for (const bytes_view entry : entries_) {
      write(key_in(entry));
      if (all_fields_) write(value_in(entry));
      for (const column& one : columns_) {
        if (!all_fields_ && one.depth == 0) write(part(one, value_in(entry)));
      }
    }
  }

  static void write(bytes_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()) return;
    throw refusal(refused, "standard output takes no more");
  }

  const shm::const_any_object& map_;
  bool all_fields_;
  std::vector<column> columns_;
  std::vector<std::byte> bytes_;
  std::vector<bytes_view> entries_;
  std::uint64_t version_ = 0;
  bool is_of_version_ = false;
};

}  // namespace

bytes_view part_of_entry(const shm::field& which, bytes_view entry) {
  return entry.subspan(static_cast<std::size_t>(which.offset),
                       static_cast<std::size_t>(which.size * which.count()));
}

std::string key_text(const shm::field& key, bytes_view bytes, audience to) {
  std::vector<std::string> texts;
  for (const column& one : parts_of_key(key)) texts.push_back(text_of(one, bytes, to));
  return fmt::format("{}", fmt::join(texts, ","));
}

std::vector<std::byte> take_key(const shm::field& key, std::string& path) {
  if (path.empty() || path[0] != '[') refuse_key(path);
  std::size_t end = 0;
  const std::vector<std::string> texts = texts_in_brackets(path, end);
  const std::vector<column> parts = parts_of_key(key);
  std::size_t typed = 0;
  for (const column& one : parts) typed += elements_of(one);
  if (texts.size() != typed) refuse_key(path);
  std::vector<std::byte> bytes(static_cast<std::size_t>(key.size * key.count()));
  auto text = texts.begin();
  for (const column& part : parts) {
    const shm::field& what = *part.place.what;
    const std::string name = !is_struct(key) ? "key" : "key." + part.path;
    if (is_struct(what) || what.type == shm::field_type::opaque) {
      throw refusal(wrong_usage,
                    fmt::format("{} is {}, which cannot be typed", name, type_of(part)));
    }
    for (std::size_t i = 0; i < elements_of(part); ++i) {
      const auto one = element_from(what, name, *text++);
      std::memcpy(bytes.data() + part.place.offset + i * what.size, one.data(), one.size());
    }
  }
  const std::string rest = path.substr(end);
  if (!rest.empty() && rest[0] != '.' && rest[0] != '[') refuse_key(path);
  path = rest.substr(!rest.empty() && rest[0] == '.' ? 1 : 0);
  return bytes;
}

exit_code show_entries(const shm::const_any_object& map, const show_options& how) {
  if (!how.rows.empty() || how.damaged) {
    throw refusal(wrong_usage,
                  fmt::format("{}: a map has no rows, and its entries are whole "
                              "after every crash; show it without --rows and --damaged",
                              readable(map.name(), 64)));
  }
  entry_table(map, how).print(how.form);
  return done;
}

}  // namespace tool
