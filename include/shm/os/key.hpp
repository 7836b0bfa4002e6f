// Key: which object; a name, a path or an agreed value, turned into the System V keys.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <sys/ipc.h>
#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "../base/error.hpp"

namespace shm {

/// Which object. Converts from a name; cheap to copy; never blocks.
class key {
 public:
  /// In bytes.
  static constexpr std::size_t max_name_length = 63;

  /// A name of 1 to 63 bytes without NUL; anything else throws shm::error with
  /// std::errc::invalid_argument. The name is hashed to a key_t; the full name is kept in the
  /// segment.
  key(std::string_view name) { hash(checked(name)); }
  /// The same.
  key(const std::string& name) : key(std::string_view(name)) {}
  /// The same; a null pointer is an invalid name, not undefined behaviour.
  key(const char* name) : key(name != nullptr ? std::string_view(name) : std::string_view()) {}
  key(std::nullptr_t) = delete;

  /// The key that ftok(3) makes of an existing path and a project id (1 to 255). Throws shm::error
  /// with errno when there is no such path.
  static key from_path(const char* path, int project_id) {
    if (path == nullptr || (project_id & 0xff) == 0) {
      throw invalid("shm: key::from_path needs a path, and a project id from 1 to 255");
    }
    const key_t value = ::ftok(path, project_id);
    if (value == -1) {
      throw error(std::error_code(errno, std::system_category()),
                  "shm: key::from_path: ftok(\"" + detail::printable(path, 256) +
                      "\") needs a path that exists and can be reached");
    }
    return from_value(value);
  }

  /// A key agreed on elsewhere. IPC_PRIVATE (0), and the one value whose semaphore key would be 0,
  /// throw shm::error with std::errc::invalid_argument.
  static key from_value(key_t value) {
    if (is_reserved(value)) {
      throw invalid("shm: key::from_value(" + detail::hex(value) +
                    "): this value is reserved, use another; for an object without a name use "
                    "key::anonymous()");
    }
    char text[16];
    std::snprintf(text, sizeof text, "key:0x%08x", static_cast<unsigned>(value));
    key result;
    result.keep(text);
    result.value_ = value;
    result.origin_ = origin::value;
    return result;
  }

  /// A new object under a name that nobody can guess, shared with children by fork() only. It lives
  /// until its last handle closes.
  static key anonymous() {
    std::uint64_t random[2];
    if (::getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
      throw error(std::error_code(errno, std::system_category()),
                  "shm: key::anonymous: getrandom gave no random bytes");
    }
    char text[48];
    std::snprintf(text, sizeof text, "anonymous-%016llx%016llx",
                  static_cast<unsigned long long>(random[0]),
                  static_cast<unsigned long long>(random[1]));
    key result(text);
    result.origin_ = origin::anonymous;
    return result;
  }

  /// The name; for a key made of a value or a path, `key:0x…`.
  std::string_view name() const noexcept { return {name_, length_}; }
  /// What shmget gets.
  key_t segment_key() const noexcept { return value_; }
  /// What semget gets: never the same value, because programs use one ftok key for both kinds, and
  /// one-to-one, so that two objects share a semaphore set only if they share a segment key, which
  /// the name in the segment reveals.
  key_t set_key() const noexcept { return set_key_of(value_); }

  /// No key has this value.
  static bool is_reserved(key_t value) noexcept {
    return value == IPC_PRIVATE || value == set_key_of(IPC_PRIVATE);
  }
  /// The segment key beside which a semaphore set would have this key.
  static key_t segment_key_beside(key_t set_key) noexcept { return set_key_of(set_key); }

  /// Whether anonymous() made it.
  bool is_anonymous() const noexcept { return origin_ == origin::anonymous; }
  /// Whether the name is part of the identity: a key made of a value opens whatever name is there.
  bool is_named() const noexcept { return origin_ != origin::value; }

 private:
  enum class origin : unsigned char { name, value, anonymous };

  key() = default;

  static error invalid(const std::string& what) {
    return error(std::make_error_code(std::errc::invalid_argument), what);
  }

  static std::string_view checked(std::string_view name) {
    if (name.empty() || name.size() > max_name_length) {
      throw invalid("shm: key \"" + detail::printable(name, 80) +
                    "\": a name has 1 to 63 bytes, not " + std::to_string(name.size()));
    }
    if (name.find('\0') != std::string_view::npos) {
      throw invalid("shm: key \"" + detail::printable(name, 80) + "\": a name holds no NUL byte");
    }
    return name;
  }

  static key_t set_key_of(key_t value) noexcept {
    constexpr unsigned semaphores = 0x73656d61;  // "sema"
    return static_cast<key_t>(static_cast<unsigned>(value) ^ semaphores);
  }

  void keep(std::string_view name) noexcept {
    std::memcpy(name_, name.data(), name.size());
    length_ = static_cast<unsigned char>(name.size());
  }

  /// FNV-1a in 64 bits, folded to 32. Part of the contract between processes: never changes.
  void hash(std::string_view name) noexcept {
    keep(name);
    std::uint64_t h = 0xcbf29ce484222325;
    for (const char c : name) {
      h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    h ^= h >> 32;
    value_ = static_cast<key_t>(static_cast<std::uint32_t>(h));
    while (is_reserved(value_)) ++value_;
  }

  char name_[max_name_length] = {};
  unsigned char length_ = 0;
  origin origin_ = origin::name;
  key_t value_ = IPC_PRIVATE;
};

}  // namespace shm
