// expect: #pragma pack
// SPDX-License-Identifier: MIT
#pragma pack(push, 1)
#include <shm.hpp>
#pragma pack(pop)
