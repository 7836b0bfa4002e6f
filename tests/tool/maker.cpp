// Maker: makes objects for the tests of the command shm, and does with them what it is told.
// SPDX-License-Identifier: MIT
//
// maker PREFIX
//
// Makes PREFIX.car, PREFIX.table and PREFIX.guard, says "ready", then obeys each line of its input
// and answers "done": gear N, row I N, hold, release, lock, unlock, edit, unedit, brief, named
// REST, guarded REST, single (with one seat), exactly NAME, file PATH (by ftok), strange, crowd,
// numbers, many, secret, byte REST I N (of that value), hurry (changes all the time an integer that
// is its own version), busy (does so with the crowd), half, halfgone, halfremoved, blank, scribble
// (over the car's schema), smear (over what changes in its header), mode OCTAL [OCTAL] (of the
// car's segment and of its semaphores). At the end of its input it leaves; what it made stays.
#include <sys/sem.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>
#include <limits>
#include <optional>
#include <shm.hpp>
#include <sstream>
#include <string>

#include <thread>
#include "support/kernel_view.hpp"

namespace {

enum class drive_mode : std::uint8_t { eco = 1, sport };

/// Opaque: nothing tells of private members.
template <class Unseen, std::size_t N>
class opaque {
 public:
  opaque() = default;
  explicit opaque(const std::array<Unseen, N>& unseen) : unseen_(unseen) {}

 private:
  std::array<Unseen, N> unseen_ = {};
};
using blind = opaque<std::uint16_t, 2>;
using secret = opaque<unsigned char, 100>;

struct wheel {
  BOOST_HANA_DEFINE_STRUCT(wheel, (float, pressure), (bool, flat));
};

struct car {
  using text = std::array<char, 12>;
  using pair = std::array<wheel, 2>;
  using matrix = std::array<std::array<std::int16_t, 3>, 2>;
  BOOST_HANA_DEFINE_STRUCT(car, (text, name), (double, speed), (std::int32_t, gear),
                           (drive_mode, mode), (bool, lights), (char, grade), (wheel, spare),
                           (pair, wheels), (matrix, grid), (std::uint64_t, distance),
                           (std::uint8_t, doors), (long double, exact), (blind, hidden));
};

struct lap {
  using text = std::array<char, 8>;
  BOOST_HANA_DEFINE_STRUCT(lap, (text, driver), (std::int64_t, time), (float, gap));
};

struct strange {
  using none = std::array<int, 0>;
  using text = std::array<char, 8>;
  BOOST_HANA_DEFINE_STRUCT(strange, (none, nothing), (double, unknown), (double, endless),
                           (float, tenth), (text, told));
};

struct numbers {
  using pairs = std::array<std::array<wheel, 1>, 2>;
  BOOST_HANA_DEFINE_STRUCT(numbers, (std::int8_t, i8), (std::uint8_t, u8), (std::int16_t, i16),
                           (std::uint16_t, u16), (std::int32_t, i32), (std::uint32_t, u32),
                           (std::int64_t, i64), (std::uint64_t, u64), (float, f), (double, d),
                           (long double, ld), (pairs, wheels));
};

struct many {
  BOOST_HANA_DEFINE_STRUCT(many, (int, f00), (int, f01), (int, f02), (int, f03), (int, f04),
                           (int, f05), (int, f06), (int, f07), (int, f08), (int, f09), (int, f10),
                           (int, f11), (int, f12), (int, f13), (int, f14), (int, f15), (int, f16),
                           (int, f17), (int, f18), (int, f19), (int, f20), (int, f21));
};

strange made_strange() {
  strange made{};
  made.unknown = std::numeric_limits<double>::quiet_NaN();
  made.endless = -std::numeric_limits<double>::infinity();
  made.tenth = 0.1f;
  made.told = {'f', 'o', 'o', '\0', 'b', 'a', 'r', '!'};
  return made;
}

car first_car() {
  car made{};
  made.name = {'b', 'l', 'u', 'e'};
  made.speed = 88.5;
  made.gear = 3;
  made.mode = drive_mode::sport;
  made.lights = true;
  made.grade = 'A';
  made.spare = {2.25f, false};
  made.wheels = {wheel{2.5f, false}, wheel{0.5f, true}};
  made.grid = {{{1, 2, 3}, {4, 5, -6}}};
  made.distance = 18446744073709551615u;
  made.doors = 5;
  made.exact = 0.5L;
  made.hidden = blind({0x1234, 0x5678});
  return made;
}

class maker {
 public:
  explicit maker(const std::string& prefix)
      : prefix_(prefix),
        car_(shm::open_or_create, prefix + ".car", first_car()),
        table_(prefix + ".table"),
        guard_(prefix + ".guard") {}
  maker(const maker&) = delete;
  maker& operator=(const maker&) = delete;
  ~maker() {
    is_over_ = true;
    if (worker_.joinable()) worker_.join();
  }

  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    int number = 0;
    if (verb == "gear") {
      words >> number;
      car_.update([number](car& now) { now.gear = number; });
    } else if (verb == "row") {
      std::size_t row = 0;
      words >> row >> number;
      table_.update(row, [number](lap& now) {
        now.driver = {'a', 'n', 'n'};
        now.time = number;
      });
    } else if (verb == "hold") {
      held_.emplace(car_.lock());
    } else if (verb == "release") {
      held_.reset();
    } else if (verb == "lock") {
      guard_.lock();
    } else if (verb == "unlock") {
      guard_.unlock();
    } else if (verb == "edit") {
      editing_.emplace(table_.lock());
      editing_->raw()[0].time = 7;
    } else if (verb == "unedit") {
      editing_.reset();
    } else if (verb == "brief") {
      shm::options how;
      how.lifetime = shm::lifetime::until_last_detach;
      brief_.emplace(prefix_ + ".brief", how);
    } else if (verb == "named") {
      named_.emplace(prefix_ + line.substr(line.find(' ') + 1));
    } else if (verb == "guarded") {
      guarded_.emplace(prefix_ + line.substr(line.find(' ') + 1));
    } else if (verb == "single") {
      shm::options how;
      how.seats = 1;
      single_.emplace(prefix_ + ".single", how);
    } else if (verb == "exactly") {
      named_.emplace(line.substr(line.find(' ') + 1));
    } else if (verb == "file") {
      named_.emplace(shm::key::from_path(line.substr(line.find(' ') + 1).c_str(), 1));
    } else if (verb == "strange") {
      strange_.emplace(shm::open_or_create, prefix_ + ".strange", made_strange());
    } else if (verb == "crowd") {
      crowd_.emplace(prefix_ + ".crowd");
    } else if (verb == "numbers") {
      numbers_.emplace(prefix_ + ".numbers");
    } else if (verb == "many") {
      many_.emplace(prefix_ + ".many");
    } else if (verb == "secret") {
      secret_.emplace(prefix_ + ".secret");
    } else if (verb == "byte") {
      std::string rest;
      std::size_t place = 0;
      words >> rest >> place >> number;
      shm::any_object(prefix_ + rest).update([&](gsl::span<std::byte> draft) {
        draft[place] = static_cast<std::byte>(number);
        return true;
      });
    } else if (verb == "hurry") {
      worker_ = std::thread([this] {
        shm::object<std::int64_t> own_version(prefix_ + ".hurry");
        while (!is_over_) own_version.update([](std::int64_t& now) { ++now; });
      });
    } else if (verb == "busy") {
      worker_ = std::thread([this] {
        shm::array<std::int32_t, 20000> crowd(prefix_ + ".crowd");
        for (std::int32_t i = 0; !is_over_; ++i) crowd.store(static_cast<std::size_t>(i % 100), i);
      });
    } else if (verb == "smear") {
      const shm::key key(prefix_ + ".car");
      const auto memory =
          shm::detail::attachment::of(shm::detail::segment::find(key.segment_key()).value,
                                      shm::detail::attach_mode::read_write);
      std::fill(memory.value.address() + 8, memory.value.address() + 64, std::byte{0x5a});
    } else if (verb == "scribble") {
      const shm::key key(prefix_ + ".car");
      const auto memory =
          shm::detail::attachment::of(shm::detail::segment::find(key.segment_key()).value,
                                      shm::detail::attach_mode::read_write);
      shm::detail::header_at(memory.value).fixed.schema_length = 0xffffffff;
    } else if (verb == "half") {
      leave(prefix_ + ".half", shm::detail::life_state::under_construction);
    } else if (verb == "halfgone") {
      leave(prefix_ + ".halfgone", shm::detail::life_state::removed);
    } else if (verb == "halfremoved") {
      leave_the_set(prefix_ + ".halfremoved");
    } else if (verb == "blank") {
      const shm::key key(prefix_ + ".blank");
      leave_the_set(key);
      if (!shm::detail::segment::create(key.segment_key(), 4104, 0600, false).ok()) std::abort();
    } else if (verb == "mode") {
      unsigned of_segment = 0;
      words >> std::oct >> of_segment;
      unsigned of_set = of_segment;
      words >> of_set;
      set_modes(prefix_ + ".car", of_segment, of_set);
    } else {
      std::abort();
    }
  }

