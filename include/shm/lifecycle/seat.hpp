// Seat: the proof that a handle lives, kept by the kernel, with a generation that makes it unique.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "../base/crash_point.hpp"
#include "../format/layout.hpp"
#include "../os/process.hpp"
#include "../os/refusals.hpp"
#include "door.hpp"

namespace shm::detail {

/// Generation and seat: they identify a handle among all that ever were. Never 0, unless
/// without a seat. The low 23 bits are free for other data: the thread in the lock word, the
/// process in the handle.
class seat_identity {
 public:
  static constexpr unsigned free_bits = 23;
  static constexpr unsigned seat_bits = 11;
  static constexpr std::uint32_t generation_mask = (1u << 30) - 1;

  /// Without a seat.
  seat_identity() = default;

  seat_identity(std::uint32_t generation, unsigned seat) noexcept
      : bits_(std::uint64_t{generation} << (free_bits + seat_bits) | std::uint64_t{seat}
                                                                         << free_bits) {}

  /// The identity in a word whose low bits hold something else.
  static seat_identity in(std::uint64_t word) noexcept {
    return seat_identity(word & ~((std::uint64_t{1} << free_bits) - 1));
  }

  bool has_seat() const noexcept { return bits_ != 0; }
  std::uint64_t bits() const noexcept { return bits_; }
  std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> (free_bits + seat_bits));
  }
  unsigned seat() const noexcept {
    return static_cast<unsigned>(bits_ >> free_bits) & ((1u << seat_bits) - 1);
  }

 private:
  explicit seat_identity(std::uint64_t bits) noexcept : bits_(bits) {}

  std::uint64_t bits_ = 0;
};

enum class seat_verdict { alive, dead, set_is_gone };

/// The seats of one object. The semaphores tell whether a seat is taken, and the entries in the
/// header tell by whom.
class seats {
 public:
  /// The header has `entries` seats, and each needs a semaphore, too. A set that was lost and made
  /// anew may have fewer than the header.
  seats(const header& head, unsigned entries, const semaphore_set& set) noexcept
      : entries_of_(seats_of(head)),
        entries_(entries),
        set_(set),
        count_(std::min(entries, set.seats())) {}

  unsigned count() const noexcept { return count_; }

  /// Never blocks. A dead owner never returns: nobody else is given its generation. An error is not
  /// a death.
  seat_verdict judge(seat_identity who, const subject& about) const {
    if (who.seat() >= entries_) {
      refuse(errc::corrupt, about,
             "the lock names seat " + std::to_string(who.seat()) + " of " +
                 std::to_string(entries_) +
                 ": somebody scribbled over the segment; remove it with shm::remove(name, "
                 "shm::force)");
    }
    // A seat that the set does not have was one of a set that was lost.
    bool alive = who.seat() < count_;
    if (alive) {
      const result<int> taken = set_.value(index(who.seat()));
      if (!taken.ok()) return gone(taken.error_number, about);
      // Acquire: pairs with sit_down(), although a missed change would only mean one more round.
      const std::uint32_t occupant =
          entries_of_[who.seat()].generation.load(std::memory_order_acquire);
      alive = taken.value >= 1 && occupant == who.generation();
    }
    if (alive) return seat_verdict::alive;
    // Of another set, which has the same id by now or in this IPC namespace, the value tells
    // nothing.
    const result<bool> same_set = set_.is_itself();
    if (!same_set.ok()) return gone(same_set.error_number, about);
    return same_set.value ? seat_verdict::dead : seat_verdict::set_is_gone;
  }

  /// Whether a live process, or a handle that was closed while it held the lock, holds it. Asks
  /// only what is known inside the door.
  bool is_lock_held(const header& head, const door& inside) const noexcept {
    // Relaxed: a handle that sits cannot be judged dead in here, and nobody sits down.
    const std::uint64_t word = head.lock.load(std::memory_order_relaxed);
    const seat_identity who = seat_identity::in(word);
    return word != 0 && who.seat() < count_ && inside.values()[index(who.seat())] != 0 &&
           entries_of_[who.seat()].generation.load(std::memory_order_acquire) == who.generation();
  }

  /// Returns false also if the set is gone.
  bool is_taken(unsigned seat) const noexcept {
    const result<int> taken = set_.value(index(seat));
    return taken.ok() && taken.value != 0;
  }

  /// The process on a seat that is taken, as the kernel tells it. 0 if it is not known.
  int process_on(unsigned seat) const noexcept { return set_.last_process(index(seat)).value; }

