// Growth: how the time grows with the size of T, the number of elements and the number of seats.
// SPDX-License-Identifier: MIT
#include <benchmark/benchmark.h>

#include <cstddef>
#include <fstream>
#include <memory>
#include <optional>
#include <shm.hpp>
#include <string>
#include <vector>

#include "contenders/every_value.hpp"
#include "support/jobs.hpp"
#include "support/memory.hpp"
#include "support/value.hpp"

namespace {

using bench::add;

using bench::copy;

constexpr std::size_t page_size = 4096;

template <std::size_t Size>
void add_size() {
  using value = bench::value<Size>;
  const std::string size = std::to_string(Size);
  add("size load/" + size, "shm::object", [](benchmark::State& state) {
    const bench::scratch name;
    const shm::object<value> shared(name.name());
    const bench::destination<Size> to;
    for (auto _ : state) {
      ::new (static_cast<void*>(&*to)) value(shared.load());
      to.use();
    }
  });
  add("size load/" + size, "memcpy", [](benchmark::State& state) {
    const bench::plain_memory shared(Size);
    const bench::destination<Size> to;
    for (auto _ : state) {
      copy(&*to, shared.bytes(), Size);
      to.use();
    }
  });
  add("size store/" + size, "shm::object", [](benchmark::State& state) {
    const bench::scratch name;
    shm::object<value> shared(name.name());
    const bench::destination<Size> from;
    bench::touch_every_copy(shared, *from);
    for (auto _ : state) {
      ++(*from)[0];
      shared.store(*from);
    }
  });
  add("size store/" + size, "memcpy", [](benchmark::State& state) {
    const bench::plain_memory shared(Size);
    const bench::destination<Size> from;
    for (auto _ : state) {
      ++(*from)[0];
      copy(shared.bytes(), &*from, Size);
      benchmark::ClobberMemory();
    }
  });
  add("size create/" + size, "shm::object", [](benchmark::State& state) {
    const bench::scratch name;
    std::optional<shm::object<value>> made;
    bench::measure_between(
        state, [] {}, [&] { made.emplace(shm::create_only, name.name()); },
        [&] {
          made.reset();
          shm::remove(name.name());
        });
  })->UseManualTime();
}

/// Far from the last one, and no pattern that the processor could guess.
class wanderer {
 public:
  explicit wanderer(std::size_t count) : count_(count) {}
  std::size_t next() noexcept {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>((state_ >> 33U) % count_);
  }

 private:
  std::size_t count_;
  std::uint64_t state_ = 1;
};

template <std::size_t Count>
class rows {
 public:
  using array = shm::array<std::uint64_t, Count>;
  static constexpr std::size_t size = Count * sizeof(std::uint64_t);

  static void load_ours(benchmark::State& state, const shm::options& how) {
    const bench::scratch name;
    const array shared(name.name(), how);
    wanderer which(Count);
    for (auto _ : state) benchmark::DoNotOptimize(shared.load(which.next()));
  }
  static void load_plainly(benchmark::State& state) {
    const bench::plain_memory shared(size);
    const volatile std::uint64_t* const elements = words_of(shared);
    wanderer which(Count);
    for (auto _ : state) benchmark::DoNotOptimize(std::uint64_t{elements[which.next()]});
  }
  static void store_ours(benchmark::State& state, const shm::options& how) {
    const bench::scratch name;
    array shared(name.name(), how);
    wanderer which(Count);
    for (auto _ : state) shared.store(which.next(), 1);
  }
  static void store_plainly(benchmark::State& state) {
    const bench::plain_memory shared(size);
    auto* const elements = words_of(shared);
    wanderer which(Count);
    for (auto _ : state) {
      elements[which.next()] = 1;
      benchmark::ClobberMemory();
    }
  }

  static void create(benchmark::State& state, const shm::options& how) {
    const bench::scratch name;
    std::optional<array> made;
    bench::measure_between(
        state, [] {}, [&] { made.emplace(shm::create_only, name.name(), how); },
        [&] {
          made.reset();
          shm::remove(name.name());
        });
  }

  /// Opens what is there, with all its pages; then touches each page once.
  static void open_then_pass(benchmark::State& state, const shm::options& how, bool count_opening,
                             bool count_pass) {
    const bench::scratch name;
    const array kept(name.name(), how);
    std::optional<array> opened;
    const auto open = [&] { opened.emplace(shm::open_only, name.name(), how); };
    const auto pass = [&] {
      for (std::size_t i = 0; i < Count; i += page_size / sizeof(std::uint64_t)) {
        benchmark::DoNotOptimize(opened->load(i));
      }
    };
    bench::measure_between(
        state,
        [&] {
          if (!count_opening) open();
        },
        [&] {
          if (count_opening) open();
          if (count_pass) pass();
        },
        [&] { opened.reset(); });
  }

