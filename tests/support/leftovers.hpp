// Leftovers: what the tests of this program have left behind.
// SPDX-License-Identifier: MIT
#pragma once

namespace support {

/// Prints every IPC object that the tests left behind, and returns whether there is one. Removes
/// the objects whose names the tests were given. If this program is alone in its IPC namespace, all
/// other objects there are leftovers too; otherwise they may belong to other programs.
bool take_and_tell_leftovers(bool alone);

}  // namespace support
