// Actor: a process that does all the library offers, in random order, and checks all it sees.
// SPDX-License-Identifier: MIT
#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <random>
#include <shm.hpp>
#include <stdexcept>
#include <thread>

#include "ledger.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/types.hpp"

namespace chaos {

using small = support::uniform<8>;      // 64 bytes
using middle = support::uniform<512>;   // 4 KiB
using large = support::uniform<65536>;  // 512 KiB, kept in three copies
constexpr std::size_t counters = 300;   // more than there are sequence counters
constexpr std::size_t accounts = 16;
constexpr std::int64_t in_each_account = 1000;
constexpr std::uint64_t keys = 16;
using small_by_key = shm::map<std::uint64_t, small, keys>;

struct world {
  support::name object_small, object_middle, object_large, counting, bank, bulk, by_key, mutex,
      brief, coming_and_going, taken_by_force;
  ledger* book;
};

inline shm::options until_last_detach() {
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  return how;
}

class actor {
 public:
  actor(world& w, unsigned slot, std::uint64_t seed)
      : world_(w),
        book_(*w.book),
        slot_(slot),
        random_(static_cast<std::minstd_rand::result_type>(seed)),
        small_(w.object_small),
        middle_(w.object_middle),
        large_(w.object_large),
        counting_(w.counting),
        bank_(shm::open_or_create, w.bank, in_each_account),
        bulk_(w.bulk),
        by_key_(w.by_key),
        mutex_(w.mutex) {}

