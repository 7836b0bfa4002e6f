// Interruption: SIGINT and SIGTERM fail a measurement, so that all is removed.
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <stdexcept>

#include "../contenders/site.hpp"

namespace bench {

class interruption {
 public:
  /// Waits so long, or until there is something to read; true then. Throws when interrupted.
  static bool wait(double seconds, int descriptor = -1) {
    pollfd watched[] = {{descriptor, POLLIN, 0}, {signals(), POLLIN, 0}};
    int found = 0;
    do {
      found = ::poll(watched, 2, static_cast<int>(std::ceil(seconds * 1000)));
    } while (found == -1 && errno == EINTR);
    checked(found, "poll");
    if (watched[1].revents != 0) throw std::runtime_error("interrupted");
    return watched[0].revents != 0;
  }

  /// From now on, and not before, they are noticed in wait() alone.
  static void begin() { static_cast<void>(signals()); }

  /// In a forked child they do again what they always do.
  static void forget() { require(::pthread_sigmask(SIG_UNBLOCK, set(), nullptr), "sigmask"); }

 private:
  static const sigset_t* set() {
    static const sigset_t both = [] {
      sigset_t made;
      ::sigemptyset(&made);
      ::sigaddset(&made, SIGINT);
      ::sigaddset(&made, SIGTERM);
      return made;
    }();
    return &both;
  }
  static int signals() {
    static const int descriptor = [] {
      require(::pthread_sigmask(SIG_BLOCK, set(), nullptr), "sigmask");
      return checked(::signalfd(-1, set(), SFD_CLOEXEC), "signalfd");
    }();
    return descriptor;
  }
};

}  // namespace bench
