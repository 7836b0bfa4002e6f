// Made here: removes the kernel object that this call created, unless it is kept.
// SPDX-License-Identifier: MIT
#pragma once

namespace shm::detail {

template <class KernelObject>
class made_here {
 public:
  made_here() = default;
  made_here(const made_here&) = delete;
  made_here& operator=(const made_here&) = delete;
  // Should the removal fail there is nothing left to do: the object is gone or no longer ours.
  ~made_here() {
    if (owns_) static_cast<void>(object_.remove());
  }

  void own(const KernelObject& object) noexcept {
    object_ = object;
    owns_ = true;
  }
  void keep() noexcept { owns_ = false; }

 private:
  KernelObject object_;
  bool owns_ = false;
};

}  // namespace shm::detail
