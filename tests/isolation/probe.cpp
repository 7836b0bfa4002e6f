// Probe: tests that leave something behind, or work beside another program.
// SPDX-License-Identifier: MIT
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <iostream>
#include <shm.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"

TEST_CASE("leaves nothing") {
  const support::name name;
  CHECK(shm::object<int>(name).load() == 0);
}

TEST_CASE("leaves an object") {
  const shm::object<int> left(support::names::next());
}

TEST_CASE("leaves an object of a child") {
  const std::string name = support::names::next();
  support::dies([&name] { const shm::object<int> left(name); });
}

TEST_CASE("leaves a segment") {
  CHECK(::shmget(IPC_PRIVATE, 100, 0600) != -1);
}

TEST_CASE("leaves a set") {
  CHECK(::semget(IPC_PRIVATE, 1, 0600) != -1);
}

TEST_CASE("has an object until it is told to go on") {
  const support::name name;
  const shm::object<int> mine(name);
  std::cerr << "has it" << std::endl;
  std::string told;
  CHECK(std::getline(std::cin, told));
}
