// Main: the test runner, which fails when an IPC object outlives its test.
// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"
#include "leftovers.hpp"

int main(int argc, char** argv) {
  const int failed = Catch::Session().run(argc, argv);
  const int left = support::take_and_tell_leftovers();
  return failed != 0 ? failed : left;
}
