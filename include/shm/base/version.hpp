// The version of the library: the one place that has it; build files and packages read it here.
// SPDX-License-Identifier: MIT
#pragma once

namespace shm {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

}  // namespace shm
