// Sighting: an object that may not exist yet, may be removed, and may be made anew.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <shm.hpp>
#include <string>

namespace tool {

/// One of the objects that a name leads to, one after another.
class sighting {
 public:
  /// Returns nothing if there is no such object now, or it is not ready. Blocks and throws like
  /// opened() otherwise.
  static std::optional<sighting> of(
      const std::string& name, std::chrono::milliseconds patience = shm::options().open_timeout);

  const shm::const_any_object& object() const noexcept { return object_; }

  /// Whether the name still leads to this object. After an ipcrm only this tells: the memory stays
  /// as it was for those who are attached.
  bool is_current() const;

 private:
  sighting(const std::string& name, int segment_id, std::chrono::milliseconds patience);

  std::string name_;
  int segment_id_;
  shm::const_any_object object_;
};

/// How often to look for an object that does not exist.
constexpr std::chrono::milliseconds between_sightings{10};
/// How often to look for what no change tells: an ipcrm, and who has the object open.
constexpr std::chrono::milliseconds between_checks{1000};

/// Returns why there is no sighting: "there is no such object; did you mean: …", or it is not
/// ready.
std::string nonexistence_of(const std::string& name);

/// Whether any program has the object open for writing.
class writers_of {
 public:
  explicit writers_of(std::string name) : name_(std::move(name)) {}

  /// Looks, and returns whether the answer has changed. Before the first look the answer is yes,
  /// and it stays yes where it cannot be known.
  bool have_changed();
  /// What the last look found, in words.
  const char* in_words() const noexcept;
  bool are_there() const noexcept { return are_there_; }

 private:
  std::string name_;
  bool are_there_ = true;
};

}  // namespace tool
