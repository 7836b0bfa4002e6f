// Trip: the struct of the tutorial.
// SPDX-License-Identifier: MIT
// [sample]
#pragma once
#include <shm.hpp>

struct trip {
  std::int64_t seconds;
  std::int64_t metres;
};
// [/sample]
