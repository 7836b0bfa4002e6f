// Changed: a program whose struct has another member type.
// SPDX-License-Identifier: MIT
// [sample]
#include <cstdio>
#include <shm.hpp>

struct trip {
  std::int64_t seconds;
  double metres;
};

int main() try {
  shm::object<trip> car{"tutorial.trip"};
  std::printf("%g metres\n", car.load().metres);
} catch (const shm::error& problem) {
  std::printf("%s\n", problem.what());
}
// [/sample]
