// Errors: what a refusal is called, which object it concerns, and what the caller can do about it.
// SPDX-License-Identifier: MIT
#pragma once

#include "requirements.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "printable.hpp"

namespace shm {

/// Why the library refused. Converts to std::error_code: `e.code() == shm::errc::in_use`.
enum class errc {
  not_found = 1,        ///< there is no object of that name
  already_exists,       ///< create_only met an object that is there
  type_mismatch,        ///< the object holds another T, another N, or other permits
  kind_mismatch,        ///< the object is an array, not an object, and so on
  name_collision,       ///< two different names lead to one System V key
  foreign_segment,      ///< another program's segment or semaphore set; it stays untouched
  untrusted_owner,      ///< its creator or its permissions are not what options::access trusts
  incompatible_layout,  ///< made by a version of the library with another memory layout
  corrupt,              ///< somebody scribbled over the bookkeeping
  in_use,               ///< other processes use it: remove(); any_object if its set was lost
  removed,              ///< the object, or its semaphore set, was removed under this handle
  timed_out,            ///< a live process kept us waiting for longer than options::open_timeout
  would_deadlock,       ///< this thread holds that lock already through this handle
  no_free_seat,         ///< options::seats read-write handles are open
  limit_reached,        ///< of the kernel or of the address space; or a map is full
  damaged,              ///< an editor of array's raw() died; a holder must repair and say so
};

}  // namespace shm

/// @cond
template <>
struct std::is_error_code_enum<shm::errc> : std::true_type {};
/// @endcond

namespace shm {

namespace detail {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "shm"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::not_found: return "not found";
      case errc::already_exists: return "already exists";
      case errc::type_mismatch: return "type mismatch";
      case errc::kind_mismatch: return "kind mismatch";
      case errc::name_collision: return "name collision";
      case errc::foreign_segment: return "foreign segment";
      case errc::untrusted_owner: return "untrusted owner";
      case errc::incompatible_layout: return "incompatible layout";
      case errc::corrupt: return "corrupt";
      case errc::in_use: return "in use";
      case errc::removed: return "removed";
      case errc::timed_out: return "timed out";
      case errc::would_deadlock: return "would deadlock";
      case errc::no_free_seat: return "no free seat";
      case errc::limit_reached: return "limit reached";
      case errc::damaged: return "damaged";
    }
    return "unknown error " + std::to_string(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::not_found: return std::errc::no_such_file_or_directory;
      case errc::already_exists: return std::errc::file_exists;
      case errc::in_use: return std::errc::device_or_resource_busy;
      case errc::timed_out: return std::errc::timed_out;
      case errc::would_deadlock: return std::errc::resource_deadlock_would_occur;
      default: return {value, *this};
    }
  }
};

inline const category the_category{};

}  // namespace detail

/// What makes a std::error_code of a shm::errc. Never throws.
inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), detail::the_category};
}

/// Everything thrown by a refusal. code() is a shm::errc, or errno where the kernel refused; what()
/// names the object, its key in hex, its ids, the call, the reason and the way out.
class error : public std::system_error {
 public:
  using std::system_error::system_error;  ///< as std::system_error
};

namespace detail {

/// Which object an error is about.
struct subject {
  std::string_view name;
  int key = 0;
  int segment_id = -1;
  int set_id = -1;
};

inline std::string hex(int key) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", static_cast<unsigned>(key));
  return text;
}

inline std::string describe(const subject& about) {
  std::string text = "shm: \"" + printable(about.name, 64) + "\" (key " + hex(about.key);
  if (about.segment_id >= 0) text += ", segment id " + std::to_string(about.segment_id);
  if (about.set_id >= 0) text += ", semaphore set id " + std::to_string(about.set_id);
  return text + ")";
}

[[noreturn]] inline void refuse(errc code, const subject& about, const std::string& why) {
  throw error(code, describe(about) + ": " + why);
}

/// A system call failed for a reason that has no errc of its own: code() is errno.
[[noreturn]] inline void refuse_call(const char* call, int error_number, const subject& about,
                                     const std::string& way_out) {
  throw error(std::error_code(error_number, std::system_category()),
              describe(about) + ": " + call + ": " + way_out);
}

}  // namespace detail
}  // namespace shm
