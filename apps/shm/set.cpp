// set: changes fields of a value, or of one element, in one crash-atomic update.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "columns.hpp"
#include "commands.hpp"
#include "entries.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "terminal.hpp"
#include "waiting.hpp"
#include "words.hpp"

namespace tool {

namespace {

struct assignment {
  std::string path;  ///< inside the value, or inside the element
  std::string text;
};

/// What a person typed, and the element that all of it is about.
class request {
 public:
  explicit request(const shm::const_any_object& of) : of_(of) {}

  assignment add(const std::string& typed) {
    const std::size_t equals = typed.find('=');
    if (equals == typed.npos || equals == 0) {
      throw refusal(wrong_usage, fmt::format("\"{}\": write FIELD=VALUE", readable(typed, 80)));
    }
    std::string path = typed.substr(0, equals);
    if (of_.kind() == shm::object_kind::array) choose_element(take_index(path));
    if (of_.kind() == shm::object_kind::map) choose_entry(take_key(key_of(of_), path));
    return {path, typed.substr(equals + 1)};
  }

  std::size_t element() const { return element_.value_or(0); }
  const std::vector<std::byte>& key() const { return key_; }

 private:
  /// [3].gear: 3, and leaves gear.
  std::size_t take_index(std::string& path) const {
    std::string_view rest = path;
    const auto index = path[0] == '[' ? shm::detail::take_index(rest, of_.size()) : std::nullopt;
    if (!index) {
      throw refusal(path[0] == '[' ? not_found : wrong_usage,
                    fmt::format("{}: this is an array; say which element, from [0] to [{}], as in "
                                "[0].FIELD=VALUE",
                                readable(path, 80), of_.size() - 1));
    }
    if (!rest.empty() && rest[0] != '.' && rest[0] != '[') {
      throw refusal(wrong_usage,
                    fmt::format("{}: write [{}].FIELD=VALUE", readable(path, 80), *index));
    }
    path = rest.substr(!rest.empty() && rest[0] == '.' ? 1 : 0);
    return static_cast<std::size_t>(*index);
  }

  void choose_element(std::size_t index) {
    if (element_ && *element_ != index) {
      throw refusal(wrong_usage,
                    fmt::format("elements {} and {}: one call changes one element, because only "
                                "that is crash-atomic; call it once for each",
                                *element_, index));
    }
    element_ = index;
  }

  void choose_entry(std::vector<std::byte>&& key) {
    if (!key_.empty() && key_ != key) {
      throw refusal(wrong_usage,
                    fmt::format("[{}] and [{}]: one call changes one entry, because only that is "
                                "crash-atomic; call it once for each",
                                key_text(key_of(of_), key_), key_text(key_of(of_), key)));
    }
    key_ = std::move(key);
  }

  const shm::const_any_object& of_;
  std::optional<std::size_t> element_;
  std::vector<std::byte> key_;  ///< of a map's entry
};

struct change {
  column where;
  std::vector<std::byte> bytes;

  /// Bytes behind the end of a text do not count: they are not shown either.
  bool holds_in(bytes_view value) const {
    return what_counts(*where.place.what, part(where, value)) ==
           what_counts(*where.place.what, bytes);
  }
};

change change_for(const shm::field& value, const assignment& wanted) {
  const shm::field_place place = field_named(value, wanted.path);
  const column where{wanted.path.empty() ? "value" : readable(wanted.path), place, 0, false};
  if (!place.is_single()) {
    throw refusal(wrong_usage, fmt::format("{} is {}: say which element, as in {}[0]", where.path,
                                           type_of(where), where.path));
  }
  return {where, element_from(*place.what, where.path, wanted.text)};
}

/// What a path without an index or a key is about.
const shm::field& value_in(const shm::const_any_object& object) {
  return object.kind() == shm::object_kind::map ? value_of(object) : object.value();
}

std::vector<change> changes_for(const shm::const_any_object& object, request& said,
                                const std::vector<std::string>& typed) {
  std::vector<change> all;
  for (const std::string& one : typed) {
    all.push_back(change_for(value_in(object), said.add(one)));
  }
  return all;
}

struct changes {
  std::vector<change> expected;
  std::vector<change> wanted;
  std::size_t element;
  std::vector<std::byte> key;
};

changes requested_by(const set_options& how, const shm::const_any_object& of) {
  request said(of);
  changes all{
      changes_for(of, said, how.expectations), changes_for(of, said, how.assignments), 0, {}};
  all.element = said.element();
  all.key = said.key();
  return all;
}

/// Nothing when somebody holds the lock for that long.
template <class F>
std::optional<bool> update(shm::any_object& object, const changes& to_do,
                           std::chrono::milliseconds patience, F f) {
  if (object.read().kind() != shm::object_kind::map) {
    return object.try_update_for(patience, f, to_do.element);
  }
  bool is_there = false;
  const auto updated =
      object.try_update_entry_for(patience, to_do.key, [&](gsl::span<std::byte> entry) {
        is_there = true;
        const shm::field& value = value_of(object.read());
        return f(entry.subspan(static_cast<std::size_t>(value.offset),
                               static_cast<std::size_t>(value.size * value.count())));
      });
  if (updated && !is_there) {
    throw refusal(not_found, fmt::format("there is no entry with the key {}; a program inserts it",
                                         key_text(key_of(object.read()), to_do.key)));
  }
  return updated;
}

/// What was changed, or what is not as expected: then it is none.
struct outcome {
  bool changed = false;
  std::string report;
};

outcome apply(const shm::field& value, const changes& to_do, gsl::span<std::byte> draft) {
  for (const change& one : to_do.wanted) require_present(value, one.where.path, draft);
  std::string report;
  for (const change& one : to_do.expected) {
    if (one.holds_in(draft)) continue;
    report +=
        fmt::format("{} is {}, not {}\n", one.where.path, text_of(one.where, draft),
                    inline_text(*one.where.place.what, one.bytes, one.where.place.dimensions));
  }
  if (!report.empty()) return {false, report};
  for (const change& one : to_do.wanted) {
    const std::string before = text_of(one.where, draft);
    std::memcpy(draft.data() + one.where.place.offset, one.bytes.data(), one.bytes.size());
    report += fmt::format("{}: {} -> {}\n", one.where.path, before, text_of(one.where, draft));
  }
  return {true, report};
}

void print_outcome(const outcome& what) {
  fmt::print("{}", what.report);
  try {
    flush_output();
  } catch (const refusal& why) {
    if (!what.changed) throw;
    throw refusal(why.code(), std::string("the change is made, but ") + why.what());
  }
}

}  // namespace

exit_code set(const set_options& how) {
  const shm::object_info info = changeable(how.name);
  if (!has_value(info.kind)) {
    throw refusal(wrong_usage,
                  fmt::format("{}: a {} has no value", title(info), word_for(info.kind)));
  }
  static_cast<void>(requested_by(how, look_at(how.name)));  // a slip opens nothing for writing
  auto object = permitted(how.name, "change it",
                          [&] { return shm::any_object(key_named(how.name), trusting(info)); });
  const changes to_do = requested_by(how, object.read());
  outcome what;
  const auto updated =
      wait_for_lock(how.name, how.timeout, [&](std::chrono::milliseconds patience) {
        return update(object, to_do, patience, [&](gsl::span<std::byte> draft) {
          what = apply(value_in(object.read()), to_do, draft);
          return what.changed;
        });
      });
  if (!updated) return answer_is_no;
  warn_of_dead_holder(how.name);
  print_outcome(what);
  return what.changed ? done : answer_is_no;
}

}  // namespace tool
