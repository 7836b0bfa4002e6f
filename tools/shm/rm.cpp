// rm: takes objects away, unless somebody is attached.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "commands.hpp"
#include "objects.hpp"

namespace tool {

exit_code rm(const rm_options& how) {
  exit_code worst = done;
  for (const std::string& name : how.names) {
    try {
      const shm::object_info info = info_of(name);  // nothing to remove is an error to a person
      permitted(name, "remove it", [&] {
        return how.force ? shm::remove(key_named(name), shm::force) : shm::remove(key_named(name));
      });
      fmt::print("removed {}\n", title(info));
    } catch (const refusal& why) {
      fmt::print(stderr, "shm: {}\n", why.what());
      worst = std::max(worst, why.code());
    } catch (const shm::error& why) {
      fmt::print(stderr, "{}\n", why.what());
      worst = std::max(worst, code_of(why.code()));
    }
  }
  return worst;
}

}  // namespace tool