 private:
  static std::uint64_t* words_of(const bench::plain_memory& memory) noexcept {
    return static_cast<std::uint64_t*>(static_cast<void*>(memory.bytes()));
  }
};

/// Whether the machine has set aside so much in huge pages; an object would do without, and say so.
bool has_huge_pages_for(std::size_t size) {
  std::ifstream memory("/proc/meminfo");
  std::size_t pages = 0, kib_each = 0;
  for (std::string word; memory >> word;) {
    if (word == "HugePages_Free:") memory >> pages;
    if (word == "Hugepagesize:") memory >> kib_each;
  }
  return pages * kib_each * 1024 >= size + 2 * kib_each * 1024;
}

struct way_to_open {
  std::string name;
  shm::options how;
};

std::vector<way_to_open> ways_to_open(std::size_t size) {
  std::vector<way_to_open> ways{{"shm::array", {}}, {"shm::array, prefault", {}}};
  ways[1].how.prefault = true;
  if (has_huge_pages_for(size)) {
    ways.push_back({"shm::array, huge pages", {}});
    ways.back().how.huge_pages = true;
  }
  return ways;
}

template <std::size_t Count>
void add_count() {
  using of_count = rows<Count>;
  const std::string count = std::to_string(Count);
  for (const way_to_open& way : ways_to_open(of_count::size)) {
    const std::string& name = way.name;
    const shm::options how = way.how;
    add("count open/" + count, name, [how](benchmark::State& state) {
      of_count::open_then_pass(state, how, true, false);
    })->UseManualTime();
    add("count first pass/" + count, name,
        [how](benchmark::State& state) { of_count::open_then_pass(state, how, false, true); })
        ->UseManualTime()
        // Opening takes far longer than some passes: known, so that it is not repeated to find it.
        ->Iterations(Count <= 100'000 ? 100 : 3);
    if (how.prefault) continue;  // alike but for the first pass
    add("count load/" + count, name,
        [how](benchmark::State& state) { of_count::load_ours(state, how); });
    add("count store/" + count, name,
        [how](benchmark::State& state) { of_count::store_ours(state, how); });
    add("count create/" + count, name, [how](benchmark::State& state) {
      of_count::create(state, how);
    })->UseManualTime();
  }
  add("count load/" + count, "plain memory", of_count::load_plainly);
  add("count store/" + count, "plain memory", of_count::store_plainly);
}

/// Whether the kernel allows so many semaphores in a set, of which an object uses six itself.
bool allows_seats(unsigned seats) {
  std::ifstream limits("/proc/sys/kernel/sem");
  unsigned most = 0;
  return limits >> most && most >= seats + 6;
}

/// Opens and closes while `taken` of the seats are occupied.
void open_seat(benchmark::State& state, const shm::options& how, unsigned taken) {
  const bench::scratch name;
  std::vector<shm::mutex> kept;
  kept.reserve(taken);
  while (kept.size() < taken) kept.emplace_back(name.name(), how);
  for (auto _ : state) shm::mutex opened(name.name());
}

void add_seats(unsigned seats) {
  shm::options how;
  how.seats = seats;
  const std::string number = std::to_string(seats);
  add("seats create/" + number, "shm::mutex", [how](benchmark::State& state) {
    const bench::scratch name;
    std::optional<shm::mutex> made;
    bench::measure_between(
        state, [] {}, [&] { made.emplace(name.name(), how); },
        [&] {
          made.reset();
          shm::remove(name.name());
        });
  })->UseManualTime();
  add("seats open/" + number, "shm::mutex, one seat taken",
      [how](benchmark::State& state) { open_seat(state, how, 1); });
  add("seats open/" + number, "shm::mutex, one seat free", [how](benchmark::State& state) {
    open_seat(state, how, how.seats - 1);
  })->Iterations(200);  // known, or all seats were taken again for each try to find it
}

}  // namespace

int main(int argc, char** argv) {
  add_size<8>();
  add_size<64>();
  add_size<512>();
  add_size<4096>();
  add_size<32 * 1024>();
  add_size<256 * 1024>();
  add_size<2 * 1024 * 1024>();
  add_size<16 * 1024 * 1024>();
  add_count<10>();
  add_count<1'000>();
  add_count<100'000>();
  add_count<10'000'000>();
  for (const unsigned seats : {16U, 64U, 256U, 1024U}) {
    if (allows_seats(seats)) add_seats(seats);
  }
  return bench::run_all(argc, argv);
}
