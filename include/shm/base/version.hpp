// The version of the library: the one place that has it; build files and packages read it here.
// SPDX-License-Identifier: MIT
#pragma once

namespace shm {

/// Programs with another memory layout refuse each other's objects (errc::incompatible_layout),
/// whatever their versions.
inline constexpr int version_major = 0;
/// Before 1.0, changes when the interface does.
inline constexpr int version_minor = 1;
/// Corrections only.
inline constexpr int version_patch = 0;

}  // namespace shm
