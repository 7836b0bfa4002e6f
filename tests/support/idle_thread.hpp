// Idle thread: makes a process one with several threads, which take the library's other ways.
// SPDX-License-Identifier: MIT
#pragma once

#include <future>
#include <thread>

namespace support {

class idle_thread {
 public:
  idle_thread() : thread_([over = over_.get_future()]() mutable { over.wait(); }) {}
  ~idle_thread() {
    over_.set_value();
    thread_.join();
  }
  idle_thread(const idle_thread&) = delete;
  idle_thread& operator=(const idle_thread&) = delete;

 private:
  std::promise<void> over_;
  std::thread thread_;
};

}  // namespace support
