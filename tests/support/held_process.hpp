// Held process: another process that stops at a named step until it is told to go on.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "at_step.hpp"
#include "baton.hpp"
#include "child.hpp"
#include "shared_page.hpp"
#include "watchdog.hpp"

namespace support {

/// For programs that are built with SHM_CRASH_POINTS.
class held_process {
 public:
  template <class Job>
  held_process(const char* step, Job job, int occurrence = 1)
      : process_([this, step, job, occurrence]() -> int {
          const watchdog own_watchdog;
          const arrival at_end(*this);
          int left = occurrence;
          const at_step stop(step, [this, &left] {
            if (--left != 0) return;
            *is_held_ = true;
            arrived_.pass();
            may_go_on_.await();
          });
          return job();
        }) {}

  /// Blocks until the process has come to the step. False: it ended without it.
  bool comes_there() {
    arrived_.await();
    return *is_held_;
  }
  pid_t pid() const { return process_.pid(); }
  void go_on() { may_go_on_.pass(); }
  int wait() { return process_.wait(); }
  int finish() {
    go_on();
    return wait();
  }
  void kill() { process_.kill(); }

 private:
  /// Passes the baton at the end of a job that never came to the step, whether or not it throws.
  class arrival {
   public:
    explicit arrival(held_process& process) : process_(process) {}
    arrival(const arrival&) = delete;
    arrival& operator=(const arrival&) = delete;
    ~arrival() {
      if (!*process_.is_held_) process_.arrived_.pass();
    }

   private:
    held_process& process_;
  };

  baton arrived_, may_go_on_;
  shared_page<std::atomic<bool>> is_held_;
  child process_;  // last: it uses all of the above
};

}  // namespace support
