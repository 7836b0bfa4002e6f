// Semaphore set: the kernel as janitor; from semget to IPC_RMID, one semop per function.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/types.h>

#include <array>
#include <cstddef>

#include "../base/deadline.hpp"
#include "ownership.hpp"
#include "result.hpp"
#include "set_values.hpp"
#include "timespec.hpp"

namespace shm::detail {

struct set_status {
  unsigned semaphores = 0;
  bool never_used = false;  ///< no semop since the set was created
  ownership owner;
};

/// Names a set; owns nothing. EINTR is never returned: calls go on with the time that is left.
/// EAGAIN: not now, or the deadline passed. EIDRM and EINVAL: the set is gone.
///
/// If the mark is known, calls that change a semaphore and never wait prove first, in the same
/// semop, that the id still names the set with that mark. If it does not, they fail with EAGAIN.
/// The calls that wait prove nothing: the caller compares the mark, after entering the door, and
/// before each wait for a token.
class semaphore_set {
 public:
  semaphore_set() = default;
  semaphore_set(int id, unsigned semaphores, set_mark mark) noexcept
      : id_(id), semaphores_(semaphores), mark_(mark) {}

  static result<semaphore_set> find(key_t key) noexcept { return of(::semget(key, 0, 0), 0); }

  /// Fails with EEXIST when the key is taken.
  static result<semaphore_set> create(key_t key, unsigned seats, unsigned mode) noexcept {
    const unsigned semaphores = semaphore::first_seat + seats;
    return of(
        ::semget(key, static_cast<int>(semaphores), IPC_CREAT | IPC_EXCL | static_cast<int>(mode)),
        semaphores);
  }

  semaphore_set with_mark(set_mark mark) const noexcept { return {id_, semaphores_, mark}; }
  semaphore_set with_semaphores(unsigned number) const noexcept { return {id_, number, mark_}; }

  int id() const noexcept { return id_; }
  set_mark mark() const noexcept { return mark_; }
  unsigned semaphores() const noexcept { return semaphores_; }
  unsigned seats() const noexcept { return semaphores_ - semaphore::first_seat; }

  result<set_status> stat() const noexcept {
    semid_ds data{};
    argument where;
    where.status = &data;
    if (::semctl(id_, 0, IPC_STAT, where) == -1) return {{}, errno};
    return {
        {static_cast<unsigned>(data.sem_nsems), data.sem_otime == 0, ownership::of(data.sem_perm)},
        0};
  }

  /// IPC_SET: owner, group and mode become those given.
  status give_to(const ownership& whom) const noexcept {
    semid_ds data{};
    data.sem_perm.uid = whom.owner;
    data.sem_perm.gid = whom.group;
    data.sem_perm.mode = static_cast<decltype(data.sem_perm.mode)>(whom.mode);
    argument where;
    where.status = &data;
    return status::of(::semctl(id_, 0, IPC_SET, where));
  }

  /// Asks the kernel whether this user may remove the set, as segment::may_remove() does. EPERM:
  /// no. Precondition: the set is there.
  status may_remove() const noexcept {
    constexpr auto no_id = static_cast<uid_t>(-1);
    const status refused = give_to({no_id, no_id, no_id, no_id, 0});
    return refused.error_number == EINVAL ? status{} : refused;
  }

  result<int> value(unsigned short which) const noexcept { return control(which, GETVAL); }

  /// The process that last changed that semaphore: only ever to be shown to people, or compared
  /// with this very process.
  result<int> last_process(unsigned short which) const noexcept { return control(which, GETPID); }

  result<set_values> values() const noexcept {
    result<set_values> found;
    argument where;
    where.values = found.value.allocate(semaphores_);
    if (where.values == nullptr) {
      found.error_number = ENOMEM;
    } else if (::semctl(id_, 0, GETALL, where) == -1) {
      found.error_number = errno;
    }
    return found;
  }

  /// Whether the id still names the set with this mark.
  result<bool> is_itself() const noexcept {
    const result<int> low = value(semaphore::mark_low);
    if (!low.ok()) return {false, low.error_number};
    const result<int> high = value(semaphore::mark_high);
    if (!high.ok()) return {false, high.error_number};
    const set_mark found = mark_of(low.value, high.value);
    return {found == mark_, 0};
  }

  /// EAGAIN: it says so already.
  status say_ours() const noexcept {
    return run({{semaphore::ours, 0, IPC_NOWAIT}, {semaphore::ours, semaphore::ours_value, 0}});
  }
  /// EAGAIN: it has one already. The low part must not be 0.
  status put_mark(set_mark mark) const noexcept {
    return run({{semaphore::mark_low, 0, IPC_NOWAIT},
                {semaphore::mark_low, low_part(mark), IPC_NOWAIT},
                {semaphore::mark_high, high_part(mark), IPC_NOWAIT}});
  }

  /// `program`, 1 to 32767, tells a program from the one before an exec.
  status enter_door(short program, const deadline& until) const noexcept {
    return run({{semaphore::door, 0, 0}, {semaphore::door, program, SEM_UNDO}}, until);
  }
  status try_enter_door(short program) const noexcept {
    return run({{semaphore::door, 0, IPC_NOWAIT}, {semaphore::door, program, SEM_UNDO}});
  }
  /// EAGAIN: that program is not inside.
  status leave_door(short program) const noexcept {
    return run_proven({{semaphore::door, static_cast<short>(-program), undo_now},
                       {semaphore::door, 0, IPC_NOWAIT}});
  }
  status wait_until_zero(unsigned short which, const deadline& until) const noexcept {
    return run({{which, 0, 0}}, until);
  }

