// Child: the one way in which tests fork. The child returns a status; the parent asserts.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "coverage.hpp"

namespace support {

class child {
 public:
  static constexpr int threw = 99;

  /// Runs `job` (which returns an int below 99) in a forked child that ends with it.
  template <class Job>
  explicit child(Job job) {
    std::fflush(nullptr);
    process_ = ::fork();
    if (process_ == -1) throw std::system_error(errno, std::system_category(), "fork");
    if (process_ == 0) run(job);
  }
  child(child&& other) noexcept : process_(std::exchange(other.process_, -1)) {}
  child& operator=(child&& other) noexcept {
    std::swap(process_, other.process_);
    return *this;
  }
  ~child() {
    if (process_ != -1) kill();
  }

  pid_t pid() const { return process_; }

  /// Whether it has not ended. Leaves its status to wait().
  bool is_alive() const {
    siginfo_t ended{};
    return ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0;
  }

  /// The status it returned, or minus the signal that ended it.
  int wait() {
    int status = 0;
    while (::waitpid(process_, &status, 0) == -1) {
      if (errno != EINTR) throw std::system_error(errno, std::system_category(), "waitpid");
    }
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  /// kill -9, and waits until it is gone with all that the kernel does for it.
  void kill() {
    ::kill(process_, SIGKILL);
    static_cast<void>(wait());
  }

 private:
  template <class Job>
  [[noreturn]] static void run(Job& job) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Catch2's handlers came along by fork(); what ends a child is the parent's to report.
    for (const int fatal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGINT}) {
      std::signal(fatal, SIG_DFL);
    }
    forget_coverage();
    int status = threw;
    try {
      status = job();
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "in a child: %s\n", problem.what());
    }
    std::fflush(nullptr);
    write_coverage();
    ::_exit(status);
  }

  pid_t process_ = -1;
};

/// Ends this very process as kill -9 would.
[[noreturn]] inline void die() {
  write_coverage();
  ::kill(::getpid(), SIGKILL);
  std::abort();
}

/// Another process dies here, with that at hand.
template <class Job>
void dies(Job job) {
  child process([&job]() -> int {
    job();
    die();
  });
  if (process.wait() != -SIGKILL) throw std::logic_error("it did not die");
}

}  // namespace support
