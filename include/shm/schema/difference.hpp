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
#include "schema.hpp"
#include "schema_parser.hpp"

namespace shm::detail {

/// A field as a line of a difference names it.
struct flat_field {
  std::string path;  ///< engine.rpm; wheels[].pressure inside an array of structs; "" for no struct
  std::string type;  ///< in words
  std::uint64_t offset;
  const field* what;
  bool is_alone = false;  ///< the other schema has no field of that path, nor a twin of this one
};

/// The stored schema may say anything; the text returned is bounded and printable.
class schema_difference {
 public:
  /// Returns "" if programs with these schemas may share an object: nothing differs, or only what
  /// the notes say to people.
  static std::string describe(const schema& stored, const schema& ours) {
    schema_difference difference;
    if (stored != ours) difference.compare(stored, ours);
    return difference.text();
  }

 private:
  static constexpr std::size_t max_lines = 20;

  void compare(const schema& stored, const schema& ours) {
    const std::optional<parsed_format> there = parse(stored);
    const std::optional<parsed_format> here = parse(ours);
    if (there && here) {
      compare_elements(*there, *here);
      compare_fields(flattened(there->value), flattened(here->value));
    } else {
      say((there ? "this program's" : "the segment's") + std::string(" description is unreadable"));
    }
    compare_number("size", stored.size(), ours.size());
    compare_number("alignment", stored.alignment(), ours.alignment());
    const bool is_different =
        stored.fingerprint() != ours.fingerprint() || stored.format() != ours.format();
    if (!there || !here || (is_different && lines_ == 0)) {
      say("in the segment: " + printable(stored.text(), 200));
      say("in this program: " + printable(ours.text(), 200));
    }
  }

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
    const bool is_plain_structure =
        one.type == field_type::structure && one.meaning == field_meaning::plain;
    if (!is_plain_structure || !is_single) {
      into.push_back({path, one.type_in_words(), start, &one});
    }
    const bool has_parts = one.meaning == field_meaning::optional ||
                           one.meaning == field_meaning::vector || is_plain_structure;
    if (!has_parts) return;
    const std::string prefix = path.empty() ? "" : path + (is_single ? "." : "[].");
    for (const field& member : one.members) {
      flatten(member, prefix + member.name, start + member.offset, into);
    }
  }

  void compare_fields(const std::vector<flat_field>& there, std::vector<flat_field> here) {
    if (is_opaque_where_the_other_is_not(there, here)) say_how_to_describe("the segment");
    if (is_opaque_where_the_other_is_not(here, there)) say_how_to_describe("this program");
    for (flat_field& mine : here) mine.is_alone = find(there, mine.path) == nullptr;
    for (const flat_field& old : there) {
      if (const flat_field* const mine = find(here, old.path)) {
        compare_field(old, *mine);
      } else if (const flat_field* const renamed = take_twin(here, old)) {
        say(title(old) + ": called " + title(*renamed) + " in this program (" + where(old) + ")");
      } else {
        say(title(old) + ": only in the segment (" + where(old) + ")");
      }
    }
    for (const flat_field& mine : here) {
      if (mine.is_alone) say(title(mine) + ": only in this program (" + where(mine) + ")");
    }
  }

  /// Whether one side knows only the size of a struct whose members the other side knows.
  static bool is_opaque_where_the_other_is_not(const std::vector<flat_field>& one,
                                               const std::vector<flat_field>& other) {
    return std::any_of(one.begin(), one.end(), [&](const flat_field& mine) {
      if (mine.what->type != field_type::opaque) return false;
      return std::any_of(other.begin(), other.end(), [&](const flat_field& theirs) {
        if (mine.path.empty()) return !theirs.path.empty();
        const std::size_t length = mine.path.size();
        return theirs.path.size() > length && theirs.path.substr(0, length) == mine.path &&
               (theirs.path[length] == '.' || theirs.path[length] == '[');
      });
    });
  }

  void say_how_to_describe(const char* side) {
    say(std::string(side) +
        " does not know the members of a struct: compile that program as C++20, or list them with "
        "BOOST_HANA_ADAPT_STRUCT");
  }

  void compare_field(const flat_field& old, const flat_field& mine) {
    if (old.type != mine.type || old.offset != mine.offset) {
      say(title(old) + ": " + where(old) + " in the segment, " + where(mine) + " in this program");
    }
    for (const enumerator& one : old.what->enumerators) {
      for (const enumerator& other : mine.what->enumerators) {
        if (one.name != other.name || one.value == other.value) continue;
        say(title(old) + ": " + printable(one.name, 64) + " is " + std::to_string(one.value) +
            " in the segment, " + std::to_string(other.value) + " in this program");
      }
    }
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
  static const flat_field* take_twin(std::vector<flat_field>& candidates, const flat_field& old) {
    for (flat_field& one : candidates) {
      if (!one.is_alone || one.offset != old.offset || one.type != old.type) continue;
      one.is_alone = false;
      return &one;
    }
    return nullptr;
  }

  static std::string title(const flat_field& one) {
    return one.path.empty() ? "the value" : printable(one.path, 256);
  }
  static std::string where(const flat_field& one) {
    return printable(one.type, 128) + " at byte " + std::to_string(one.offset);
  }

  void say(const std::string& line) {
    if (++lines_ > max_lines) return;
    if (lines_ != 1) said_ += '\n';
    said_ += "  " + line;
  }

  std::string text() const {
    if (lines_ <= max_lines) return said_;
    return said_ + "\n  … and " + std::to_string(lines_ - max_lines) + " more";
  }

  std::string said_;       ///< the first lines
  std::size_t lines_ = 0;  ///< all of them
};

}  // namespace shm::detail
