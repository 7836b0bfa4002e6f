// Guarded attach: shmat and shmdt of the C library, replaced for one test program.
// SPDX-License-Identifier: MIT
#include "guarded_attach.hpp"

#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

/// The pages around a segment: [watched][forbidden][the segment][forbidden][watched]. The watched
/// ones hold a pattern; the first one begins with the segment's size, so no list has to be kept.
/// Between the segment's end and the end of its last page all stays zero, as the kernel made it;
/// but for its first eight bytes, which say whose it is however short it is.
class surroundings {
 public:
  static constexpr std::size_t page = 4096;

  surroundings(std::byte* start, std::size_t size) noexcept : start_(start), size_(size) {}
  static surroundings of(std::byte* segment) noexcept {
    std::byte* const start = segment - 2 * page;
    std::size_t size = 0;
    std::memcpy(&size, start, sizeof size);
    return {start, size};
  }

  static constexpr std::size_t total(std::size_t size) noexcept { return 4 * page + mapped(size); }
  std::byte* segment() const noexcept { return start_ + 2 * page; }

  bool watch() const noexcept {
    for (std::byte* watched : {start_, last()}) {
      if (::mprotect(watched, page, PROT_READ | PROT_WRITE) == -1) return false;
      std::fill_n(watched, page, pattern);
    }
    std::memcpy(start_, &size_, sizeof size_);
    return true;
  }

  bool untouched() const noexcept {
    const auto hold = [](const std::byte* from, const std::byte* to, std::byte wanted) {
      return std::all_of(from, to, [wanted](std::byte found) { return found == wanted; });
    };
    return hold(start_ + sizeof size_, start_ + page, pattern) &&
           hold(last(), last() + page, pattern) &&
           hold(segment() + std::max(size_, std::size_t{8}), segment() + mapped(size_),
                std::byte{0});
  }

  /// Not the room between them: once the segment is detached it may be anybody's.
  void release() const noexcept {
    ::munmap(start_, 2 * page);
    ::munmap(segment() + mapped(size_), 2 * page);
  }

 private:
  static constexpr std::byte pattern{0xa5};

  static constexpr std::size_t mapped(std::size_t size) noexcept {
    return (size + page - 1) / page * page;
  }
  std::byte* last() const noexcept { return segment() + mapped(size_) + page; }

  std::byte* start_;
  std::size_t size_;
};

}  // namespace

int support::attachments() {
  int found = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/SYSV") != line.npos) ++found;
  }
  return found;
}

// The library attaches wherever the kernel likes (address 0), and so the place is ours to choose.
extern "C" void* shmat(int id, const void*, int flags) noexcept {
  void* const failed = MAP_FAILED;  // the same value as shmat's own
  shmid_ds facts{};
  if (::shmctl(id, IPC_STAT, &facts) == -1) return failed;
  const std::size_t size = facts.shm_segsz;
  void* const reserved = ::mmap(nullptr, surroundings::total(size), PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return failed;
  const surroundings around(static_cast<std::byte*>(reserved), size);
  if (!around.watch() || ::syscall(SYS_shmat, id, around.segment(), flags | SHM_REMAP) == -1) {
    const int why = errno;
    ::munmap(reserved, surroundings::total(size));
    errno = why;
    return failed;
  }
  return around.segment();
}

extern "C" int shmdt(const void* address) noexcept {
  // The segment is ours to write or not, the pages around it always are.
  const auto around =
      surroundings::of(const_cast<std::byte*>(static_cast<const std::byte*>(address)));
  if (!around.untouched()) {
    std::fputs("somebody wrote outside a segment\n", stderr);
    std::abort();
  }
  if (::syscall(SYS_shmdt, address) == -1) return -1;
  around.release();
  return 0;
}
