// Crash: writers killed in the middle of what they do, and what the next one sees.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <shm.hpp>
#include <string>

struct position {
  BOOST_HANA_DEFINE_STRUCT(position, (double, x), (double, y));
};

/// Runs `work` in a child that kills itself inside it, as kill -9 would.
template <class Work>
void killed(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

void die() {
  ::kill(::getpid(), SIGKILL);
}

void in_update(const std::string& name) {
  shm::object<position> robot{shm::create_only, name, {1, 1}};
  killed([&] {
    shm::object<position>{name}.update([](position& p) {
      p.x = 99;
      die();
      p.y = 99;
    });
  });
  const position seen = robot.load();
  std::printf("killed in update(): the value before, x %g y %g\n", seen.x, seen.y);
}

void in_mutex(const std::string& name) {
  shm::mutex mutex{name};
  killed([&] {
    mutex.lock();
    die();
  });
  const shm::scoped_lock lock{mutex};
  std::printf("killed holding a mutex: locked again, owner_died() is %s\n",
              mutex.owner_died() ? "true" : "false");
  mutex.mark_repaired();
}

void in_section(const std::string& name) {
  shm::array<position, 2> robots{name};
  killed([&] {
    auto all = robots.lock();
    all.store(0, {5, 5});
    die();
    all.store(1, {5, 5});
  });
  auto all = robots.lock();
  std::printf("killed between two stores: x of both is %g and %g, owner_died() is %s\n", all[0].x,
              all[1].x, all.owner_died() ? "true" : "false");
  all.store(1, {5, 5});
  all.mark_repaired();
}

void in_raw(const std::string& name) {
  shm::array<position, 2> robots{name};
  killed([&] {
    auto all = robots.lock();
    all.raw()[0].x = 7;
    die();
  });
  try {
    static_cast<void>(robots.load(0));
  } catch (const shm::error& problem) {
    std::printf("killed in raw(): load() says \"%s\"\n", problem.code().message().c_str());
  }
  {
    auto all = robots.lock();
    all.store(0, {0, 0});
    all.mark_repaired();
  }
  std::printf("repaired: x is %g\n", robots.load(0).x);
}

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "example.crash";
  for (const auto show : {in_update, in_mutex, in_section, in_raw}) {
    show(name);
    shm::remove(name);
  }
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
