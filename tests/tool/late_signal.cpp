// Late signal: preloaded, it sends SIGTERM to a program that is about to wait.
// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace {

int wait_late(pollfd* files, nfds_t count, const timespec* span, const sigset_t* let_in) {
  static bool told = false;
  if (!told) {
    told = true;
    ::raise(SIGTERM);
  }
  timespec left = *span;  // which the kernel changes
  return static_cast<int>(::syscall(SYS_ppoll, files, count, &left, let_in, _NSIG / 8));
}

}  // namespace

extern "C" int ppoll(pollfd* files, nfds_t count, const timespec* span, const sigset_t* let_in) {
  return wait_late(files, count, span, let_in);
}

extern "C" int poll(pollfd* files, nfds_t count, int milliseconds) {
  const timespec span{milliseconds / 1000, milliseconds % 1000 * 1000000L};
  return wait_late(files, count, &span, nullptr);
}
