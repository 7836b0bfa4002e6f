// Large values: read into memory of the caller, or member by member; whole, on a small stack.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <shm.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using support::code_of;
using support::telemetry;

namespace {

struct place {
  double x, y;
};
struct image : place {
  std::uint64_t first;
  std::array<std::uint8_t, 64 * 1024> pixels;
  char title[16];
  const int channels = 3;
  std::int16_t crop[2][3];
  std::uint64_t last;
};

#pragma pack(push, 1)
struct packed {
  char kind;
  std::uint64_t number;
};
#pragma pack(pop)

/// Without default constructor and assignment.
struct fixed {
  explicit fixed(int n) : number(n) {}
  const int number;
};
struct with_fixed {
  explicit with_fixed(int n) : inner(n) {}
  long before = 1;
  fixed inner;
};

}  // namespace

TEST_CASE("a value is loaded into memory of the caller, through either kind of handle") {
  const support::name name;
  shm::object<telemetry> car(shm::create_only, name, {1.5, 2});
  const shm::object<const telemetry> viewer(name);
  telemetry mine{};
  CHECK(&car.load(mine) == &mine);
  CHECK(mine.gear == 2);
  car.store({2.5, 3});
  CHECK(&viewer.load(mine) == &mine);
  CHECK(mine.gear == 3);
  CHECK(mine.speed == 2.5);
  shm::remove(name, shm::force);
  CHECK(code_of([&] { car.load(mine); }) == shm::errc::removed);
  CHECK(code_of([&] { viewer.load(mine); }) == shm::errc::removed);
}

TEST_CASE("an element is loaded into memory of the caller, through either kind of handle") {
  const support::name name;
  shm::array<telemetry, 3> cars(shm::create_only, name, {1.5, 2});
  const shm::array<const telemetry, 3> viewer(name);
  telemetry mine{};
  CHECK(&cars.load(2, mine) == &mine);
  CHECK(mine.gear == 2);
  cars.store(1, {2.5, 3});
  CHECK(&viewer.load(1, mine) == &mine);
  CHECK(mine.gear == 3);
  CHECK_THROWS_AS(cars.load(3, mine), std::out_of_range);
  CHECK_THROWS_AS(viewer.load(3, mine), std::out_of_range);
  shm::remove(name, shm::force);
  CHECK(code_of([&] { cars.load(0, mine); }) == shm::errc::removed);
  CHECK(code_of([&] { viewer.load(0, mine); }) == shm::errc::removed);
}

TEST_CASE("a snapshot fills a span of the right size, and refuses every other") {
  const support::name name;
  shm::array<int, 3> numbers(shm::create_only, name, 7);
  const shm::array<const int, 3> viewer(name);
  std::vector<int> all(3);
  numbers.snapshot(all);
  CHECK(all == std::vector<int>{7, 7, 7});
  numbers.store(1, 8);
  viewer.snapshot(all);
  CHECK(all == std::vector<int>{7, 8, 7});
  const auto message = "shm::array: a span of 2 elements for a snapshot of 3";
  CHECK_THROWS_AS(numbers.snapshot(gsl::span<int>(all).first(2)), std::invalid_argument);
  CHECK_THROWS_WITH(numbers.snapshot(gsl::span<int>(all).first(2)), message);
  CHECK_THROWS_WITH(viewer.snapshot(gsl::span<int>(all).first(2)), message);
  all.resize(4);
  CHECK_THROWS_AS(numbers.snapshot(all), std::invalid_argument);
  CHECK_THROWS_AS(viewer.snapshot(gsl::span<int>()), std::invalid_argument);
  CHECK(all == std::vector<int>{7, 8, 7, 0});
}

TEST_CASE("one member is loaded, also of a base class, and a C array as std::array") {
  const support::name name;
  shm::object<image> camera(name);
  camera.update([](image& i) {
    i.x = 1.5;
    i.first = 4;
    i.pixels[5] = 6;
    std::memcpy(i.title, "front", 6);
    i.crop[1][2] = -7;
    i.last = 8;
  });
  const auto check = [](const auto& handle) {
    const std::uint64_t first = handle.load(&image::first);
    CHECK(first == 4);
    CHECK(handle.load(&image::last) == 8);
    CHECK(handle.load(&image::x) == 1.5);
    CHECK(handle.load(&place::x) == 1.5);
    CHECK(handle.load(&image::channels) == 3);
    const auto pixels = handle.load(&image::pixels);
    CHECK(pixels[5] == 6);
    const std::array<char, 16> title = handle.load(&image::title);
    CHECK(std::string(title.data()) == "front");
    const std::array<std::array<std::int16_t, 3>, 2> crop = handle.load(&image::crop);
    CHECK(crop[1][2] == -7);
  };
  check(camera);
  check(shm::object<const image>(name));
  shm::remove(name, shm::force);
  CHECK(code_of([&] { static_cast<void>(camera.load(&image::x)); }) == shm::errc::removed);
}

TEST_CASE("a member of a packed struct is loaded, and one that cannot be assigned") {
  const support::name packed_name, fixed_name;
  const shm::object<packed> one(shm::create_only, packed_name, {'a', 0x0123456789abcdef});
  CHECK(one.load(&packed::number) == 0x0123456789abcdef);
  CHECK(one.load(&packed::kind) == 'a');
  const shm::object<with_fixed> other(shm::create_only, fixed_name, with_fixed(5));
  CHECK(other.load(&with_fixed::inner).number == 5);
}

