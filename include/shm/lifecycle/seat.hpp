// Seat: the proof that a handle lives, kept by the kernel, with a generation that makes it unique.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../base/crash_point.hpp"
#include "../format/layout.hpp"
#include "../os/process.hpp"
#include "../os/refusals.hpp"

namespace shm::detail {

/// Generation and seat: who a handle is, among all that ever were. Never 0. The low 23 bits are
/// free for what goes along: the thread in the lock word, the process in the handle.
class seat_identity {
 public:
  static constexpr unsigned free_bits = 23;
  static constexpr unsigned seat_bits = 11;
  static constexpr std::uint32_t generation_mask = (1u << 30) - 1;

  seat_identity(std::uint32_t generation, unsigned seat) noexcept
      : bits_(std::uint64_t{generation} << (free_bits + seat_bits) | std::uint64_t{seat}
                                                                         << free_bits) {}

  /// From a word whose low bits hold something else.
  static seat_identity in(std::uint64_t word) noexcept {
    return seat_identity(word & ~((std::uint64_t{1} << free_bits) - 1));
  }

  std::uint64_t bits() const noexcept { return bits_; }
  std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> (free_bits + seat_bits));
  }
  unsigned seat() const noexcept {
    return static_cast<unsigned>(bits_ >> free_bits) & ((1u << seat_bits) - 1);
  }

 private:
  explicit seat_identity(std::uint64_t bits) noexcept : bits_(bits) {}

  std::uint64_t bits_;
};

enum class seat_verdict { alive, dead, set_is_gone };

/// Who sits on the seats of one object: the set's semaphores tell, and the entries in the segment's
/// header. Alters nothing; read permission is enough.
class seat_register {
 public:
  /// The header has `entries`, the set `semaphores` in all; a seat needs both. A set that was lost
  /// and made anew may have fewer than the header.
  seat_register(const header& head, unsigned entries, const semaphore_set& set,
                unsigned semaphores) noexcept
      : entries_of_(seats_of(head)),
        entries_(entries),
        set_(set),
        count_(std::min(entries, semaphores - semaphore::first_seat)) {}

  /// Once dead, dead for ever: nobody else is given that generation. An error is not a death.
  seat_verdict judge(seat_identity who, const subject& about) const {
    if (who.seat() >= entries_) {
      refuse(errc::corrupt, about,
             "the lock names seat " + std::to_string(who.seat()) + " of " +
                 std::to_string(entries_) +
                 ": somebody scribbled over the segment; remove it with shm::remove(name, "
                 "shm::force)");
    }
    if (who.seat() >= count_) return seat_verdict::dead;  // it sat in the set that was lost
    const result<int> taken = set_.value(index(who.seat()));
    if (!taken.ok()) {
      if (means_gone(taken.error_number)) return seat_verdict::set_is_gone;
      refuse_set_call("semctl(GETVAL)", taken.error_number, about);
    }
    // Acquire: pairs with sit_down(), although a missed change would only mean one more round.
    const std::uint32_t occupant = entry(who.seat()).generation.load(std::memory_order_acquire);
    return taken.value >= 1 && occupant == who.generation() ? seat_verdict::alive
                                                            : seat_verdict::dead;
  }

  /// The process on that seat, as the kernel tells it; nothing where nobody sits.
  std::optional<result<int>> occupant(unsigned seat) const noexcept {
    const result<int> taken = set_.value(index(seat));
    if (!taken.ok() || taken.value == 0) return std::nullopt;
    return set_.last_process(index(seat));
  }

  unsigned count() const noexcept { return count_; }

 private:
  static unsigned short index(unsigned seat) noexcept {
    return static_cast<unsigned short>(semaphore::first_seat + seat);
  }
  const seat_entry& entry(unsigned seat) const noexcept { return entries_of_[seat]; }

  const seat_entry* entries_of_;
  unsigned entries_;
  semaphore_set set_;
  unsigned count_;
};

/// The seats of one object, for read-write handles.
class seats {
 public:
  seats(header& head, unsigned entries, const semaphore_set& set, unsigned semaphores) noexcept
      : head_(&head),
        register_(head, entries, set, semaphores),
        set_(set),
        semaphores_(semaphores),
        count_(register_.count()) {}

  seat_verdict judge(seat_identity who, const subject& about) const {
    return register_.judge(who, about);
  }

