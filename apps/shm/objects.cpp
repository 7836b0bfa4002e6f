// Objects: from the name that a person types to the object, or to what they may have meant.
// SPDX-License-Identifier: MIT
#include "objects.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <numeric>
#include <optional>

#include "people.hpp"
#include "readable.hpp"
#include "words.hpp"

namespace tool {

namespace {

constexpr std::string_view key_prefix = "key:0x";

/// Levenshtein's: letters added, dropped or changed.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

/// Best first.
std::vector<std::string> near(const std::string& typed, const std::vector<std::string>& known) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& one : known) {
    const bool inside = !typed.empty() && one.find(typed) != one.npos;
    const std::size_t apart = inside ? 0 : distance(typed, one);
    if (apart <= std::max<std::size_t>(1, typed.size() / 3)) ranked.emplace_back(apart, one);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> best;
  for (std::size_t i = 0; i < std::min<std::size_t>(ranked.size(), 5); ++i) {
    best.push_back(ranked[i].second);
  }
  return best;
}

std::vector<std::string> titles() {
  std::vector<std::string> all;
  for (const shm::object_info& one : shm::list()) all.push_back(title(one));
  return all;
}

/// "root (uid 0), mode 0600"
std::string owner_words(const shm::detail::ownership& owner) {
  const std::string user = user_name(owner.owner);
  const std::string number = fmt::format("uid {}", owner.owner);
  return fmt::format("{}, mode {:04o}",
                     user == number ? number : fmt::format("{} ({})", user, number), owner.mode);
}

/// Of that key in one of the kernel's tables, which hold what may not be read, too.
template <class Counted>
std::optional<shm::detail::ownership> owner_under(key_t key, const std::vector<Counted>& table) {
  for (const Counted& one : table) {
    if (one.key == key) return one.owner;
  }
  return std::nullopt;
}

[[noreturn]] void refuse_unknown(const std::string& name) {
  throw refusal(not_found, fmt::format("there is no object \"{}\"{}", readable(name, 80),
                                       suggestion_for(name)));
}

}  // namespace

shm::key key_named(const std::string& name) {
  unsigned value = 0;
  constexpr std::size_t length = key_prefix.size() + 8;
  if (name.size() >= length && name.compare(0, key_prefix.size(), key_prefix) == 0) {
    const char* const end = name.data() + length;
    const auto read = std::from_chars(name.data() + key_prefix.size(), end, value, 16);
    if (read.ec == std::errc() && read.ptr == end) {
      const shm::key key = shm::key::from_value(static_cast<key_t>(value));
      if (key.may_be_called(name)) return key;
    }
  }
  return name;
}

shm::const_any_object opened(const std::string& name, std::chrono::milliseconds patience) {
  shm::options how;
  how.open_timeout = patience;
  how.access = shm::access::everyone;  // looking trusts nobody: all that is read is checked
  return permitted(name, "read it", [&] { return shm::const_any_object(key_named(name), how); });
}

shm::const_any_object look_at(const std::string& name) {
  try {
    return opened(name);
  } catch (const shm::error& why) {
    if (why.code() == shm::errc::not_found && segment_id_of(name) == -1) refuse_unknown(name);
    throw;
  }
}

int segment_id_of(const std::string& name) {
  return shm::detail::segment::find(key_named(name).segment_key()).value.id();
}

void refuse_forbidden(const std::string& name, const char* wish) {
  const shm::key key = key_named(name);
  const auto segment = owner_under(key.segment_key(), told(shm::detail::census::segments()));
  const auto set = owner_under(key.set_key(), told(shm::detail::census::sets()));
  if (!segment && !set) return;
  const shm::detail::ownership& owner = segment ? *segment : *set;
  std::string words = owner_words(owner);
  if (set && owner_words(*set) != words) words += "; its semaphores to " + owner_words(*set);
  const std::string other = owner.owner == 0 ? "" : user_name(owner.owner) + " or as ";
  throw refusal(
      no_permission,
      fmt::format("{}: you ({}) may not {}: it belongs to {}; run this as {}root, or have "
                  "its programs create it with another shm::access",
                  readable(name, 80), user_name(::geteuid()), wish, words, other));
}

