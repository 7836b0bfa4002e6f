// Objects: from the name that a person types to the object, or to what they may have meant.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <string>
#include <vector>

#include "exit_code.hpp"

namespace tool {

/// A name, or key:0x… as names of objects without one are shown.
shm::key key_named(const std::string& name);

/// Read-only, whoever owns it. Throws refusal with near matches when there is none.
shm::const_any_object look_at(const std::string& name);

/// What list() tells of that one. Throws refusal with near matches when there is none.
shm::object_info info_of(const std::string& name);

/// Options that trust this object's owner, and no more than it lets in itself.
shm::options trusting(const shm::object_info& info);

/// The name where it can be typed back, else the key; printable.
std::string title(const shm::object_info& info);

/// "; did you mean: a, b" of those known that are near, or else "; there are: …"
std::string suggestion(const std::string& typed, const std::vector<std::string>& known);

exit_code code_of(const std::error_code& why) noexcept;

}  // namespace tool
