// Exit code: what scripts are told; the man page lists the same.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

namespace tool {

enum exit_code : int {
  done = 0,
  answer_is_no = 1,  ///< --expect does not hold, doctor found something, time ran out
  wrong_usage = 2,
  not_found = 3,  ///< no such object, field or element
  no_permission = 4,
  in_use = 5,
  broken = 6,  ///< corrupt or damaged
  refused = 7  ///< anything else
};

/// What the tool itself refuses; its text says the way out.
class refusal : public std::runtime_error {
 public:
  refusal(exit_code code, const std::string& why) : std::runtime_error(why), code_(code) {}
  exit_code code() const noexcept { return code_; }

 private:
  exit_code code_;
};

}  // namespace tool
