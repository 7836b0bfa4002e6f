// Inspect: what an object tells of itself and its users to a process that may read it.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "lifecycle/find.hpp"
#include "lifecycle/seat.hpp"
#include "os/census.hpp"
#include "store/run_time_type.hpp"
#include "sync/lock_word.hpp"

namespace shm {

enum class object_kind { unknown, object, array, mutex, map, semaphore };
enum class object_state { ready, half_made, removing, removed };
enum class lock_state { unknown, free, held, owner_died };

/// A read-write handle that is open. The process is 0 if it is in another PID namespace.
struct seat_info {
  unsigned seat;
  int process;
};

struct object_info {
  std::string name;  ///< as it is stored; any bytes but NUL
  int key = 0;
  int segment_id = -1;
  int set_id = -1;  ///< -1: it has no semaphore set
  object_kind kind = object_kind::unknown;
  object_state state = object_state::half_made;
  std::string format;         ///< of the schema
  std::string notes;          ///< of the schema
  std::size_t size = 0;       ///< bytes of the value, of all elements together
  std::size_t count = 0;      ///< elements, room in a map, permits; 1 of an object, 0 of a mutex
  std::size_t entries = 0;    ///< of a map
  std::size_t available = 0;  ///< permits of a semaphore that are free; 0 without a set
  std::size_t segment_size = 0;
  unsigned mode = 0;
  unsigned owner = 0;          ///< user id
  unsigned creator = 0;        ///< user id
  unsigned group = 0;          ///< group id
  unsigned creator_group = 0;  ///< group id
  unsigned long attached = 0;  ///< how often, over all processes
  unsigned most_seats = 0;
  std::vector<seat_info> seats;  ///< taken ones
  lock_state lock = lock_state::unknown;
  int lock_process = 0;       ///< 0: unknown
  unsigned lock_thread = 0;   ///< in the PID namespace of the holder
  bool needs_repair = false;  ///< a holder died, and nobody has called mark_repaired()
  std::uint64_t version = 0;  ///< values published; of an array, elements stored
  bool until_last_detach = false;
  std::time_t changed = 0;  ///< made, or given another mode or owner
  std::string problem;      ///< why it cannot be read as a whole; "" when it can
};

namespace detail {

class inspection {
 public:
  /// Adds what it tells, unless it is not of this library, may not be read, or is gone.
  static void add(const counted_segment& seen, std::vector<object_info>& into) {
    if (key::is_reserved(seen.key)) return;
    inspection look(seen);
    if (!look.attach()) return;
    look.read();
    into.push_back(std::move(look.info_));
  }

 private:
  explicit inspection(const counted_segment& seen) : key_(key::from_value(seen.key)) {
    info_.key = seen.key;
    info_.segment_id = seen.id;
    info_.segment_size = seen.size;
    info_.mode = seen.owner.mode;
    info_.owner = seen.owner.owner;
    info_.creator = seen.owner.creator;
    info_.group = seen.owner.group;
    info_.creator_group = seen.owner.creator_group;
    info_.attached = seen.attached;
    info_.changed = seen.changed;
  }

  /// Attaches it only if it is likely to be ours: some programs refuse to start while anybody is
  /// attached to their old segment.
  bool attach() {
    find_set();
    const bool is_likely =
        set_ ? !set_->is_new : segment_layout::has_size_of_ours(info_.segment_size);
    if (!is_likely) return false;
    subject about{key_.name(), info_.key};
    try {
      if (look_at_segment(key_, found_, about) != looking::there) return false;
    } catch (const error& refusal) {
      if (is_by_sandbox(refusal)) throw;
      return false;  // may not be read, or has no memory
    }
    if (about.segment_id != info_.segment_id) return false;
    const life_word word = life_of(head());
    if (word.is_blank() ? !set_ : !word.is_ours()) return false;
    note(word.state());
    return true;
  }

  void note(life_state state) {
    switch (state) {
      case life_state::ready: info_.state = object_state::ready; return;
      case life_state::removing: info_.state = object_state::removing; return;
      case life_state::removed: info_.state = object_state::removed; return;
      case life_state::under_construction: return;
      case life_state::blank:
        info_.problem =
            "nothing is written in it: its creator died at its first step, or it is another "
            "program's";
        return;
    }
    info_.problem = "its state makes no sense: somebody scribbled over it";
  }

  void find_set() {
    try {
      subject about{key_.name(), info_.key};
      set_ = detail::find_set({key_, access::everyone, purpose::read}, about);
    } catch (const error& refusal) {
      info_.problem = refusal.what();
    }
    if (set_) info_.set_id = set_->set.id();
  }

