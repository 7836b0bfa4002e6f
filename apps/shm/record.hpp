// Record: a CSV file with a line for each change of what is watched, over many runs.
// SPDX-License-Identifier: MIT
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace tool {

class record {
 public:
  /// "" records nothing. A file that is there is continued. Throws refusal, also when it has other
  /// columns.
  record(const std::string& file, const std::vector<std::string>& columns);

  /// On the disk, or in the kernel's hands, when it returns.
  void line(const std::vector<std::string>& cells);

 private:
  std::string name_;
  std::ofstream to_;
};

}  // namespace tool
