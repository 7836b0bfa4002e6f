// Attachment: a segment mapped into this process, from shmat to shmdt.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <sys/shm.h>

#include <cstddef>
#include <utility>

#include "fork_guard.hpp"
#include "process.hpp"
#include "result.hpp"
#include "segment.hpp"

namespace shm::detail {

enum class attach_mode { read_write, read_only };

class attachment {
 public:
  attachment() = default;
  attachment(attachment&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)),
        withdrawn_(other.withdrawn_),
        is_vacated_(other.is_vacated_),
        is_inherited_(other.is_inherited_) {}
  attachment& operator=(attachment&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(withdrawn_, other.withdrawn_);
    std::swap(is_vacated_, other.is_vacated_);
    std::swap(is_inherited_, other.is_inherited_);
    return *this;
  }
  ~attachment() { detach(); }

  /// EFAULT: the kernel has no memory for the first page (huge pages that nobody reserved);
  /// touching it would end this program with SIGBUS.
  static result<attachment> of(const segment& target, attach_mode mode) noexcept {
    void* const address =
        ::shmat(target.id(), nullptr, mode == attach_mode::read_only ? SHM_RDONLY : 0);
    // NOLINTNEXTLINE: shmat's own way to say that it failed
    if (address == reinterpret_cast<void*>(-1)) return {{}, errno};
    result<attachment> attached;
    attached.value.address_ = static_cast<std::byte*>(address);
    // Linux before 5.14 and emulators do not know it (EINVAL): there it stays unsaid.
    if (::madvise(address, page_size, populate_read) != 0 && errno == EFAULT) return {{}, EFAULT};
    return attached;
  }

  /// The same, and a child that another thread forks meanwhile does not inherit it. `size`: the
  /// whole segment's.
  static result<attachment> not_inherited(const segment& target, attach_mode mode,
                                          std::size_t size) noexcept {
    if (!process::may_have_threads()) return of(target, mode);
    const fork_guard guard;
    result<attachment> attached = of(target, mode);
    // All of it, because a mapping that is split counts as attached twice. Fails where the pages
    // are huge (EINVAL: no multiple of theirs): then children inherit it.
    attached.value.is_inherited_ =
        !attached.ok() || ::madvise(attached.value.address_, size, MADV_DONTFORK) != 0;
    return attached;
  }
  /// Children that are forked from now on inherit it.
  void let_children_inherit(std::size_t size) noexcept {
    if (!is_inherited_) is_inherited_ = ::madvise(address_, size, MADV_DOFORK) == 0;
  }

  /// Takes the memory from the threads of this process that may still use it: a thread that writes
  /// there dies of SIGSEGV. `size` is that of the whole segment.
  status withdraw(std::size_t size) noexcept {
    status done{EINVAL};
    // Huge pages: the mapping is longer than the segment, and the kernel refuses any other length.
    for (std::size_t page = page_size; done.error_number == EINVAL && page <= largest_page;
         page *= 2) {
      const std::size_t whole = (size + page - 1) / page * page;
      done = status::of(::mprotect(address_, whole, PROT_READ));
      if (done.ok()) withdrawn_ = whole;
    }
    return done;
  }

  std::byte* address() const noexcept { return address_; }
  explicit operator bool() const noexcept { return address_ != nullptr; }

  /// Maps every page of the first `size` bytes now. Reading is enough: it allocates and maps.
  void prefault(std::size_t size) const noexcept {
    const volatile std::byte* const first = address_;
    for (std::size_t offset = 0; offset < size; offset += page_size) {
      static_cast<void>(first[offset]);
    }
  }

  /// Detaches withdrawn memory, but reserves its addresses as long as this attachment lives: a
  /// thread that reads or writes there dies of SIGSEGV, and does not reach what is mapped next.
  /// Returns false if the kernel refuses, and then nothing has changed.
  bool vacate() noexcept {
    // In one call, so that no other thread gets the addresses in between.
    is_vacated_ = withdrawn_ != 0 && ::mmap(address_, withdrawn_, PROT_NONE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
                                            -1, 0) == address_;
    return is_vacated_;
  }

  void detach() noexcept {
    if (address_ == nullptr) return;
    std::byte* const from = std::exchange(address_, nullptr);
    // Either fails only for addresses that are not ours.
    if (is_vacated_) {
      ::munmap(from, withdrawn_);
    } else {
      ::shmdt(from);
    }
  }

 private:
  static constexpr std::size_t page_size = 4096;
  static constexpr std::size_t largest_page = std::size_t{1} << 30;
  static constexpr int populate_read = 22;  // MADV_POPULATE_READ, which older headers lack

  std::byte* address_ = nullptr;
  std::size_t withdrawn_ = 0;  ///< the length of the mapping
  bool is_vacated_ = false;
  bool is_inherited_ = true;  ///< by forked children
};

}  // namespace shm::detail
