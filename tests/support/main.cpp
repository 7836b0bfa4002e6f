// Main: the test runner, with a listener that fails the run when an IPC object outlives its test.
// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"
#include "names.hpp"

int main(int argc, char** argv) {
  const int failed = Catch::Session().run(argc, argv);
  const auto leftovers = support::names::take_leftovers();
  for (const std::string& name : leftovers) {
    std::fprintf(stderr, "left behind by a test: \"%s\"\n", name.c_str());
  }
  return failed != 0 ? failed : static_cast<int>(leftovers.size());
}
