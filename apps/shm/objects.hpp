// Objects: from the name that a person types to the object, or to what they may have meant.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <shm.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "exit_code.hpp"

namespace tool {

exit_code code_of(const std::error_code& why) noexcept;

/// A name, or key:0x… as names of objects without one are shown, alone or with its file.
shm::key key_named(const std::string& name);

/// Opens the object read-only, whatever its owner. Throws shm::error, also not_found. The patience
/// is for opening and for each load.
shm::const_any_object opened(const std::string& name,
                             std::chrono::milliseconds patience = shm::options().open_timeout);
/// Like opened(), but throws refusal with near matches when there is none.
shm::const_any_object look_at(const std::string& name);

/// Returns the id of the segment that the name leads to now; -1 if there is none.
int segment_id_of(const std::string& name);

/// Returns what list() tells of the object, except how often it is attached. Returns nothing if
/// there is none, or if the segment belongs to another program.
std::optional<shm::object_info> info_if_there(const std::string& name);

/// Why an object that can be looked at may not be what it seems; "" when it is sound.
std::string doubt_about(const std::string& name);

/// What list() tells of that one. Throws refusal with near matches when there is none.
shm::object_info info_of(const std::string& name);

/// The same, of one that somebody wants to change or lock: sound, and not past its life. Throws
/// refusal.
shm::object_info changeable(const std::string& name);

/// What somebody wanted to do who may not, in words: "read it".
/// Throws refusal: who owns the object, its mode and the way out. Does nothing when there is none.
void refuse_forbidden(const std::string& name, const char* wish);

/// Does that, and tells of the kernel's refusal by refuse_forbidden().
template <class F>
auto permitted(const std::string& name, const char* wish, F&& job) {
  try {
    return job();
  } catch (const shm::error& why) {
    if (code_of(why.code()) == no_permission) refuse_forbidden(name, wish);
    throw;
  }
}

/// Options that trust this object's owner, and no more than it lets in itself.
shm::options trusting(const shm::object_info& info);

/// The name where it can be typed back, else the key; printable, and no option.
std::string title(const shm::object_info& info);

/// "; did you mean: a, b" of those known that are near, or else "; there are: …", and where there
/// are too many for that, which command lists them.
std::string suggestion(const std::string& typed, const std::vector<std::string>& known,
                       const std::string& lister = "shm --help");

/// Returns suggestion() for the name of an object that does not exist.
std::string suggestion_for(const std::string& name);

/// Its segment may be read, and its semaphores may not.
bool is_closed(const shm::object_info& info);

/// Throws refusal when it cannot be read as a whole.
void require_sound(const shm::object_info& info);
/// What is wrong with it, after its title; "" when nothing is.
std::string problem_of(const shm::object_info& info);

/// What the kernel told; throws its errno, because a table that was not told is not an empty one.
template <class T>
T told(shm::detail::result<T> answer) {
  if (answer.ok()) return std::move(answer.value);
  throw shm::error(std::error_code(answer.error_number, std::system_category()),
                   "shm: the kernel does not tell which segments and semaphore sets there are "
                   "(SHM_STAT_ANY, SEM_STAT_ANY); in a container its seccomp profile has to allow "
                   "shmctl and semctl");
}

}  // namespace tool
