// Main: the test runner, in an IPC namespace of its own; it fails when an IPC object is left there.
// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"
#include "ipc_namespace.hpp"
#include "leftovers.hpp"

int main(int argc, char** argv) {
  const bool alone = support::enter_ipc_namespace();
  const int failed = Catch::Session().run(argc, argv);
  const bool left = support::take_and_tell_leftovers(alone);
  return failed == 0 && left ? 1 : failed;
}
