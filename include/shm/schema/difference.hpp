// Difference: in what two schemas differ, field by field, in words for the person who changed one.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../base/printable.hpp"
#include "format_parser.hpp"
#include "schema.hpp"

namespace shm::detail {

/// A field as a line of a difference names it.
struct flat_field {
  std::string path;  ///< engine.rpm; wheels[].pressure inside an array of structs; "" for no struct
  std::string type;  ///< in words
  std::uint64_t offset;
};

/// The stored schema may say anything; the text returned is bounded and printable.
class schema_difference {
 public:
  static std::string describe(const schema& stored, const schema& ours) {
    schema_difference difference;
    difference.compare(stored, ours);
    return difference.text();
  }

 private:
  static constexpr std::size_t max_lines = 20;

  void compare(const schema& stored, const schema& ours) {
    const std::optional<parsed_format> there = format_parser::parse(stored.format());
    const std::optional<parsed_format> here = format_parser::parse(ours.format());
    if (!there || !here) {
      say((there ? "this program's" : "the segment's") + std::string(" description is unreadable"));
      say("in the segment: " + printable(stored.format(), 200));
      say("in this program: " + printable(ours.format(), 200));
    } else {
      if (is_opaque(*there) != is_opaque(*here)) {
        say((is_opaque(*there) ? "the program that created it" : "this program") +
            std::string(" does not know the members: compile it as C++20, or list them with "
                        "BOOST_HANA_ADAPT_STRUCT"));
      }
      compare_elements(*there, *here);
      compare_fields(flattened(there->value), flattened(here->value));
    }
    compare_number("size", stored.size(), ours.size());
    compare_number("alignment", stored.alignment(), ours.alignment());
  }

  static bool is_opaque(const parsed_format& one) { return one.value.type == field_type::opaque; }

  void compare_elements(const parsed_format& there, const parsed_format& here) {
    const auto words = [](const std::optional<std::uint64_t>& count) {
      return count ? std::to_string(*count) + " elements" : std::string("one value");
    };
    if (there.elements != here.elements) {
      say(words(there.elements) + " in the segment, " + words(here.elements) + " in this program");
    }
  }

  static std::vector<flat_field> flattened(const field& value) {
    std::vector<flat_field> all;
    flatten(value, "", 0, all);
    return all;
  }

  static void flatten(const field& one, const std::string& path, std::uint64_t start,
                      std::vector<flat_field>& into) {
    // Of a single struct its members say all; of several, their number has to be said, too.
    const bool is_single = one.dimensions.empty();
    if (one.type != field_type::structure || !is_single) {
      into.push_back({path, one.type_in_words(), start});
    }
    const std::string prefix = path.empty() ? "" : path + (is_single ? "." : "[].");
    for (const field& member : one.members) {
      flatten(member, prefix + member.name, start + member.offset, into);
    }
  }

  void compare_fields(const std::vector<flat_field>& there, const std::vector<flat_field>& here) {
    std::vector<const flat_field*> only_here;
    for (const flat_field& mine : here) {
      if (find(there, mine.path) == nullptr) only_here.push_back(&mine);
    }
    for (const flat_field& old : there) {
      if (const flat_field* const mine = find(here, old.path)) {
        compare_field(old, *mine);
      } else if (const flat_field* const renamed = take_twin(only_here, old)) {
        say(title(old) + ": called " + title(*renamed) + " in this program (" + where(old) + ")");
      } else {
        say(title(old) + ": only in the segment (" + where(old) + ")");
      }
    }
    for (const flat_field* mine : only_here) {
      say(title(*mine) + ": only in this program (" + where(*mine) + ")");
    }
  }

  void compare_field(const flat_field& old, const flat_field& mine) {
    if (old.type == mine.type && old.offset == mine.offset) return;
    say(title(old) + ": " + where(old) + " in the segment, " + where(mine) + " in this program");
  }

  void compare_number(const char* what, std::size_t stored, std::size_t ours) {
    if (stored == ours) return;
    say(std::string(what) + ": " + std::to_string(stored) + " bytes in the segment, " +
        std::to_string(ours) + " in this program");
  }

  static const flat_field* find(const std::vector<flat_field>& fields, const std::string& path) {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&path](const flat_field& one) { return one.path == path; });
    return found == fields.end() ? nullptr : &*found;
  }

  /// The same type in the same place under another name: renamed, most likely.
  static const flat_field* take_twin(std::vector<const flat_field*>& candidates,
                                     const flat_field& old) {
    const auto found =
        std::find_if(candidates.begin(), candidates.end(), [&old](const flat_field* one) {
          return one->offset == old.offset && one->type == old.type;
        });
    if (found == candidates.end()) return nullptr;
    const flat_field* const twin = *found;
    candidates.erase(found);
    return twin;
  }

  static std::string title(const flat_field& one) {
    return one.path.empty() ? "the value" : one.path;
  }
  static std::string where(const flat_field& one) {
    return one.type + " at byte " + std::to_string(one.offset);
  }

  void say(const std::string& line) { lines_.push_back("  " + line); }

  std::string text() const {
    std::string all;
    for (std::size_t i = 0; i < std::min(lines_.size(), max_lines); ++i) {
      if (i != 0) all += '\n';
      all += lines_[i];
    }
    if (lines_.size() > max_lines) {
      all += "\n  … and " + std::to_string(lines_.size() - max_lines) + " more";
    }
    return all;
  }

  std::vector<std::string> lines_;
};

}  // namespace shm::detail
