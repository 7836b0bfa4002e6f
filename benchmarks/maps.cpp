// Maps: entries found, changed and erased by their keys, beside hash tables of one process.
// SPDX-License-Identifier: MIT
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <shm.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/jobs.hpp"
#include "support/memory.hpp"

#ifdef SHM_BENCH_ABSEIL
#include <absl/container/flat_hash_map.h>
#endif
#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
#include <boost/unordered/unordered_flat_map.hpp>
#endif

namespace {

using number = std::uint64_t;

/// So many operations at once, because the table is filled anew for each measurement.
template <class Run>
void add(const std::string& job, const std::string& contender, Run run) {
  bench::add(job, contender, run)->Iterations(1'000'000);
}

/// Keys in an order that no processor guesses, of which no two are equal.
class keys {
 public:
  explicit keys(std::size_t count) : count_(count) {
    std::mt19937_64 random(42);
    std::map<number, bool> drawn;
    while (drawn.size() < 2 * count) drawn.emplace(random(), false);
    for (const auto& one : drawn) all_.push_back(one.first);
    std::shuffle(all_.begin(), all_.end(), random);
    present_.assign(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count));
    std::shuffle(present_.begin(), present_.end(), random);
  }

  /// In the order in which they are inserted.
  number inserted(std::size_t i) const { return all_[i]; }
  /// In another order: entries that lie in memory as they were inserted would be read ahead.
  number present(std::size_t i) const { return present_[i]; }
  number absent(std::size_t i) const { return all_[count_ + i]; }

 private:
  std::size_t count_;
  std::vector<number> all_, present_;
};

/// Of that many entries, made once for all contenders.
template <std::size_t Count>
const keys& keys_of() {
  static const keys all(Count);
  return all;
}

template <std::size_t Count>
class ours {
 public:
  static constexpr const char* name = "shm::map";

  std::optional<number> find(number key) const { return map_.find(key); }
  void insert(number key, number value) { map_.insert(key, value); }
  void assign(number key, number value) { map_.insert_or_assign(key, value); }
  void erase(number key) { map_.erase(key); }

 private:
  bench::scratch scratch_;
  shm::map<number, number, Count> map_{scratch_.name()};
};

/// A table of one process, which only one thread uses.
template <class Table>
class alone {
 public:
  explicit alone(std::size_t count) { table_.reserve(count); }

  std::optional<number> find(number key) const {
    const auto found = table_.find(key);
    if (found == table_.end()) return std::nullopt;
    return found->second;
  }
  void insert(number key, number value) { table_.emplace(key, value); }
  void assign(number key, number value) { table_[key] = value; }
  void erase(number key) { table_.erase(key); }

 private:
  Table table_;
};

template <class Table>
class under_mutex {
 public:
  explicit under_mutex(std::size_t count) : table_(count) {}

  std::optional<number> find(number key) const {
    const std::lock_guard lock(mutex_);
    return table_.find(key);
  }
  void insert(number key, number value) {
    const std::lock_guard lock(mutex_);
    table_.insert(key, value);
  }
  void assign(number key, number value) {
    const std::lock_guard lock(mutex_);
    table_.assign(key, value);
  }
  void erase(number key) {
    const std::lock_guard lock(mutex_);
    table_.erase(key);
  }

 private:
  mutable std::mutex mutex_;
  alone<Table> table_;
};

/// A full table, in which a million entries were erased and others put in their place, or none.
template <class Table, std::size_t Count>
std::unique_ptr<Table> filled(std::unique_ptr<Table> table, bool churned) {
  const keys& all = keys_of<Count>();
  for (std::size_t i = 0; i < Count; ++i) table->insert(all.inserted(i), i);
  if (!churned) return table;
  std::mt19937_64 random(7);
  std::vector<number> there;
  for (std::size_t i = 0; i < Count; ++i) there.push_back(all.inserted(i));
  for (int n = 0; n < 1'000'000; ++n) {
    number& key = there[random() % Count];
    table->erase(key);
    key = random();
    table->insert(key, 1);
  }
  for (const number key : there) table->erase(key);
  for (std::size_t i = 0; i < Count; ++i) table->insert(all.inserted(i), i);
  return table;
}

template <std::size_t Count, class Make>
void add_contender(const std::string& name, Make make) {
  using table_type = typename decltype(make())::element_type;
  const std::string count = std::to_string(Count);
  const keys& all = keys_of<Count>();
  for (const bool churned : {false, true}) {
    const std::string when = churned ? "after erasures " : "";
    add("map " + when + "hit/" + count, name, [make, churned, &all](benchmark::State& state) {
      const auto table = filled<table_type, Count>(make(), churned);
      std::size_t i = 0;
      for (auto _ : state) {
        benchmark::DoNotOptimize(table->find(all.present(i)));
        if (++i == Count) i = 0;
      }
    });
    add("map " + when + "miss/" + count, name, [make, churned, &all](benchmark::State& state) {
      const auto table = filled<table_type, Count>(make(), churned);
      std::size_t i = 0;
      for (auto _ : state) {
        benchmark::DoNotOptimize(table->find(all.absent(i)));
        if (++i == Count) i = 0;
      }
    });
  }
  add("map assign/" + count, name, [make, &all](benchmark::State& state) {
    const auto table = filled<table_type, Count>(make(), false);
    std::size_t i = 0;
    for (auto _ : state) {
      table->assign(all.present(i), i);
      if (++i == Count) i = 0;
    }
  });
  add("map erase and insert/" + count, name, [make, &all](benchmark::State& state) {
    const auto table = filled<table_type, Count>(make(), false);
    std::size_t i = 0;
    for (auto _ : state) {
      table->erase(all.present(i));
      table->insert(all.present(i), i);
      if (++i == Count) i = 0;
    }
  });
}

template <template <class...> class Table, std::size_t Count>
void add_table(const std::string& name) {
  using table = Table<number, number>;
  add_contender<Count>(name, [] { return std::make_unique<alone<table>>(Count); });
  add_contender<Count>(name + ", std::mutex",
                       [] { return std::make_unique<under_mutex<table>>(Count); });
}

template <std::size_t Count>
void add_all() {
  add_contender<Count>(ours<Count>::name, [] { return std::make_unique<ours<Count>>(); });
  add_table<std::unordered_map, Count>("std::unordered_map");
#ifdef SHM_BENCH_ABSEIL
  add_table<absl::flat_hash_map, Count>("absl::flat_hash_map");
#endif
#if __has_include(<boost/unordered/unordered_flat_map.hpp>)
  add_table<boost::unordered_flat_map, Count>("boost::unordered_flat_map");
#endif
}

}  // namespace

int main(int argc, char** argv) {
  add_all<1'000>();
  add_all<1'000'000>();
  return bench::run_all(argc, argv);
}