TEST_CASE("what is loaded beside a writer at full speed is whole", "[race]") {
  const support::watchdog watchdog(120);
  struct two_words {
    std::array<std::uint64_t, 2> head;
    std::array<std::uint64_t, 1022> rest;
  };
  using value = support::uniform<1024>;
  const support::name name, array_name;
  shm::object<two_words> object(name);
  shm::array<value, 4> array(shm::create_only, array_name, value::of(0));
  support::baton stop;
  support::child writer([&] {
    shm::object<two_words> mine(name);
    shm::array<value, 4> elements(array_name);
    const auto next = std::make_unique<two_words>();
    for (std::uint64_t n = 1; n % 100 != 0 || !stop.arrives_within(0); ++n) {
      next->head.fill(n);
      next->rest.fill(n);
      mine.store(*next);
      elements.store(n % 4, value::of(n));
    }
    return 0;
  });
  const shm::object<const two_words> object_viewer(name);
  const shm::array<const value, 4> array_viewer(array_name);
  const auto whole = std::make_unique<two_words>();
  const auto element = std::make_unique<value>();
  std::vector<value> all(4);
  for (std::size_t n = 0; n < 5000; ++n) {
    const bool locks = n % 2 == 0;
    const auto head = locks ? object.load(&two_words::head) : object_viewer.load(&two_words::head);
    REQUIRE(head[0] == head[1]);
    static_cast<void>(locks ? object.load(*whole) : object_viewer.load(*whole));
    REQUIRE(whole->head[0] >= head[0]);
    REQUIRE(whole->head[0] == whole->rest[1021]);
    static_cast<void>(locks ? array.load(n % 4, *element) : array_viewer.load(n % 4, *element));
    REQUIRE(element->is_whole());
    array.snapshot(all);
    for (const value& one : all) REQUIRE(one.is_whole());
  }
  stop.pass();
  CHECK(writer.wait() == 0);
  array_viewer.snapshot(all);
  for (const value& one : all) CHECK(one.is_whole());
}

namespace {

/// Runs the job in a thread with a stack of that size.
void in_thread_with_stack(std::size_t size, std::function<void()> job) {
  pthread_attr_t attributes;
  REQUIRE(::pthread_attr_init(&attributes) == 0);
  REQUIRE(::pthread_attr_setstacksize(&attributes, size) == 0);
  pthread_t thread{};
  const auto run = [](void* started) -> void* {
    (*static_cast<std::function<void()>*>(started))();
    return nullptr;
  };
  REQUIRE(::pthread_create(&thread, &attributes, run, &job) == 0);
  CHECK(::pthread_join(thread, nullptr) == 0);
  ::pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("values of 8 MiB are made, changed and read in a thread with a stack of 128 KiB",
          "[small-stack]") {
  using large = std::array<std::uint8_t, 8 * 1024 * 1024>;
  struct frame {
    std::uint64_t number;
    large pixels;
  };
  const support::name name, array_name, dynamic_name;
  bool right = true;
  in_thread_with_stack(128 * 1024, [&] {
    const auto check = [&right](bool holds) { right = right && holds; };
    const auto into = std::make_unique<frame>();
    {
      shm::object<frame> camera(name);
      const shm::object<const frame> viewer(name);
      camera.update([](frame& f) { f.pixels.back() = 1; });
      check(camera.load(*into).pixels.back() == 1);
      into->pixels.back() = 2;
      camera.store(*into);
      check(viewer.load(*into).pixels.back() == 2);
      check(camera.update_for(std::chrono::seconds(1), [](frame& f) { f.number = 3; }));
      check(camera.load(&frame::number) == 3 && viewer.load(&frame::number) == 3);
      const std::unique_ptr<const frame> whole(new frame(viewer.load()));
      check(whole->number == 3);
      camera.lock()->number = 4;
      check(camera.load(&frame::number) == 4);
    }
    const auto element = std::make_unique<large>();
    std::vector<large> all(2);
    const auto use = [&](auto& frames, const auto& viewer) {
      frames.update(1, [](large& pixels) { pixels.back() = 5; });
      check(frames.load(1, *element).back() == 5);
      element->back() = 6;
      frames.store(1, *element);
      check(viewer.load(1, *element).back() == 6);
      frames.snapshot(all);
      check(all[1].back() == 6 && all[0].back() == 0);
      all[1].back() = 0;
      viewer.snapshot(all);
      check(all[1].back() == 6);
      check(frames.store_for(std::chrono::seconds(1), 0, *element));
      check(frames.lock()[0].back() == 6);
    };
    {
      shm::array<large, 2> frames(array_name);
      use(frames, shm::array<const large, 2>(array_name));
    }
    {
      shm::array<large> frames(shm::create_only, dynamic_name, 2);
      const shm::array<const large> viewer(dynamic_name);
      use(frames, viewer);
      check(frames.snapshot()[1].back() == 6 && viewer.snapshot()[1].back() == 6);
    }
  });
  CHECK(right);
}