  /// Inside the door. Nothing when the set is gone.
  std::optional<seat_identity> sit_down(const subject& about) const {
    const result<std::vector<unsigned short>> values = set_.values(semaphores_);
    if (!values.ok()) {
      if (means_gone(values.error_number)) return std::nullopt;
      refuse_set_call("semctl(GETALL)", values.error_number, about);
    }
    drain(values.value[semaphore::wake]);
    for (unsigned seat = 0; seat < count_; ++seat) {
      if (values.value[index(seat)] != 0 && !give_back_leftover(seat)) continue;
      const status taken = set_.take_seat(seat);
      if (taken.ok()) return occupy(seat);
      if (means_gone(taken.error_number)) return std::nullopt;
      if (taken.error_number != EAGAIN) refuse_set_call("semop(seat)", taken.error_number, about);
    }
    refuse(
        errc::no_free_seat, about,
        "all " + std::to_string(count_) + " seats are taken by " + occupants(set_, count_) +
            "; close handles that are not needed, read through shm::object<const T>, which needs "
            "no seat, or create the object with a larger options::seats");
  }

  /// Gives the seat back. `holding`: the handle dies with the lock, so whoever sleeps must be woken
  /// to find that out, as the kernel would do for a dead process.
  void leave(seat_identity who, bool holding) const noexcept {
    status left = leave_once(who.seat(), holding);
    if (left.error_number == ERANGE) {  // 32767 deaths and nobody slept: make room
      static_cast<void>(set_.drain_wake_tokens(1));
      left = leave_once(who.seat(), holding);
    }
    // Any other failure means that the set is gone, and the seat with it.
    static_cast<void>(left);
    crash_point("seat: left");
  }

  /// Whether anybody sits here but that one; 0 is nobody.
  bool anybody_but(std::uint64_t identity) const noexcept {
    for (unsigned seat = 0; seat < count_; ++seat) {
      if (identity != 0 && seat_identity::in(identity).seat() == seat) continue;
      const result<int> taken = set_.value(index(seat));
      if (taken.ok() && taken.value != 0) return true;
    }
    return false;
  }

  unsigned count() const noexcept { return count_; }

 private:
  static unsigned short index(unsigned seat) noexcept {
    return static_cast<unsigned short>(semaphore::first_seat + seat);
  }
  seat_entry& entry(unsigned seat) const noexcept { return seats_of(*head_)[seat]; }

  status leave_once(unsigned seat, bool holding) const noexcept {
    return holding ? set_.leave_seat_and_post(seat) : set_.leave_seat(seat);
  }

  seat_identity occupy(unsigned seat) const noexcept {
    crash_point("seat: taken");
    entry(seat).process.store(::getpid(), std::memory_order_relaxed);
    entry(seat).incarnation.store(process::incarnation(), std::memory_order_relaxed);
    // Relaxed: the door makes this the only one who counts.
    std::uint32_t generation = 0;
    while (generation == 0) {
      generation = (head_->last_generation.fetch_add(1, std::memory_order_relaxed) + 1) &
                   seat_identity::generation_mask;
    }
    crash_point("seat: generation drawn");
    // Release: whoever sees the generation sees the incarnation before it.
    entry(seat).generation.store(generation, std::memory_order_release);
    crash_point("seat: generation stored");
    // Whoever saw the entry of the occupant before took a dead owner for alive: let it look again.
    static_cast<void>(set_.post_wake_token());
    crash_point("seat: token posted");
    return {generation, seat};
  }

  /// Each death leaves a token. At 32767 nobody could sit down any more.
  void drain(int tokens) const noexcept {
    // Fails only when somebody took tokens meanwhile, which is as good.
    if (tokens > 1) static_cast<void>(set_.drain_wake_tokens(tokens - 1));
  }

  /// An exec keeps the undo records: a seat of this very process that another program took is
  /// nobody's.
  bool give_back_leftover(unsigned seat) const noexcept {
    const seat_entry& found = entry(seat);
    if (found.process.load(std::memory_order_relaxed) != ::getpid() ||
        found.incarnation.load(std::memory_order_relaxed) == process::incarnation()) {
      return false;
    }
    // The entry only says where to look; the kernel says whose it is.
    const result<int> pid = set_.last_process(index(seat));
    return pid.ok() && pid.value == ::getpid() && set_.leave_seat_and_post(seat).ok();
  }

  header* head_;
  seat_register register_;
  semaphore_set set_;
  unsigned semaphores_;
  unsigned count_;
};

}  // namespace shm::detail