  /// Takes the seat. Leaves `wake` unchanged, and makes the kernel post one wake token when this
  /// process dies.
  status take_seat(unsigned seat) const noexcept {
    return run_proven({{index(seat), 0, IPC_NOWAIT},
                       {index(seat), +1, SEM_UNDO},
                       {semaphore::wake, +1, IPC_NOWAIT},
                       {semaphore::wake, -1, undo_now}});
  }
  /// Does what the kernel does for a dead process: frees the seat and posts a wake token.
  status leave_seat(unsigned seat) const noexcept {
    return run_proven({{index(seat), -1, undo_now}, {semaphore::wake, +1, undo_now}});
  }

  /// One token is enough however many sleep: a waiter that takes it passes it on. EAGAIN: there is
  /// one.
  status post_wake_token() const noexcept {
    return run_proven({{semaphore::wake, 0, IPC_NOWAIT}, {semaphore::wake, +1, IPC_NOWAIT}});
  }
  status take_wake_token(const deadline& until) const noexcept {
    return run({{semaphore::wake, -1, 0}}, until);
  }
  /// Always leaves one: it may be meant for a process that is about to sleep.
  status drain_wake_tokens(int surplus) const noexcept {
    return run_proven({{semaphore::wake, static_cast<short>(-surplus - 1), IPC_NOWAIT},
                       {semaphore::wake, +1, IPC_NOWAIT}});
  }

  status begin_raw_edit() const noexcept { return run_proven({{semaphore::raw, +1, undo_now}}); }
  status end_raw_edit() const noexcept { return run_proven({{semaphore::raw, -1, undo_now}}); }

  /// Makes `wanted` permits free where `seen` are. EAGAIN: another number is.
  status put_permits(unsigned seen, unsigned wanted) const noexcept {
    return run_proven(
        {{semaphore::permits, static_cast<short>(-static_cast<int>(seen)), IPC_NOWAIT},
         {semaphore::permits, 0, IPC_NOWAIT},
         {semaphore::permits, static_cast<short>(wanted), IPC_NOWAIT}});
  }
  /// The kernel gives the permit back when this process ends. EAGAIN: none is free.
  status try_take_permit() const noexcept {
    return run_proven({{semaphore::permits, -1, undo_now}});
  }
  status take_permit(const deadline& until) const noexcept {
    return run({{semaphore::permits, -1, SEM_UNDO}}, until);
  }
  status give_permit() const noexcept { return run_proven({{semaphore::permits, +1, undo_now}}); }

  status remove() const noexcept { return status::of(::semctl(id_, 0, IPC_RMID)); }

 private:
  static constexpr short undo_now = SEM_UNDO | IPC_NOWAIT;

  union argument {  // semctl's fourth argument, which callers have to define
    int number;
    semid_ds* status;
    unsigned short* values;
  };

  static result<semaphore_set> of(int id, unsigned semaphores) noexcept {
    if (id == -1) return {{}, errno};
    return {{id, semaphores, 0}, 0};
  }

  static unsigned short index(unsigned seat) noexcept {
    return static_cast<unsigned short>(semaphore::first_seat + seat);
  }

  result<int> control(unsigned short which, int command) const noexcept {
    const int value = ::semctl(id_, which, command);
    if (value == -1) return {0, errno};
    return {value, 0};
  }

  /// Runs the proof, and then the steps; all or nothing. Half of the mark is enough here: it keeps
  /// changes of this process out of other sets, and decides nothing.
  template <std::size_t Count>
  status run_proven(const sembuf (&steps)[Count]) const noexcept {
    if (mark_ == 0) return run(steps);
    const short low = low_part(mark_);
    std::array<sembuf, 3 + Count> all{{{semaphore::mark_low, static_cast<short>(-low), IPC_NOWAIT},
                                       {semaphore::mark_low, 0, IPC_NOWAIT},
                                       {semaphore::mark_low, low, IPC_NOWAIT}}};
    for (std::size_t i = 0; i < Count; ++i) all[3 + i] = steps[i];
    return run(all.data(), all.size(), deadline::never());
  }

  template <std::size_t Count>
  status run(const sembuf (&steps)[Count],
             const deadline& until = deadline::never()) const noexcept {
    sembuf operations[Count];  // semop takes them as not const
    for (std::size_t i = 0; i < Count; ++i) operations[i] = steps[i];
    return run(operations, Count, until);
  }

  status run(sembuf* operations, std::size_t count, const deadline& until) const noexcept {
    for (;;) {
      timespec left{};
      if (!until.is_never()) left = to_timespec(until.remaining());
      const status done =
          status::of(::semtimedop(id_, operations, count, until.is_never() ? nullptr : &left));
      if (done.error_number != EINTR) return done;
    }
  }

  int id_ = -1;
  unsigned semaphores_ = 0;
  set_mark mark_ = 0;
};

}  // namespace shm::detail
