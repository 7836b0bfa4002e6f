// repaired: says that what a dead holder left in a mutex or an array is in order again.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "commands.hpp"
#include "objects.hpp"
#include "waiting.hpp"

namespace tool {

exit_code repaired(const repaired_options& how) {
  const shm::object_info info = changeable(how.name);
  if (info.kind == shm::object_kind::object) {
    throw refusal(
        wrong_usage,
        title(info) + ": an object is whole after every crash; there is nothing to repair");
  }
  if (info.kind == shm::object_kind::map) {
    throw refusal(wrong_usage,
                  title(info) + ": a map is whole after every crash; there is nothing to repair");
  }
  if (info.kind == shm::object_kind::semaphore) {
    throw refusal(wrong_usage, title(info) +
                                   ": the permits of dead processes come back by themselves; there "
                                   "is nothing to repair");
  }
  auto object = permitted(how.name, "change it",
                          [&] { return shm::any_object(key_named(how.name), trusting(info)); });
  const bool said = wait_for_lock(how.name, how.timeout, [&](std::chrono::milliseconds patience) {
    return object.try_mark_repaired_for(patience);
  });
  if (!said) return answer_is_no;
  fmt::print("{}: marked as repaired\n", title(info));
  return done;
}

}  // namespace tool
