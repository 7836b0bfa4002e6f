// Worker: a process that takes part in a measurement, and is dead when that is over.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <type_traits>

#include "../contenders/site.hpp"
#include "cores.hpp"
#include "interruption.hpp"

namespace bench {

/// The process's end of the line to the one that measures.
class line {
 public:
  explicit line(int socket) : socket_(socket) {}

  /// Says that it is ready, and waits until all may go.
  void meet() const {
    send("r", 1);
    char go;
    const ssize_t got = TEMP_FAILURE_RETRY(::read(socket_, &go, 1));
    if (got != 1) throw std::runtime_error("the measurement is over before it began");
  }
  void send(const void* bytes, std::size_t size) const {
    if (TEMP_FAILURE_RETRY(::write(socket_, bytes, size)) != static_cast<ssize_t>(size)) {
      throw std::system_error(errno, std::system_category(), "write");
    }
  }

 private:
  int socket_;
};

/// Runs `Result job(const line&)`, which calls meet() once it is ready.
template <class Result>
class worker {
  static_assert(std::is_trivially_copyable_v<Result>);

 public:
  template <class Job>
  worker(std::size_t core, Job job) {
    int ends[2];
    checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
    const pid_t parent = ::getpid();
    std::fflush(nullptr);
    process_ = ::fork();
    const int error_number = errno;
    if (process_ == 0) {
      ::close(ends[0]);
      run(core, job, parent, line(ends[1]));
    }
    ::close(ends[1]);
    socket_ = ends[0];
    if (process_ == -1) {
      ::close(socket_);
      throw std::system_error(error_number, std::system_category(), "fork");
    }
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() {
    kill();
    ::close(socket_);
  }

  pid_t pid() const { return process_; }

  void await_ready() const {
    char ready;
    receive(&ready, 1, patience);
  }
  void go() const {
    if (TEMP_FAILURE_RETRY(::send(socket_, "g", 1, MSG_NOSIGNAL)) != 1) {
      throw std::system_error(errno, std::system_category(), "send");
    }
  }

  /// For loops that wait for what it does: throws when it has come to an end, or is stuck.
  void require_running() const {
    if (interruption::wait(0, socket_)) throw std::runtime_error("a process failed");
    if (std::chrono::steady_clock::now() - born_ > std::chrono::duration<double>(patience)) {
      throw std::runtime_error("a process is stuck");
    }
  }

  /// Waits for the end of the job, and of the process with all that it has opened.
  Result result() {
    Result found;
    receive(&found, sizeof found, patience);
    reap();
    return found;
  }

  /// kill -9, and waits until it is gone with all that the kernel does for it.
  void kill() {
    if (process_ == -1) return;
    ::kill(process_, SIGKILL);
    reap();
  }

 private:
  /// Nothing that is waited for takes that long unless it is stuck.
  static constexpr double patience = 60;

  template <class Job>
  [[noreturn]] static void run(std::size_t core, Job& job, pid_t parent, const line& to_parent) {
    int status = 1;
    try {
      checked(::prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
      if (::getppid() != parent) ::_exit(status);
      interruption::forget();
      pin(core);
      const Result found = job(to_parent);
      to_parent.send(&found, sizeof found);
      status = 0;
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "in a process of the measurement: %s\n", problem.what());
    }
    ::_exit(status);
  }

  void receive(void* to, std::size_t size, double seconds) const {
    if (!interruption::wait(seconds, socket_)) throw std::runtime_error("a process is stuck");
    const ssize_t got = TEMP_FAILURE_RETRY(::recv(socket_, to, size, MSG_WAITALL));
    if (got != static_cast<ssize_t>(size)) throw std::runtime_error("a process failed");
  }
  void reap() {
    while (::waitpid(process_, nullptr, 0) == -1 && errno == EINTR) {
    }
    process_ = -1;
  }

  const std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
  pid_t process_ = -1;
  int socket_ = -1;
};

}  // namespace bench