  /// Precondition: the caller is `inside` the door. Returns an identity without a seat if the set
  /// is gone.
  seat_identity sit_down(header& head, const door& inside, const subject& about) const {
    const unsigned given_back = give_back_leftovers(inside);
    for (unsigned seat = 0; seat < count_; ++seat) {
      if (inside.values()[index(seat)] != 0 && seat != given_back) continue;
      seat_entry& entry = seats_of(head)[seat];
      // Before the seat is taken: an exec of another thread may end this program in between, and
      // the next one has to find that the seat is its own process'.
      entry.process.store(::getpid(), std::memory_order_relaxed);
      crash_point("seat: process stored");
      status taken = set_.take_seat(seat);
      if (taken.error_number == ERANGE) {
        // 32767 tokens: make room. So many are left that nobody sleeps beside a free lock.
        static_cast<void>(set_.drain_wake_tokens(harmless_tokens));
        crash_point("seat: room made");
        taken = set_.take_seat(seat);
      }
      if (taken.ok()) {
        crash_point("seat: taken");
        return occupy(head, entry, seat, inside.values()[semaphore::wake]);
      }
      if (means_gone(taken.error_number)) return {};
      if (taken.error_number != EAGAIN) refuse_set_call("semop(seat)", taken.error_number, about);
    }
    if (!inside.is_held(about)) return {};
    refuse(
        errc::no_free_seat, about,
        "all " + std::to_string(count_) + " seats are taken by " + occupants(set_, count_) +
            "; close handles that are not needed, read through shm::object<const T>, which needs "
            "no seat, or create the object with a larger options::seats");
  }

  /// Always posts a token: a thread of this process may have been about to wake a waiter, and
  /// another process may wait for a lock that this handle was taken to hold.
  static void leave(const semaphore_set& set, unsigned seat) noexcept {
    // ERANGE: 32767 tokens, because nobody slept: make room.
    if (set.leave_seat(seat).error_number == ERANGE) {
      static_cast<void>(set.drain_wake_tokens(1));
      // Any other failure means that the set is gone, and the seat with it.
      static_cast<void>(set.leave_seat(seat));
    }
    crash_point("seat: left");
  }

 private:
  static constexpr int harmless_tokens = 8;  // each costs one sleeper one more look

  static unsigned short index(unsigned seat) noexcept {
    return static_cast<unsigned short>(semaphore::first_seat + seat);
  }

  static seat_verdict gone(int error_number, const subject& about) {
    if (means_gone(error_number)) return seat_verdict::set_is_gone;
    refuse_set_call("semctl(GETVAL)", error_number, about);
  }

  seat_identity occupy(header& head, seat_entry& entry, unsigned seat, int tokens) const noexcept {
    entry.incarnation.store(process::incarnation(), std::memory_order_relaxed);
    crash_point("seat: incarnation stored");
    // Relaxed: inside the door no other process draws a generation.
    std::uint32_t generation = 0;
    while (generation == 0) {
      generation = (head.last_generation.fetch_add(1, std::memory_order_relaxed) + 1) &
                   seat_identity::generation_mask;
    }
    crash_point("seat: generation drawn");
    // Release: a process that sees the generation sees the incarnation before it.
    entry.generation.store(generation, std::memory_order_release);
    crash_point("seat: generation stored");
    drain(tokens);
    // A waiter that saw the entry of the occupant before this one took a dead owner for alive. It
    // has to look again.
    static_cast<void>(set_.post_wake_token());
    crash_point("seat: token posted");
    return {generation, seat};
  }

  /// Removes surplus tokens. Deaths and closed handles leave tokens where nobody sleeps, and at
  /// 32767 nobody could sit down any more. But a token may be meant for a process that is about to
  /// sleep. So only a process that has a seat drains: it posts one token afterwards, and if it dies
  /// first, the kernel does.
  void drain(int tokens) const noexcept {
    if (tokens <= harmless_tokens) return;
    // EAGAIN: others took tokens meanwhile.
    static_cast<void>(set_.drain_wake_tokens(tokens - 1));
    crash_point("seat: tokens drained");
  }

  /// An exec keeps the undo records: a seat of this very process that another program took is
  /// unused, and so is a lock that it holds. Returns one of those seats, or count() if there is
  /// none.
  unsigned give_back_leftovers(const door& inside) const noexcept {
    unsigned given_back = count_;
    for (unsigned seat = 0; seat < count_; ++seat) {
      if (inside.values()[index(seat)] == 0) continue;
      const seat_entry& found = entries_of_[seat];
      const std::int32_t hint = found.process.load(std::memory_order_relaxed);
      // 0: taken while the object was being made, and the next creator cleared the header.
      if ((hint != 0 && hint != ::getpid()) ||
          found.incarnation.load(std::memory_order_relaxed) == process::incarnation()) {
        continue;
      }
      // The entry only says where to look; the kernel says whose it is.
      const result<int> pid = set_.last_process(index(seat));
      if (!pid.ok() || pid.value != ::getpid()) continue;
      leave(set_, seat);
      given_back = seat;
    }
    return given_back;
  }

  const seat_entry* entries_of_;
  unsigned entries_;
  semaphore_set set_;
  unsigned count_;
};

}  // namespace shm::detail
