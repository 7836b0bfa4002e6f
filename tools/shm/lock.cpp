// lock: runs a command while holding an object's lock.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <system_error>

#include "commands.hpp"
#include "objects.hpp"
#include "people.hpp"

namespace tool {

namespace {

/// As a shell tells it. Interrupts are the command's: it was started to be told.
int run(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& one : command) words.push_back(const_cast<char*>(one.c_str()));
  words.push_back(nullptr);
  struct sigaction ignore {
  }, interrupt{}, quit{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGINT, &ignore, &interrupt);
  ::sigaction(SIGQUIT, &ignore, &quit);
  const pid_t child = ::fork();
  if (child == -1) throw std::system_error(errno, std::system_category(), "fork");
  if (child == 0) {
    ::sigaction(SIGINT, &interrupt, nullptr);
    ::sigaction(SIGQUIT, &quit, nullptr);
    ::execvp(words[0], words.data());
    const int why = errno;
    fmt::print(stderr, "shm: {}: {}\n", command[0], std::generic_category().message(why));
    ::_exit(why == ENOENT ? 127 : 126);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) == -1) {
    if (errno != EINTR) throw std::system_error(errno, std::system_category(), "waitpid");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::chrono::milliseconds patience(const lock_options& how) {
  using std::chrono::milliseconds;
  return how.timeout < 0 ? milliseconds::max() : milliseconds(how.timeout);
}

int not_in_time(const lock_options& how) {
  const shm::object_info now = info_of(how.name);
  fmt::print(stderr, "shm: {}: not locked within {} ms: held by {}\n", title(now), how.timeout,
             process_title(now.lock_process));
  return answer_is_no;
}

int with_mutex(const lock_options& how, const shm::options& trust) {
  shm::mutex mutex(shm::open_only, key_named(how.name), trust);
  if (!mutex.try_lock_for(patience(how))) return not_in_time(how);
  if (mutex.owner_died()) {
    fmt::print(stderr, "shm: {}: an earlier holder died inside, and nobody has repaired since\n",
               how.name);
  }
  const std::lock_guard<shm::mutex> held(mutex, std::adopt_lock);
  return run(how.command);
}

}  // namespace

int lock(const lock_options& how) {
  const shm::object_info info = info_of(how.name);
  if (!info.problem.empty()) throw refusal(broken, info.problem);
  if (info.kind == shm::object_kind::mutex) return with_mutex(how, trusting(info));
  shm::any_object object(key_named(how.name), trusting(info));
  const auto held = object.try_lock_for(patience(how));
  return held ? run(how.command) : not_in_time(how);
}

}  // namespace tool
