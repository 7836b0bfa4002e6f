// Coverage: what a process counted is written before it ends in a way that writes nothing.
// SPDX-License-Identifier: MIT
#pragma once

#ifdef SHM_TEST_COVERAGE
extern "C" void __gcov_dump();
extern "C" void __gcov_reset();
#endif

namespace support {

/// _exit and SIGKILL skip what a program does at its end, and with it the report of its lines.
inline void write_coverage() noexcept {
#ifdef SHM_TEST_COVERAGE
  __gcov_dump();
#endif
}

/// In a forked child: what its parent counted is the parent's to report.
inline void forget_coverage() noexcept {
#ifdef SHM_TEST_COVERAGE
  __gcov_reset();
#endif
}

}  // namespace support
