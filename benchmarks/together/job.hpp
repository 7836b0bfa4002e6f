// Job: one thing that is measured, of one contender.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bench {

/// "value", "unit", "better", and what else was found.
using figures = nlohmann::json;

struct job {
  std::string name;
  std::string contender;
  std::string group;
  std::function<figures(double seconds)> measure;
};

/// Of this program.
std::vector<job> every_job();

void add_contended(std::vector<job>& jobs);
void add_read(std::vector<job>& jobs);
void add_kill(std::vector<job>& jobs);
void add_wake(std::vector<job>& jobs);

}  // namespace bench