std::optional<shm::object_info> info_if_there(const std::string& name) {
  const auto place = shm::detail::segment::find(key_named(name).segment_key());
  if (!place.ok()) return std::nullopt;
  const auto now = place.value.stat();
  if (!now.ok()) return std::nullopt;
  shm::detail::counted_segment seen;
  seen.id = place.value.id();
  seen.key = key_named(name).segment_key();
  seen.size = now.value.size;
  seen.owner = now.value.owner;
  std::vector<shm::object_info> all;
  shm::detail::inspection::add(seen, all);
  if (all.empty()) return std::nullopt;
  return std::move(all.front());
}

std::string doubt_about(const std::string& name) {
  const std::optional<shm::object_info> info = info_if_there(name);
  return info ? problem_of(*info) : "";  // removed meanwhile, as the next read of it tells
}

shm::object_info info_of(const std::string& name) {
  const shm::key key = key_named(name);
  for (shm::object_info& one : shm::list()) {
    if (one.key == key.segment_key() && (!key.is_named() || one.name == name || one.name.empty())) {
      return std::move(one);
    }
  }
  static_cast<void>(look_at(name));  // says why not
  refuse_unknown(name);
}

shm::object_info changeable(const std::string& name) {
  shm::object_info info = info_of(name);
  require_sound(info);
  if (info.until_last_detach && info.attached == 0) {
    throw refusal(
        not_found,
        fmt::format("{0}: its programs have ended, and it was to live as long as they: the "
                    "next one makes it anew. shm show {0} reads it, shm gc takes it away",
                    title(info)));
  }
  return info;
}

shm::options trusting(const shm::object_info& info) {
  const shm::detail::ownership owner{info.owner, info.creator, info.group, info.creator_group,
                                     info.mode};
  shm::options how;
  for (const shm::access who : {shm::access::owner, shm::access::group_read, shm::access::group,
                                shm::access::everyone_read, shm::access::everyone}) {
    how.access = who;
    if (owner.lets_in_no_more_than(who) &&
        owner.is_trusted(who, shm::detail::purpose::read_and_write)) {
      break;
    }
  }
  return how;
}

std::string title(const shm::object_info& info) {
  const bool can_be_typed = !info.name.empty() && info.name[0] != '-' &&
                            info.name.rfind(key_prefix, 0) != 0 && readable(info.name) == info.name;
  return can_be_typed ? info.name : "key:" + shm::detail::hex(info.key);
}

std::string suggestion_for(const std::string& name) {
  return suggestion(name, titles(), "shm ls");
}

std::string suggestion(const std::string& typed, const std::vector<std::string>& known,
                       const std::string& lister) {
  const std::vector<std::string> close = near(typed, known);
  if (!close.empty()) return fmt::format("; did you mean: {}", fmt::join(close, ", "));
  if (known.empty()) return "; there is none at all";
  constexpr std::size_t enough = 20;
  const auto end = known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), enough));
  const std::string more = known.size() > enough
                               ? fmt::format(" and {} more; see: {}", known.size() - enough, lister)
                               : "";
  return fmt::format("; there are: {}{}", fmt::join(known.begin(), end, ", "), more);
}

std::string problem_of(const shm::object_info& info) {
  constexpr std::string_view prefix = "shm: ";
  const bool prefixed = info.problem.rfind(prefix, 0) == 0;
  return with_commands(prefixed ? info.problem.substr(prefix.size()) : info.problem);
}

bool is_closed(const shm::object_info& info) {
  const shm::key key = shm::key::from_value(info.key);
  const auto set = shm::detail::semaphore_set::find(key.set_key());
  return set.ok() && set.value.stat().error_number == EACCES;
}

void require_sound(const shm::object_info& info) {
  if (info.problem.empty()) return;
  if (is_closed(info)) refuse_forbidden(title(info), "read it");
  throw refusal(broken, problem_of(info));
}

exit_code code_of(const std::error_code& why) noexcept {
  if (why == std::errc::permission_denied || why == std::errc::operation_not_permitted ||
      why == shm::errc::untrusted_owner) {
    return no_permission;
  }
  if (why == shm::errc::not_found || why == shm::errc::removed) return not_found;
  if (why == shm::errc::in_use || why == shm::errc::timed_out) return in_use;
  if (why == shm::errc::corrupt || why == shm::errc::damaged) return broken;
  if (why == std::errc::invalid_argument) return wrong_usage;
  return refused;
}

}  // namespace tool
