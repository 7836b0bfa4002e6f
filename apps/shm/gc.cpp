// gc: removes what is provably dead, and nothing else; says what and why.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "commands.hpp"
#include "dead.hpp"
#include "objects.hpp"
#include "words.hpp"

namespace tool {

exit_code gc(bool dry_run) {
  exit_code worst = done;
  std::size_t removed = 0;
  for (const dead_object& one : dead_objects()) {
    if (!dry_run) {
      try {
        shm::remove_if_dead(one.key);
      } catch (const shm::error& why) {
        if (why.code() == shm::errc::in_use) continue;  // it has come to life since we looked
        fmt::print(stderr, "{}\n", with_commands(why.what()));
        worst = std::max(worst, code_of(why.code()));
        continue;
      }
    }
    fmt::print("{} {}: {}\n", dry_run ? "would remove" : "removed", one.title, one.why);
    ++removed;
  }
  if (removed == 0 && worst == done) fmt::print("nothing is provably dead\n");
  return worst;
}

}  // namespace tool
