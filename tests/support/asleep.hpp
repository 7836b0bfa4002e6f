// Asleep: whether a thread of some process sleeps in the kernel, as /proc tells.
// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>

#include "child.hpp"

namespace support {

/// The letter that /proc/<pid>/task/<tid>/stat has for its state: S while it sleeps.
inline char state_of_thread(pid_t process, pid_t thread) {
  std::ifstream file("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) +
                     "/stat");
  std::string line;
  if (!std::getline(file, line)) throw std::logic_error("there is no thread to look at");
  // The name before it can hold anything, and ends with the last parenthesis.
  const std::size_t name_ends = line.rfind(')');
  if (name_ends == line.npos || name_ends + 2 >= line.size()) {
    throw std::logic_error("the kernel's line about a thread has another form");
  }
  return line[name_ends + 2];
}

/// Blocks until that thread sleeps; without a number, the only thread of the process.
inline void await_sleep_of(pid_t process, pid_t thread = 0) {
  while (state_of_thread(process, thread == 0 ? process : thread) != 'S') ::sched_yield();
}

/// In which a thread waits for a change of an object.
inline long call_of_waiting() {
  constexpr long futex_waitv = 449;  // which older headers do not name
  const bool is_there = ::syscall(futex_waitv, nullptr, 0, 0, nullptr, 0) == -1 && errno != ENOSYS;
  return is_there ? futex_waitv : SYS_futex;
}

/// The system call that the thread sleeps in, or -1.
inline long call_of_sleeping(pid_t process, pid_t thread) {
  const std::string folder =
      "/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/";
  if (!std::ifstream(folder + "stat") || state_of_thread(process, thread) != 'S') return -1;
  std::ifstream file(folder + "syscall");
  long call = -1;
  return file >> call ? call : -1;
}

/// Blocks until the thread of another process waits for a change of an object.
inline void await_waiting(pid_t process) {
  while (call_of_sleeping(process, process) != call_of_waiting()) {
    if (::kill(process, 0) != 0) throw std::runtime_error("it ended instead of waiting");
    ::sched_yield();
  }
}
inline void await_waiting(const child& process) {
  while (call_of_sleeping(process.pid(), process.pid()) != call_of_waiting()) {
    if (!process.is_alive()) throw std::runtime_error("it ended instead of waiting");
    ::sched_yield();
  }
}
/// At one futex, which may be another.
inline void await_waiting_at_futex(pid_t process) {
  while (call_of_sleeping(process, process) != SYS_futex) ::sched_yield();
}
/// Of this process.
inline void await_waiting_thread(pid_t thread) {
  while (call_of_sleeping(::getpid(), thread) != call_of_waiting()) ::sched_yield();
}

}  // namespace support
