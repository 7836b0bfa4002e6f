// expect: has room for at least one byte
// SPDX-License-Identifier: MIT
#include <shm.hpp>

shm::static_string<0> nothing;
