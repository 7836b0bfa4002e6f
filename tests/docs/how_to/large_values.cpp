// Large values: what docs/how-to/large-values.md shows.
// SPDX-License-Identifier: MIT
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <shm.hpp>
#include <vector>

#include "telemetry.hpp"

namespace {

// [sample]
struct image {
  std::uint64_t number;
  std::array<std::uint8_t, 3840 * 2160 * 3> pixels;  // 24 MiB
};
// [/sample]

void require(bool holds) {
  if (!holds) std::abort();
}

void write() {
  // [sample]
  shm::object<image> camera{"sample.camera"};
  camera.update([](image& next) {  // a draft on the heap, kept for the next update
    ++next.number;
    next.pixels.front() = 255;
  });
  // [/sample]
}

void read() {
  // [sample]
  const shm::object<const image> camera{"sample.camera"};
  const std::unique_ptr<image> p(new image(camera.load()));  // made on the heap, once
  camera.load(*p);                                           // again, into the same memory
  const std::uint64_t newest = camera.load(&image::number);  // copies this member only
  // [/sample]
  require(p->number == 1 && p->pixels.front() == 255 && newest == 1);
}

void snapshot() {
  // [sample]
  std::size_t robots = 1000;
  shm::array<telemetry> fleet{shm::create_only, "sample.robots", robots};
  std::vector<telemetry> all(fleet.size());
  fleet.snapshot(all);  // all of one moment, into the same memory each time
  // [/sample]
  require(all[999].gear == 0);
}

void open_any_length() {
  int gears = 0;
  // [sample]
  const shm::array<const telemetry> fleet{"sample.robots"};  // whatever its length is
  for (std::size_t i = 0; i < fleet.size(); ++i) gears += fleet.load(i).gear;
  // [/sample]
  require(gears == 0);
}

}  // namespace

int main() {
  write();
  read();
  snapshot();
  open_any_length();
  shm::remove("sample.camera", shm::force);
  shm::remove("sample.robots", shm::force);
}
