// Census: every segment and every semaphore set of this IPC namespace, of every owner.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <vector>

#include "ownership.hpp"
#include "result.hpp"

namespace shm::detail {

struct counted_segment {
  int id = -1;
  key_t key = IPC_PRIVATE;
  std::size_t size = 0;
  unsigned long attached = 0;
  ownership owner;
  pid_t creator_process = 0;
  std::time_t changed = 0;  ///< created, or given another mode or owner
};

struct counted_set {
  int id = -1;
  key_t key = IPC_PRIVATE;
  unsigned semaphores = 0;
  ownership owner;
};

/// The kernel tells these without read permission, but not what is inside. An object that comes or
/// goes meanwhile may be missing; one that goes later is for the caller to find gone.
class census {
 public:
  static result<std::vector<counted_segment>> segments() {
    result<std::vector<counted_segment>> all;
    shm_info totals{};
    const int last = ::shmctl(0, SHM_INFO, static_cast<shmid_ds*>(static_cast<void*>(&totals)));
    if (last == -1) all.error_number = errno;
    for (int index = 0; index <= last; ++index) {
      shmid_ds data{};
      int id = ::shmctl(index, SHM_STAT_ANY, &data);
      // Before Linux 4.17, and in emulators: only those that may be read.
      if (id == -1 && errno == EINVAL) id = ::shmctl(index, SHM_STAT, &data);
      if (id == -1) {
        if (!is_of_one_slot(errno)) return {{}, errno};
        continue;
      }
      if ((data.shm_perm.mode & SHM_DEST) != 0) continue;  // removed: it has no key any more
      all.value.push_back({id, data.shm_perm.__key, data.shm_segsz, data.shm_nattch,
                           ownership::of(data.shm_perm), data.shm_cpid, data.shm_ctime});
    }
    return all;
  }

  static result<std::vector<counted_set>> sets() {
    result<std::vector<counted_set>> all;
    seminfo totals{};
    argument where;
    where.totals = &totals;
    const int last = ::semctl(0, 0, SEM_INFO, where);
    if (last == -1) all.error_number = errno;
    for (int index = 0; index <= last; ++index) {
      semid_ds data{};
      where.status = &data;
      int id = ::semctl(index, 0, SEM_STAT_ANY, where);
      if (id == -1 && errno == EINVAL) id = ::semctl(index, 0, SEM_STAT, where);
      if (id == -1) {
        if (!is_of_one_slot(errno)) return {{}, errno};
        continue;
      }
      all.value.push_back({id, data.sem_perm.__key, static_cast<unsigned>(data.sem_nsems),
                           ownership::of(data.sem_perm)});
    }
    return all;
  }

 private:
  /// Nothing there, or nothing that may be read.
  static bool is_of_one_slot(int error_number) noexcept {
    return error_number == EINVAL || error_number == EIDRM || error_number == EACCES;
  }

  union argument {
    semid_ds* status;
    seminfo* totals;
  };
};

}  // namespace shm::detail
