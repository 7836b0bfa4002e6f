// Guarded attach: each segment of this program lies between pages that nobody may touch.
// SPDX-License-Identifier: MIT
#pragma once

namespace support {

/// How many segments this program has attached just now. A program that links guarded_attach.cpp
/// has its own shmat and shmdt: an access beyond a segment's last page is a SIGSEGV; a write behind
/// its end, or far beyond, is an abort() when the segment is detached.
int attachments();

}  // namespace support
