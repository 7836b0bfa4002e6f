// Logind: whether it is there, and removes the IPC objects of a user who logs out.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace tool {

enum class logind { absent, removes_ipc, leaves_ipc };

/// Of the system whose files are below `root`.
logind logind_of(const std::string& root);

}  // namespace tool
