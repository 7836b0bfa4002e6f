// Main: lists what this program can measure, or measures one job of one contender.
// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "cores.hpp"
#include "interruption.hpp"
#include "job.hpp"

namespace {

void list(const std::vector<bench::job>& jobs) {
  nlohmann::json all = nlohmann::json::array();
  for (const bench::job& each : jobs) {
    all.push_back({{"job", each.name}, {"contender", each.contender}, {"group", each.group}});
  }
  std::cout << all.dump(1) << '\n';
}

void measure(const std::vector<bench::job>& jobs, const std::string& name,
             const std::string& contender, double seconds) {
  const auto chosen = std::find_if(jobs.begin(), jobs.end(), [&](const bench::job& each) {
    return each.name == name && each.contender == contender;
  });
  if (chosen == jobs.end()) {
    throw std::invalid_argument("there is no job '" + name + "' of '" + contender +
                                "'; see --list");
  }
  bench::figures found = chosen->measure(seconds);
  found["job"] = name;
  found["contender"] = contender;
  found["cores"] = bench::cores().size();
  std::cout << found.dump() << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  CLI::App program("Measures what several processes do with one object, one contender at a time.");
  bool listed = false;
  std::string job, contender;
  double seconds = 1;
  program.add_flag("--list", listed, "Every job and its contenders");
  program.add_option("--job", job, "What to measure");
  program.add_option("--contender", contender, "Of what");
  program.add_option("--seconds", seconds, "How long")->check(CLI::Range(0.001, 60.0));
  CLI11_PARSE(program, count, arguments);
  try {
    static_cast<void>(bench::cores());
    bench::interruption::begin();
    const std::vector<bench::job> jobs = bench::every_job();
    if (listed) {
      list(jobs);
    } else {
      measure(jobs, job, contender, seconds);
    }
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s: %s: %s: %s\n", program_invocation_short_name, job.c_str(),
                 contender.c_str(), problem.what());
    return 1;
  }
}
