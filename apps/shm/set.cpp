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
#include "target.hpp"
#include "terminal.hpp"
#include "waiting.hpp"
#include "words.hpp"

namespace tool {

namespace {

struct change {
  column where;
  std::vector<std::byte> bytes;

  /// Bytes behind the end of a text do not count: they are not shown either.
  bool holds_in(bytes_view value) const {
    return what_counts(*where.place.what, part(where, value)) ==
           what_counts(*where.place.what, bytes);
  }
};

/// What a person typed, and the element or entry that all of it is about.
class request {
 public:
  explicit request(const shm::const_any_object& of) : of_(of) {}

  std::vector<change> changes_for(const std::vector<std::string>& typed) {
    std::vector<change> all;
    for (const std::string& one : typed) all.push_back(change_for(one));
    return all;
  }

  std::size_t element() const { return about_ ? about_->element : 0; }
  std::vector<std::byte> key() const { return about_ ? about_->key : std::vector<std::byte>(); }

 private:
  change change_for(const std::string& typed) {
    const std::size_t equals = typed.find('=');
    if (equals == typed.npos || equals == 0) {
      throw refusal(wrong_usage, fmt::format("\"{}\": write FIELD=VALUE", readable(typed, 80)));
    }
    target named = target_named(of_, typed.substr(0, equals));
    require_same(named);
    require_single(named.where);
    change wanted{named.where, element_from(*named.where.place.what, named.where.path,
                                            typed.substr(equals + 1))};
    about_ = std::move(named);
    return wanted;
  }

  void require_same(const target& named) const {
    if (!about_ || (about_->element == named.element && about_->key == named.key)) return;
    if (of_.kind() == shm::object_kind::map) {
      throw refusal(
          wrong_usage,
          fmt::format("[{}] and [{}]: one call changes one entry, because only that is "
                      "crash-atomic; call it once for each",
                      key_text(key_of(of_), about_->key), key_text(key_of(of_), named.key)));
    }
    throw refusal(wrong_usage,
                  fmt::format("elements {} and {}: one call changes one element, because only that "
                              "is crash-atomic; call it once for each",
                              about_->element, named.element));
  }

  const shm::const_any_object& of_;
  std::optional<target> about_;
};

struct changes {
  std::vector<change> expected;
  std::vector<change> wanted;
  std::size_t element;
  std::vector<std::byte> key;
};

changes requested_by(const set_options& how, const shm::const_any_object& of) {
  request said(of);
  changes all{said.changes_for(how.expectations), said.changes_for(how.assignments), 0, {}};
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
  for (const change& one : to_do.wanted) {
    const std::string absence = absence_of(value, one.where.path, draft);
    if (!absence.empty()) throw refusal(not_found, absence);
  }
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
          what = apply(value_with_targets(object.read()), to_do, draft);
          return what.changed;
        });
      });
  if (!updated) return answer_is_no;
  warn_of_dead_holder(how.name);
  print_outcome(what);
  return what.changed ? done : answer_is_no;
}

}  // namespace tool
