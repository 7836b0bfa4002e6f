// Dead: objects that nobody can be using any more, each with the reason.
// SPDX-License-Identifier: MIT
#include "dead.hpp"

#include "objects.hpp"

namespace tool {

namespace {

std::string reason(const shm::object_info& info) {
  if (info.attached != 0 || !info.problem.empty()) return "";
  switch (info.state) {
    case shm::object_state::half_made: return "its creator died before it was ready";
    case shm::object_state::removed: return "whoever removed it died before it was gone";
    case shm::object_state::ready:
    case shm::object_state::removing: break;
  }
  return info.until_last_detach
             ? "it was to live until its last handle closed, and nobody is attached"
             : "";
}

/// Whether that set is ours, without a segment, and nobody sits there or is inside its door.
bool is_half_removed(const shm::key& key) {
  if (shm::detail::segment::find(key.segment_key()).error_number != ENOENT) return false;
  try {
    shm::detail::subject about{key.name(), key.segment_key()};
    const auto found =
        shm::detail::find_set({key, shm::access::everyone, shm::detail::purpose::read}, about);
    if (!found || found->is_new) return false;
    const auto now = found->set.values();
    return now.ok() && !now.value.somebody_sits(found->set.semaphores()) &&
           now.value[shm::detail::semaphore::door] == 0;
  } catch (const shm::error&) {
    return false;  // foreign, or not to be read: not provably dead
  }
}

}  // namespace

std::vector<dead_object> dead_objects() {
  std::vector<dead_object> dead;
  for (const shm::object_info& one : shm::list()) {
    const std::string why = reason(one);
    if (!why.empty()) dead.push_back({shm::key::from_value(one.key), title(one), why});
  }
  for (const auto& set : told(shm::detail::census::sets())) {
    const key_t segment_key = shm::key::segment_key_beside(set.key);
    if (shm::key::is_reserved(segment_key)) continue;
    const shm::key key = shm::key::from_value(segment_key);
    if (!is_half_removed(key)) continue;
    dead.push_back({key, std::string(key.name()), "only its semaphore set is left"});
  }
  return dead;
}

}  // namespace tool