  void read() {
    if (info_.state == object_state::half_made) return;
    const subject about{key_.name(), info_.key, info_.segment_id, info_.set_id};
    try {
      const auto facts = verified_description::read(head(), found_.before.size, key_, about);
      info_.name = facts.name();
      info_.most_seats = facts.seats();
      info_.until_last_detach = facts.until_last_detach();
      read_value(facts, about);
      if (!key_.may_be_called(info_.name)) info_.problem = "its name does not lead to its key";
      if (set_) read_users(facts, about);
    } catch (const error& refusal) {
      info_.problem = refusal.what();
    }
  }

  void read_value(const verified_description& facts, const subject& about) {
    const run_time_type held = run_time_type::in(head(), facts, about);
    info_.format = held.type.format();
    info_.notes = held.type.notes();
    info_.size = held.count * held.element_size;
    info_.count = held.count;
    // Relaxed throughout: numbers for people, of about now.
    const std::uint32_t section = head().section.load(std::memory_order_relaxed);
    info_.needs_repair = (section & section_bit::owner_died) != 0;
    switch (held.kind) {
      case segment_kind::object:
        info_.kind = object_kind::object;
        info_.version = head().version.load(std::memory_order_relaxed);
        break;
      case segment_kind::array: {
        info_.kind = object_kind::array;
        const auto* payload = found_.memory.address() + facts.payload_offset();
        const run_time_array_memory<const std::byte> memory(payload, held.array_shape(), held.count,
                                                            held.element_size);
        info_.version = journalled_array_view(memory).stores();
        break;
      }
      case segment_kind::map: {
        info_.kind = object_kind::map;
        const auto* payload = found_.memory.address() + facts.payload_offset();
        const run_time_table_memory<const std::byte> memory(payload, held.table_shape());
        info_.entries = table_about_now(memory).entries(held.count);
        info_.version = table_about_now(memory).version(head().version);
        break;
      }
      case segment_kind::mutex: info_.kind = object_kind::mutex; break;
      case segment_kind::semaphore:
        info_.kind = object_kind::semaphore;
        info_.count = facts.permits();
        break;
    }
  }

  void read_users(const verified_description& facts, const subject& about) {
    const seats users(head(), facts.seats(), set_->set.with_mark(life_of(head()).mark()));
    for (unsigned seat = 0; seat < users.count(); ++seat) {
      if (users.is_taken(seat)) info_.seats.push_back({seat, users.process_on(seat)});
    }
    if (facts.permits() != 0) {
      info_.available = static_cast<std::size_t>(set_->set.value(semaphore::permits).value);
    }
    const lock_word holder(head().lock.load(std::memory_order_relaxed));
    if (holder.is_free()) {
      info_.lock = lock_state::free;
      return;
    }
    info_.lock_thread = holder.thread();
    switch (users.judge(holder.holder(), about)) {
      case seat_verdict::alive: info_.lock = lock_state::held; break;
      case seat_verdict::dead: info_.lock = lock_state::owner_died; return;
      case seat_verdict::set_is_gone: return;  // only a set that the object does not name is there
    }
    const unsigned its_seat = holder.holder().seat();
    if (users.is_taken(its_seat)) info_.lock_process = users.process_on(its_seat);
  }

  const header& head() const noexcept { return found_.head(); }

  key key_;
  object_info info_;
  attached_segment found_;
  std::optional<found_set> set_;
};

}  // namespace detail

/// Returns all objects of this library in this IPC namespace that this user may read. Never blocks.
/// Modifies no byte and no semaphore. Attaches for a moment each segment that is likely to be an
/// object: the kernel notes that in the times of the segment, and counts it as attached meanwhile;
/// a child that another thread forks does not inherit it. Segments of other programs are attached
/// only if they have a size that ends in 8 beyond a multiple of 64. Throws shm::error with the
/// kernel's errno.
inline std::vector<object_info> list() {
  const detail::result<std::vector<detail::counted_segment>> all = detail::census::segments();
  if (!all.ok()) {
    throw error(std::error_code(all.error_number, std::system_category()),
                "shm: list: shmctl(SHM_STAT_ANY): " + detail::refused_by_sandbox(all.error_number));
  }
  std::vector<object_info> ours;
  for (const detail::counted_segment& one : all.value) detail::inspection::add(one, ours);
  return ours;
}

}  // namespace shm
