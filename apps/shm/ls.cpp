// ls: every object, one a line.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "commands.hpp"
#include "json_text.hpp"
#include "objects.hpp"
#include "people.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

std::string type_words(const shm::object_info& info) {
  if (info.kind == shm::object_kind::semaphore) return permits_in_words(info);
  if (info.kind == shm::object_kind::mutex) return "-";
  const auto parsed = shm::detail::parse(shm::schema(info.format, info.size, 1, info.notes));
  if (!parsed) return "?";
  const shm::field& value = parsed->value;
  if (info.kind == shm::object_kind::map && value.members.size() == 4) {
    return fmt::format("{} of {} × {}: {}", info.entries, info.count,
                       value.members[2].type_in_words(), value.members[3].type_in_words());
  }
  std::string words = value.type_in_words();
  if (value.type == shm::field_type::structure && value.meaning == shm::field_meaning::plain) {
    words += fmt::format(" of {} fields", value.members.size());
  }
  return parsed->elements ? fmt::format("{} × {}", *parsed->elements, words) : words;
}

std::string lock_words(const shm::object_info& info) {
  if (info.needs_repair && info.lock == shm::lock_state::free) return "free, repair needed";
  if (info.lock != shm::lock_state::held) return word_for(info.lock);
  return fmt::format("held by {}", holder_title(info.lock_process));
}

std::string state_words(const shm::object_info& info) {
  if (!info.problem.empty()) return "broken";
  if (info.state != shm::object_state::ready) return word_for(info.state);
  return info.kind == shm::object_kind::semaphore ? "-" : lock_words(info);
}

style style_of(const shm::object_info& info) {
  const bool bad = !info.problem.empty() || info.lock == shm::lock_state::owner_died ||
                   info.needs_repair || info.state != shm::object_state::ready;
  return bad ? style::alarming : style::plain;
}

row row_of(const shm::object_info& info, const attached_by_id& attached) {
  return {title(info),
          shm::detail::hex(info.key),
          word_for(info.kind),
          type_words(info),
          bytes_in_words(info.size),
          fmt::format("{:04o}", info.mode),
          user_name(info.owner),
          styled(state_words(info), style_of(info)),
          fmt::format("{}", info.version),
          age(info.changed),
          attached_words(attached, info.segment_id, info.attached)};
}

row foreign_row(const shm::detail::counted_segment& one, const attached_by_id& attached) {
  return {"-",
          shm::detail::hex(one.key),
          "foreign",
          "?",
          bytes_in_words(one.size),
          fmt::format("{:04o}", one.owner.mode),
          user_name(one.owner.owner),
          "-",
          "-",
          age(one.changed),
          attached_words(attached, one.id, one.attached)};
}

/// What the commands take for a name; "" for a key that nobody can ask for.
std::string key_title(key_t key) {
  return shm::key::is_reserved(key) ? "" : std::string(shm::key::from_value(key).name());
}

std::vector<shm::detail::counted_segment> foreign(const std::vector<shm::object_info>& ours) {
  std::vector<shm::detail::counted_segment> others;
  for (const auto& one : told(shm::detail::census::segments())) {
    const bool known = std::any_of(ours.begin(), ours.end(), [&](const shm::object_info& info) {
      return info.segment_id == one.id;
    });
    if (!known) others.push_back(one);
  }
  return others;
}

void print_json(const std::vector<shm::object_info>& ours,
                const std::vector<shm::detail::counted_segment>& others,
                const attached_by_id& attached) {
  json all = json::array();
  const auto with_processes = [&](json one, int segment_id) {
    json processes = json::array();
    if (const auto found = attached.find(segment_id); found != attached.end()) {
      for (const attached_process& process : found->second) {
        processes.push_back({{"process", process.process},
                             {"command", process.command},
                             {"may_write", process.may_write}});
      }
    }
    one["processes"] = processes;
    return one;
  };
  for (const auto& one : ours) all.push_back(with_processes(info_as_json(one), one.segment_id));
  for (const auto& one : others) {
    all.push_back(with_processes({{"title", key_title(one.key)},
                                  {"key", shm::detail::hex(one.key)},
                                  {"segment_id", one.id},
                                  {"kind", "foreign"},
                                  {"segment_size", one.size},
                                  {"mode", one.owner.mode},
                                  {"owner", user_name(one.owner.owner)},
                                  {"attached", one.attached},
                                  {"changed", one.changed}},
                                 one.id));
  }
  fmt::print("{}\n", dumped(all));
}

}  // namespace

exit_code ls(const ls_options& how) {
  std::vector<shm::object_info> ours = shm::list();
  std::sort(ours.begin(), ours.end(),
            [](const auto& a, const auto& b) { return title(a) < title(b); });
  const auto others = how.all ? foreign(ours) : std::vector<shm::detail::counted_segment>{};
  const attached_by_id attached = attached_processes();
  if (how.json) {
    print_json(ours, others, attached);
    return done;
  }
  std::vector<row> rows{{"NAME", "KEY", "KIND", "TYPE", "SIZE", "MODE", "OWNER", "LOCK", "VERSION",
                         "AGE", "ATTACHED"}};
  for (const auto& one : ours) rows.push_back(row_of(one, attached));
  for (const auto& one : others) rows.push_back(foreign_row(one, attached));
  fmt::print("{}", table(rows));
  for (const auto& one : ours) {
    if (one.problem.empty()) continue;
    fmt::print("{}\n", styled(fmt::format("{}: {}", title(one), problem_of(one)), style::alarming));
  }
  return done;
}

}  // namespace tool
