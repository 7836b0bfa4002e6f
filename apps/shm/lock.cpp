// lock: runs a command while holding an object's lock.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "commands.hpp"
#include "objects.hpp"
#include "waiting.hpp"

namespace tool {

namespace {

/// Those that would end this process, and with it the lock, while the command goes on.
constexpr std::array<int, 4> ending{SIGINT, SIGQUIT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t command_process = 0;

void pass_on(int signal) {
  const int interrupted = errno;
  if (command_process > 0) ::kill(command_process, signal);
  errno = interrupted;
}

/// The terminal tells the command itself; of whoever else sends a signal only this process knows.
void (*heeded_by(int signal))(int) {
  return signal == SIGINT || signal == SIGQUIT ? SIG_IGN : pass_on;
}

[[noreturn]] void become(const std::vector<std::string>& command, pid_t parent) {
  // Without this process the lock is free: the command is to end, too.
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && ::getppid() != parent) ::raise(SIGTERM);
  std::vector<char*> words;
  for (const std::string& one : command) words.push_back(const_cast<char*>(one.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  const int why = errno;
  fmt::print(stderr, "shm: {}: {}\n", shm::detail::printable(command[0], 80),
             std::generic_category().message(why));
  ::_exit(why == ENOENT ? 127 : 126);
}

/// As a shell tells it.
int run(const std::vector<std::string>& command) {
  sigset_t held_back, before;
  ::sigemptyset(&held_back);
  for (const int signal : ending) ::sigaddset(&held_back, signal);
  ::sigprocmask(SIG_BLOCK, &held_back, &before);
  std::array<struct sigaction, ending.size()> earlier{};
  for (std::size_t s = 0; s < ending.size(); ++s) {
    ::sigaction(ending[s], nullptr, &earlier[s]);
    if (earlier[s].sa_handler == SIG_IGN) continue;  // as under nohup
    struct sigaction action {};
    action.sa_handler = heeded_by(ending[s]);
    action.sa_flags = SA_RESTART;
    ::sigaction(ending[s], &action, nullptr);
  }
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == -1) throw std::system_error(errno, std::system_category(), "fork");
  if (child == 0) {
    for (std::size_t s = 0; s < ending.size(); ++s) ::sigaction(ending[s], &earlier[s], nullptr);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    become(command, parent);
  }
  command_process = child;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  int status = 0;
  while (::waitpid(child, &status, 0) == -1) {
    if (errno != EINTR) throw std::system_error(errno, std::system_category(), "waitpid");
  }
  command_process = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_under_lock(const lock_options& how) {
  warn_of_dead_holder(how.name);
  return run(how.command);
}

}  // namespace

int lock(const lock_options& how) {
  if (how.command.empty()) throw refusal(wrong_usage, "write: shm lock NAME -- COMMAND ...");
  const shm::object_info info = changeable(how.name);
  if (info.kind == shm::object_kind::semaphore) {
    throw refusal(wrong_usage, title(info) + ": a semaphore has permits, and no lock");
  }
  auto object = permitted(how.name, "lock it",
                          [&] { return shm::any_object(key_named(how.name), trusting(info)); });
  const auto held = wait_for_lock(how.name, how.timeout, [&](std::chrono::milliseconds patience) {
    return object.try_lock_for(patience);
  });
  return held ? run_under_lock(how) : how.too_late;
}

}  // namespace tool
