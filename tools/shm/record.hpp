// Record: a CSV file with a line for each change of what is watched.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "exit_code.hpp"
#include "value_text.hpp"

namespace tool {

class record {
 public:
  /// "" records nothing. What is there already is replaced.
  explicit record(const std::string& file) : name_(file) {
    if (file.empty()) return;
    to_.open(file, std::ios::trunc);
    check("opened");
  }

  /// On the disk, or in the kernel's hands, when it returns.
  void line(const std::vector<std::string>& cells) {
    if (name_.empty()) return;
    for (std::size_t c = 0; c < cells.size(); ++c)
      to_ << (c == 0 ? "" : ",") << csv_quoted(cells[c]);
    to_ << std::endl;
    check("written");
  }

 private:
  void check(const char* what) const {
    if (to_) return;
    throw refusal(refused,
                  name_ + " cannot be " + what + ": " + std::generic_category().message(errno));
  }

  std::string name_;
  std::ofstream to_;
};

}  // namespace tool
