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
inline shm::detail::semaphore_set set_of(const shm::key& key) {
  return shm::detail::semaphore_set::find(key.set_key()).value;
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

inline void set_state(const shm::key& key, shm::detail::segment_state state) {
  memory_of(key).head().state.store(state);
}

}  // namespace support
