// Wait, libuv: what docs/how-to/wait.md shows for libuv.
// SPDX-License-Identifier: MIT
#include <uv.h>

#include <atomic>
#include <cstdlib>
#include <shm.hpp>
#include <thread>

#include "telemetry.hpp"

namespace {

int used = 0;
void use(const telemetry& t) {
  used = t.gear;
}

// [sample]
struct follower {
  const shm::object<const telemetry>& car;
  shm::watcher watcher;
};

void on_change(uv_poll_t* readable, int, int) {
  auto& follows = *static_cast<follower*>(readable->data);
  if (!follows.watcher.changed().empty()) use(follows.car.load());
  if (used == 3) uv_close(reinterpret_cast<uv_handle_t*>(readable), nullptr);
}

void follow(const shm::object<const telemetry>& car) {
  follower follows{car, {}};
  follows.watcher.add(car);
  uv_poll_t readable;
  readable.data = &follows;
  uv_poll_init(uv_default_loop(), &readable, follows.watcher.fd());
  uv_poll_start(&readable, UV_READABLE, on_change);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
// [/sample]

}  // namespace

int main() {
  {
    shm::object<telemetry> car("example.libuv");
    const shm::object<const telemetry> viewer("example.libuv");
    std::atomic<bool> is_followed{false};
    std::thread publisher([&] {
      while (!is_followed) car.store({1.0, 3});
    });
    follow(viewer);
    is_followed = true;
    publisher.join();
    uv_loop_close(uv_default_loop());
    if (used != 3) std::abort();
  }
  shm::remove("example.libuv");
}
