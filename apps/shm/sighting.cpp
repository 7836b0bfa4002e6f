// Sighting: an object that may not exist yet, may be removed, and may be made anew.
// SPDX-License-Identifier: MIT
#include "sighting.hpp"

#include "exit_code.hpp"
#include "objects.hpp"

namespace tool {

sighting::sighting(const std::string& name, int segment_id, std::chrono::milliseconds patience)
    : name_(name), segment_id_(segment_id), object_(opened(name, patience)) {}

std::optional<sighting> sighting::of(const std::string& name, std::chrono::milliseconds patience) {
  // The id first: should the object be made anew before it is opened, it counts as removed.
  const int segment_id = segment_id_of(name);
  try {
    return sighting(name, segment_id, patience);
  } catch (const shm::error& why) {
    const bool is_unready = why.code() == shm::errc::timed_out;
    if (code_of(why.code()) != not_found && !is_unready) throw;
    return std::nullopt;
  }
}

bool sighting::is_current() const {
  return segment_id_of(name_) == segment_id_;
}

std::string nonexistence_of(const std::string& name) {
  if (segment_id_of(name) != -1) return "it is not ready";
  return "there is no such object" + suggestion_for(name);
}

bool writers_of::have_changed() {
  const std::optional<shm::object_info> info = info_if_there(name_);
  // Who may not read the semaphores cannot know.
  const bool is_known = info && info->lock != shm::lock_state::unknown;
  const bool are_there = !is_known || !info->seats.empty();
  return std::exchange(are_there_, are_there) != are_there;
}

const char* writers_of::in_words() const noexcept {
  return are_there_ ? "a program has it open for writing again"
                    : "no program has it open for writing";
}

}  // namespace tool
