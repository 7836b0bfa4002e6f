// rm: takes objects away, unless somebody is attached.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "commands.hpp"
#include "objects.hpp"
#include "people.hpp"
#include "shell_word.hpp"
#include "words.hpp"

namespace tool {

namespace {

/// Also who only looks, and has no seat by which the library could name it.
void refuse_attached(const std::string& name) {
  const shm::object_info info = info_of(name);
  if (info.attached == 0) return;
  throw refusal(
      in_use,
      fmt::format("{}: processes are attached: {}; end them, or take it away under them: shm rm "
                  "--force {}",
                  title(info), attached_words(attached_processes(), info.segment_id, info.attached),
                  shell_word(title(info))));
}

void take_away(const std::string& name, bool by_force) {
  const shm::object_info info = info_of(name);  // nothing to remove is an error to a person
  permitted(name, "remove it", [&] {
    return by_force ? shm::remove(key_named(name), shm::force) : shm::remove(key_named(name));
  });
  fmt::print("removed {}\n", title(info));
}

}  // namespace

exit_code rm(const rm_options& how) {
  exit_code worst = done;
  for (const std::string& name : how.names) {
    try {
      try {
        take_away(name, how.force);
      } catch (const shm::error& why) {
        if (why.code() == shm::errc::in_use) refuse_attached(name);
        throw;
      }
    } catch (const refusal& why) {
      fmt::print(stderr, "shm: {}\n", why.what());
      worst = std::max(worst, why.code());
    } catch (const shm::error& why) {
      fmt::print(stderr, "{}\n", with_commands(why.what()));
      worst = std::max(worst, code_of(why.code()));
    }
  }
  return worst;
}

}  // namespace tool