 private:
  static void set_modes(const shm::key& key, unsigned of_segment, unsigned of_set) {
    support::set_mode(key, of_segment);
    union {
      semid_ds* status;
    } where{};
    semid_ds data{};
    where.status = &data;
    const int set = ::semget(key.set_key(), 0, 0);
    if (::semctl(set, 0, IPC_STAT, where) == -1) std::abort();
    data.sem_perm.mode = static_cast<decltype(data.sem_perm.mode)>(of_set);
    if (::semctl(set, 0, IPC_SET, where) == -1) std::abort();
  }

  static void leave_the_set(const shm::key& key) {
    { shm::object<int> made(key); }
    if (!shm::detail::segment::find(key.segment_key()).value.remove().ok()) std::abort();
  }

  static void leave(const shm::key& key, shm::detail::life_state state) {
    { shm::object<int> made(key); }
    support::set_state(key, state);
  }

  std::string prefix_;
  shm::object<car> car_;
  shm::array<lap, 4> table_;
  shm::mutex guard_;
  std::optional<shm::locked<car>> held_;
  std::optional<shm::locked_array<lap, 4>> editing_;
  std::optional<shm::object<int>> brief_;
  std::optional<shm::object<int>> single_;
  std::optional<shm::object<int>> named_;
  std::optional<shm::mutex> guarded_;
  std::optional<shm::object<strange>> strange_;
  std::optional<shm::array<std::int32_t, 20000>> crowd_;
  std::optional<shm::object<numbers>> numbers_;
  std::optional<shm::object<secret>> secret_;
  std::optional<shm::object<many>> many_;
  std::atomic<bool> is_over_{false};
  std::thread worker_;
};

}  // namespace

int main(int, char** argv) {
  maker made(argv[1]);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    made.obey(line);
    std::cout << "done" << std::endl;
  }
}
