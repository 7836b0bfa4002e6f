// Leftovers: what the tests of this program have left behind.
// SPDX-License-Identifier: MIT
#pragma once

namespace support {

/// Removes every IPC object that is left of a test, says so on stderr, and returns how many.
int take_and_tell_leftovers();

}  // namespace support