  [[noreturn]] void run() {
    for (;;) {
      try {
        act();
      } catch (const std::exception& problem) {
        std::fprintf(stderr, "unexpected: %s\n", problem.what());
        violated(book_.found.refused);
      }
      book_.actions.fetch_add(1, std::memory_order_relaxed);
      book_.progress[slot_].fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  void act() {
    const unsigned dice = any(100);
    if (dice < 30) return count_up(small_, last_small_);
    if (dice < 38) return count_up(middle_, last_middle_);
    if (dice < 40) return count_up(large_, last_large_);
    if (dice < 49) return count_up_element();
    if (dice < 58) return change_entries();
    if (dice < 68) return transfer();
    if (dice < 74) return edit_in_bulk();
    if (dice < 90) return enter_mutex();
    if (dice < 93) return use_briefly();
    if (dice < 96) return come_and_go();
    if (dice < 98) return use_what_is_taken_by_force();
    fork_one();
  }

  /// Where a death or a pause is worst: makes it likely there.
  void linger() {
    if (any(4) != 0) return;
    for (unsigned pauses = any(20000); pauses > 0; --pauses) shm::detail::pause_briefly();
    if (any(4) == 0) std::this_thread::yield();
  }

  unsigned any(unsigned below) { return static_cast<unsigned>(random_() % below); }

  template <class T>
  void check_value(const shm::object<T>& object, std::uint64_t& last) {
    const std::uint64_t before = object.version();
    const T seen = object.load();
    const std::uint64_t after = object.version();
    book_.reads.fetch_add(1, std::memory_order_relaxed);
    if (!seen.is_whole()) return violated(book_.found.torn);
    // Every update adds one, so a value is the number of the version that it was published as.
    if (seen.value() < before || seen.value() > after) violated(book_.found.lost);
    if (seen.value() < last) violated(book_.found.backwards);
    last = seen.value();
  }

  template <class T>
  void count_up(shm::object<T>& object, std::uint64_t& last) {
    check_value(object, last);
    object.update([this](T& v) {
      if (!v.is_whole()) violated(book_.found.torn);
      linger();
      v = T::of(v.value() + 1);
    });
    check_value(object, last);
  }

  void count_up_element() {
    const std::size_t i = any(counters);
    counting_.update(i, [](small& v) { v = small::of(v.value() + 1); });
    const std::size_t j = any(counters);
    const small seen = counting_.load(j);
    book_.reads.fetch_add(1, std::memory_order_relaxed);
    if (!seen.is_whole()) return violated(book_.found.torn);
    if (seen.value() < last_element_[j]) violated(book_.found.backwards);
    last_element_[j] = seen.value();
  }

  /// The value of an entry tells its key.
  void change_entries() {
    const std::uint64_t key = any(keys);
    const auto next = [&](small& v) {
      check_entry(key, v);
      linger();
      v = small::of(v.value() + keys);
    };
    switch (any(5)) {
      case 0: by_key_.erase(key); break;
      case 1: by_key_.insert_or_assign(key, small::of(key)); break;
      default:
        if (!by_key_.update(key, next)) by_key_.insert(key, small::of(key));
    }
    const std::uint64_t other = any(keys);
    if (const auto found = by_key_.find(other)) check_entry(other, *found);
    look_at_all_entries();
  }

  void look_at_all_entries() {
    const std::uint64_t version = by_key_.version();
    const std::size_t size = by_key_.size();
    const auto entries = by_key_.snapshot();
    if (version < last_map_version_) violated(book_.found.backwards);
    last_map_version_ = version;
    std::bitset<keys> seen;
    for (const auto& [key, v] : entries) {
      check_entry(key, v);
      if (key >= keys || seen[key]) return violated(book_.found.torn);
      seen.set(key);
    }
    if (by_key_.version() == version && entries.size() != size) violated(book_.found.lost);
  }

  void check_entry(std::uint64_t key, const small& v) {
    book_.reads.fetch_add(1, std::memory_order_relaxed);
    if (!v.is_whole() || v.value() % keys != key) violated(book_.found.torn);
  }

  /// What one account loses another gets; only a death in between may be seen, and is told.
  void transfer() {
    auto guard = bank_.lock();
    std::int64_t sum = 0;
    for (const std::int64_t balance : guard) sum += balance;
    constexpr std::int64_t right = in_each_account * static_cast<std::int64_t>(accounts);
    if (guard.owner_died()) {
      book_.recoveries.fetch_add(1, std::memory_order_relaxed);
      guard.store(0, guard[0] + right - sum);
      guard.mark_repaired();
    } else if (sum != right) {
      violated(book_.found.untold);
    }
    const std::size_t from = any(accounts), to = any(accounts);
    guard.store(from, guard[from] - 1);
    linger();
    guard.store(to, guard[to] + 1);
  }

  void edit_in_bulk() {
    if (any(3) != 0) {
      try {
        const small seen = bulk_.load(any(accounts));
        if (!seen.is_whole()) violated(book_.found.torn);
      } catch (const shm::error& refusal) {
        if (refusal.code() != shm::errc::damaged) throw;
      }
      return;
    }
    auto guard = bulk_.lock();
    if (guard.owner_died()) {
      book_.recoveries.fetch_add(1, std::memory_order_relaxed);
      for (std::size_t i = 0; i < accounts; ++i) guard.store(i, small::of(i));
      guard.mark_repaired();
    }
    for (const small& v : guard) {
      if (!v.is_whole()) violated(book_.found.untold);
    }
    const std::uint64_t next = random_();
    const auto elements = guard.raw();
    elements[0] = small::of(next);
    linger();
    for (small& v : elements) v = small::of(next);
  }

  void enter_mutex() {
    if (any(2) == 0) {
      mutex_.lock();  // without a deadline: must never sleep beside a free lock
    } else if (!mutex_.try_lock_for(std::chrono::microseconds(any(300)))) {
      return;
    }
    const std::uint64_t first = book_.first.load(std::memory_order_relaxed);
    if (mutex_.owner_died()) {
      book_.recoveries.fetch_add(1, std::memory_order_relaxed);
      book_.inside.store(0, std::memory_order_relaxed);
      book_.second.store(first, std::memory_order_relaxed);
      mutex_.mark_repaired();
    }
    if (book_.inside.exchange(1, std::memory_order_relaxed) != 0) violated(book_.found.shared);
    if (book_.second.load(std::memory_order_relaxed) != first) violated(book_.found.untold);
    book_.first.store(first + 1, std::memory_order_relaxed);
    linger();
    book_.second.store(first + 1, std::memory_order_relaxed);
    if (book_.inside.exchange(0, std::memory_order_relaxed) != 1) violated(book_.found.shared);
    mutex_.unlock();
  }

  void use_briefly() {
    shm::object<small> brief(world_.brief, until_last_detach());
    brief.update([](small& v) { v = small::of(v.value() + 1); });
    if (!brief.load().is_whole()) violated(book_.found.torn);
  }

  /// A removal that is not forced must never take it away from somebody.
  void come_and_go() {
    try {
      switch (any(5)) {
        case 0: return shm::remove(world_.coming_and_going);
        case 1: return use(shm::object<small>(shm::create_only, world_.coming_and_going));
        case 2: return use(shm::object<small>(shm::open_only, world_.coming_and_going));
        case 3: return read(shm::object<const small>(world_.coming_and_going));
        default: return use(shm::object<small>(world_.coming_and_going));
      }
    } catch (const shm::error& refusal) {
      if (refusal.code() != shm::errc::in_use && refusal.code() != shm::errc::already_exists &&
          refusal.code() != shm::errc::not_found) {
        throw;
      }
    }
  }

  void use_what_is_taken_by_force() {
    try {
      if (any(4) == 0) return shm::remove(world_.taken_by_force, shm::force);
      use(shm::object<small>(world_.taken_by_force));
    } catch (const shm::error& refusal) {
      if (refusal.code() != shm::errc::removed) throw;
    }
  }

  void use(shm::object<small>&& object) {
    std::uint64_t last = 0;
    for (unsigned i = any(20); i > 0; --i) count_up(object, last);
  }
  void read(shm::object<const small>&& object) {
    for (unsigned i = any(20); i > 0; --i) {
      if (!object.load().is_whole()) violated(book_.found.torn);
    }
  }

  /// The child sits down on its own seat; sometimes it is killed there.
  void fork_one() {
    support::child child([this] {
      for (int i = 0; i < 3; ++i) {
        count_up(small_, last_small_);
        count_up_element();
        change_entries();
        transfer();
        enter_mutex();
      }
      return 0;
    });
    if (any(2) == 0) return child.kill();
    const int status = child.wait();
    if (status != 0) throw std::runtime_error("a child ended with " + std::to_string(status));
  }

  world& world_;
  ledger& book_;
  unsigned slot_;
  std::minstd_rand random_;
  shm::object<small> small_;
  shm::object<middle> middle_;
  shm::object<large> large_;
  shm::array<small, counters> counting_;
  shm::array<std::int64_t, accounts> bank_;
  shm::array<small, accounts> bulk_;
  small_by_key by_key_;
  shm::mutex mutex_;
  std::uint64_t last_small_ = 0, last_middle_ = 0, last_large_ = 0, last_map_version_ = 0;
  std::array<std::uint64_t, counters> last_element_{};
};

/// A process that may only read.
class reader {
 public:
  reader(world& w, unsigned slot)
      : book_(*w.book),
        slot_(slot),
        small_(w.object_small),
        large_(w.object_large),
        counting_(w.counting),
        by_key_(w.by_key) {}

  [[noreturn]] void run() {
    for (std::size_t i = 0;; i = (i + 1) % counters) {
      check(small_.load(), last_small_);
      check(large_.load(), last_large_);
      check(counting_.load(i), last_element_[i]);
      check_map(i % keys);
      book_.actions.fetch_add(1, std::memory_order_relaxed);
      book_.progress[slot_].fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  template <class T>
  void check(const T& seen, std::uint64_t& last) {
    book_.reads.fetch_add(1, std::memory_order_relaxed);
    if (!seen.is_whole()) return violated(book_.found.torn);
    if (seen.value() < last) violated(book_.found.backwards);
    last = seen.value();
  }

  void check_map(std::uint64_t key) {
    const std::uint64_t before = by_key_.version();
    const auto found = by_key_.find(key);
    const std::size_t size = by_key_.size();
    book_.reads.fetch_add(1, std::memory_order_relaxed);
    if (found && (!found->is_whole() || found->value() % keys != key)) violated(book_.found.torn);
    if (before < last_map_version_) violated(book_.found.backwards);
    last_map_version_ = before;
    if (by_key_.version() == before && found && size == 0) violated(book_.found.lost);
  }

  ledger& book_;
  unsigned slot_;
  shm::object<const small> small_;
  shm::object<const large> large_;
  shm::array<const small, counters> counting_;
  shm::map<std::uint64_t, const small, keys> by_key_;
  std::uint64_t last_small_ = 0, last_large_ = 0, last_map_version_ = 0;
  std::array<std::uint64_t, counters> last_element_{};
};

}  // namespace chaos
