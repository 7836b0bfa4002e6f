// Kernel view: the segment and the set under a key, and the memory as a scribbler sees it.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <stdexcept>
#include <utility>

namespace support {

inline shm::detail::segment segment_of(const shm::key& key) {
  return shm::detail::segment::find(key.segment_key()).value;
}
/// With its size and its mark.
inline shm::detail::semaphore_set set_of(const shm::key& key) {
  const auto found = shm::detail::semaphore_set::find(key.set_key());
  if (!found.ok()) return found.value;
  return found.value.with_semaphores(found.value.stat().value.semaphores)
      .with_mark(found.value.values().value.mark());
}
inline bool exists(const shm::key& key) {
  return shm::detail::segment::find(key.segment_key()).ok() ||
         shm::detail::semaphore_set::find(key.set_key()).ok();
}

/// Attached, writable, unchecked. False where there is no segment.
class memory_of {
 public:
  explicit memory_of(const shm::key& key) {
    using namespace shm::detail;
    const auto found = segment::find(key.segment_key());
    if (!found.ok()) return;
    memory_ = std::move(attachment::of(found.value, attach_mode::read_write).value);
    size_ = found.value.stat().value.size;
  }

  explicit operator bool() const { return static_cast<bool>(memory_); }
  std::byte* bytes() const {
    if (!memory_) throw std::logic_error("there is no segment to look at");
    return memory_.address();
  }
  std::size_t size() const { return size_; }
  shm::detail::header& head() const {
    return *static_cast<shm::detail::header*>(static_cast<void*>(bytes()));
  }
  void* payload() const { return bytes() + head().fixed.payload_offset; }
  template <class T, std::size_t N>
  shm::detail::array_memory<T, N>& array() const {
    return *static_cast<shm::detail::array_memory<T, N>*>(payload());
  }

 private:
  shm::detail::attachment memory_;
  std::size_t size_ = 0;
};

/// As a process that died inside the door of the set that the word names.
inline void set_state(shm::detail::header& head, shm::detail::life_state state) {
  head.life = shm::detail::life_word(state, shm::detail::life_of(head).mark()).bits();
}
inline void set_state(const shm::key& key, shm::detail::life_state state) {
  set_state(memory_of(key).head(), state);
}
inline shm::detail::life_state state_of(const shm::key& key) {
  return shm::detail::life_of(memory_of(key).head()).state();
}

/// IPC_SET: only the segment's mode changes.
inline void set_mode(const shm::key& key, unsigned mode) {
  const int id = segment_of(key).id();
  shmid_ds data{};
  if (::shmctl(id, IPC_STAT, &data) != 0) throw std::logic_error("there is no segment");
  data.shm_perm.mode = static_cast<decltype(data.shm_perm.mode)>(mode);
  if (::shmctl(id, IPC_SET, &data) != 0) throw std::logic_error("the mode cannot be changed");
}

/// Takes a kernel object away at the end of a test that made it without the library.
template <class KernelObject>
class removed_at_end {
 public:
  explicit removed_at_end(const KernelObject& object) : object_(object) {}
  removed_at_end(const removed_at_end&) = delete;
  removed_at_end& operator=(const removed_at_end&) = delete;
  ~removed_at_end() { static_cast<void>(object_.remove()); }

 private:
  KernelObject object_;
};

}  // namespace support
