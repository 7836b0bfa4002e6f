// Key: which object; a name, a path or an agreed value, turned into the System V keys.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <sys/ipc.h>
#include <sys/random.h>
#include <sys/stat.h>

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

  /// The key that ftok(3) makes of an existing file and a project id (1 to 255). The file's device
  /// and number are part of the name, because ftok gives some files one key: the second is then
  /// refused with errc::name_collision. Every path to the file leads to the same object. Throws
  /// shm::error with errno when there is no such path.
  static key from_path(const char* path, int project_id) {
    if (path == nullptr || (project_id & 0xff) == 0) {
      throw invalid("shm: key::from_path needs a path, and a project id from 1 to 255");
    }
    key_t value = -1;
    struct stat before {
    }, after{};
    do {  // again, if another file was put there meanwhile
      if (::stat(path, &before) == 0) value = ::ftok(path, project_id);
      if (value == -1 || ::stat(path, &after) != 0) {
        throw error(std::error_code(errno, std::system_category()),
                    "shm: key::from_path: ftok(\"" + detail::printable(path, 256) +
                        "\") needs a path that exists and can be reached");
      }
    } while (before.st_dev != after.st_dev || before.st_ino != after.st_ino);
    key result = from_value(value);
    result.keep(text_of(value) + file_word + std::to_string(after.st_dev) + ':' +
                std::to_string(after.st_ino));
    result.origin_ = origin::path;
    return result;
  }

  /// A key agreed on elsewhere. IPC_PRIVATE (0), and the one value whose semaphore key would be 0,
  /// throw shm::error with std::errc::invalid_argument.
  static key from_value(key_t value) {
    if (is_reserved(value)) {
      throw invalid("shm: key::from_value(" + detail::hex(value) +
                    "): this value is reserved, use another; for an object without a name use "
                    "key::anonymous()");
    }
    key result;
    result.keep(text_of(value));
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

  /// The name; `key:0x…` for a key made of a value, `key:0x… file DEVICE:NUMBER` for one made of a
  /// path.
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

  /// Whether an object under this key may have that name: because the name is hashed to it, or
  /// because from_value() or from_path() made it of the key.
  bool may_be_called(std::string_view name) const {
    const std::string own = text_of(value_);
    if (name == own || is_of_file(name, own)) return true;
    return !name.empty() && name.size() <= max_name_length && name.find('\0') == name.npos &&
           key(name).value_ == value_;
  }

  /// Whether anonymous() made it.
  bool is_anonymous() const noexcept { return origin_ == origin::anonymous; }
  /// Whether the name is part of the identity: a key made of a value opens whatever name is there.
  bool is_named() const noexcept { return origin_ != origin::value; }

 private:
  enum class origin : unsigned char { name, value, path, anonymous };

  static constexpr const char* file_word = " file ";  // 61 bytes with the longest numbers

  key() = default;

  static std::string text_of(key_t value) { return "key:" + detail::hex(value); }

  /// What from_path() makes of that: ` file DEVICE:NUMBER` behind the text of the key.
  static bool is_of_file(std::string_view name, const std::string& text_of_key) {
    const std::string start = text_of_key + file_word;
    if (name.substr(0, start.size()) != start) return false;
    const std::string_view file = name.substr(start.size());
    const std::size_t colon = file.find(':');
    const auto is_number = [](std::string_view digits) {
      return !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
    };
    return colon != file.npos && is_number(file.substr(0, colon)) &&
           is_number(file.substr(colon + 1));
  }

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
