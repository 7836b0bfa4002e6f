// Semaphore set: the kernel as janitor; from semget to IPC_RMID, one semop per function.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <ctime>
#include <vector>

#include "../base/deadline.hpp"
#include "ownership.hpp"
#include "result.hpp"

namespace shm::detail {

/// The semaphores of a set. All zeros is the valid resting state, so a new set needs no
/// initialisation. SETVAL and SETALL are never used: they erase other processes' undo records.
namespace semaphore {
inline constexpr unsigned short door = 0;  // 1 while one process creates, joins or removes
inline constexpr unsigned short wake = 1;  // tokens for sleepers on the lock
inline constexpr unsigned short raw = 2;   // 1 while somebody edits an array in place
inline constexpr unsigned short mark = 3;  // 0, or the value that says that this set is ours
// 4 and 5 are reserved for waiting on changes
inline constexpr unsigned short first_seat = 6;  // ≥ 1 while the handle that sits there lives
inline constexpr short mark_value = 0x5348;      // "SH"
}  // namespace semaphore

struct set_status {
  unsigned semaphores = 0;
  bool never_used = false;  ///< no semop yet since it was created
  ownership owner;
};

/// Names a set; owns nothing (see made_here.hpp). EINTR is never returned: calls go on with the
/// time that is left. EAGAIN: not now, or the deadline passed. EIDRM and EINVAL: the set is gone.
class semaphore_set {
 public:
  semaphore_set() = default;
  explicit semaphore_set(int id) noexcept : id_(id) {}

  static result<semaphore_set> find(key_t key) noexcept { return of(::semget(key, 0, 0)); }

  /// Fails with EEXIST when the key is taken. IPC_PRIVATE makes one without a key.
  static result<semaphore_set> create(key_t key, unsigned seats, unsigned mode) noexcept {
    return of(::semget(key, static_cast<int>(semaphore::first_seat + seats),
                       IPC_CREAT | IPC_EXCL | static_cast<int>(mode)));
  }

  int id() const noexcept { return id_; }

  result<set_status> stat() const noexcept {
    semid_ds data{};
    argument where;
    where.status = &data;
    if (::semctl(id_, 0, IPC_STAT, where) == -1) return {{}, errno};
    return {
        {static_cast<unsigned>(data.sem_nsems), data.sem_otime == 0, ownership::of(data.sem_perm)},
        0};
  }

  result<int> value(unsigned short which) const noexcept { return control(which, GETVAL); }

  /// The process that last changed that semaphore: only ever to be shown to people, or compared
  /// with this very process.
  result<int> last_process(unsigned short which) const noexcept { return control(which, GETPID); }

  result<std::vector<unsigned short>> values(unsigned semaphores) const {
    result<std::vector<unsigned short>> all{std::vector<unsigned short>(semaphores), 0};
    argument where;
    where.values = all.value.data();
    if (::semctl(id_, 0, GETALL, where) == -1) all.error_number = errno;
    return all;
  }

  status put_mark() const noexcept {
    return run({{semaphore::mark, 0, IPC_NOWAIT}, {semaphore::mark, semaphore::mark_value, 0}});
  }

  status enter_door(const deadline& until) const noexcept {
    return run({{semaphore::door, 0, 0}, {semaphore::door, +1, SEM_UNDO}}, until);
  }
  status leave_door() const noexcept { return run({{semaphore::door, -1, undo_now}}); }
  status wait_until_door_is_free(const deadline& until) const noexcept {
    return run({{semaphore::door, 0, 0}}, until);
  }

  /// Leaves `wake` as it is now, and makes the kernel post one wake token when this process dies.
  status take_seat(unsigned seat) const noexcept {
    return run({{index(seat), 0, IPC_NOWAIT},
                {index(seat), +1, SEM_UNDO},
                {semaphore::wake, +1, IPC_NOWAIT},
                {semaphore::wake, -1, undo_now}});
  }
  /// Takes back all that take_seat() did.
  status leave_seat(unsigned seat) const noexcept {
    return run({{index(seat), -1, undo_now},
                {semaphore::wake, +1, undo_now},
                {semaphore::wake, -1, IPC_NOWAIT}});
  }
  /// The same, and leaves the wake token behind for whoever sleeps: as a death does.
  status leave_seat_and_post(unsigned seat) const noexcept {
    return run({{index(seat), -1, undo_now}, {semaphore::wake, +1, undo_now}});
  }

  /// One token is enough however many sleep: whoever takes it passes it on. EAGAIN: there is one.
  status post_wake_token() const noexcept {
    return run({{semaphore::wake, 0, IPC_NOWAIT}, {semaphore::wake, +1, IPC_NOWAIT}});
  }
  status take_wake_token(const deadline& until) const noexcept {
    return run({{semaphore::wake, -1, 0}}, until);
  }
  status drain_wake_tokens(int surplus) const noexcept {
    return run({{semaphore::wake, static_cast<short>(-surplus), IPC_NOWAIT}});
  }

  status begin_raw_edit() const noexcept { return run({{semaphore::raw, +1, undo_now}}); }
  status end_raw_edit() const noexcept { return run({{semaphore::raw, -1, undo_now}}); }
  status wait_until_no_raw_edit(const deadline& until) const noexcept {
    return run({{semaphore::raw, 0, 0}}, until);
  }

  status remove() const noexcept { return status::of(::semctl(id_, 0, IPC_RMID)); }

 private:
  static constexpr short undo_now = SEM_UNDO | IPC_NOWAIT;

  union argument {  // semctl's fourth argument, which callers have to define
    int number;
    semid_ds* status;
    unsigned short* values;
  };

  static result<semaphore_set> of(int id) noexcept {
    if (id == -1) return {{}, errno};
    return {semaphore_set(id), 0};
  }

  static unsigned short index(unsigned seat) noexcept {
    return static_cast<unsigned short>(semaphore::first_seat + seat);
  }

  result<int> control(unsigned short which, int command) const noexcept {
    const int value = ::semctl(id_, which, command);
    if (value == -1) return {0, errno};
    return {value, 0};
  }

  template <std::size_t Count>
  status run(const sembuf (&steps)[Count],
             const deadline& until = deadline::never()) const noexcept {
    sembuf operations[Count];  // semop takes them as not const
    for (std::size_t i = 0; i < Count; ++i) operations[i] = steps[i];
    for (;;) {
      timespec left{};
      if (!until.is_never()) left = to_timespec(until.remaining());
      const status done =
          status::of(::semtimedop(id_, operations, Count, until.is_never() ? nullptr : &left));
      if (done.error_number != EINTR) return done;
    }
  }

  static timespec to_timespec(std::chrono::nanoseconds span) noexcept {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(span);
    timespec time{};
    time.tv_sec = static_cast<std::time_t>(whole.count());
    time.tv_nsec = static_cast<long>((span - whole).count());
    return time;
  }

  int id_ = -1;
};

}  // namespace shm::detail
