// System calls: the linker sends the library's calls here (--wrap), and most go on to the kernel.
// SPDX-License-Identifier: MIT
#include "system_calls.hpp"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <map>
#include <shm.hpp>

namespace faults {

plan the_plan;

namespace {

/// Whether this call is the one that is to fail, with errno set.
bool fails(const std::string& call) {
  if (!the_plan.active) return false;
  // What is done on behalf of the test itself is not the library's.
  const plan now = the_plan;
  the_plan.active = false;
  if (now.log != -1) {
    const std::string line = call + '\n';
    if (::write(now.log, line.data(), line.size()) < 0) std::abort();
  }
  if (now.before != nullptr) now.before(call);
  the_plan.active = true;
  if (call != now.failing_call || --the_plan.occurrence != 0) return false;
  errno = now.error_number;
  return true;
}

std::string name_of_segment_command(int command) {
  switch (command) {
    case IPC_STAT: return "shmctl(IPC_STAT)";
    case IPC_SET: return "shmctl(IPC_SET)";
    case IPC_RMID: return "shmctl(IPC_RMID)";
    case SHM_LOCK: return "shmctl(SHM_LOCK)";
    default: std::abort();  // a call that these tests do not know yet
  }
}

std::string name_of_set_command(int command) {
  switch (command) {
    case IPC_STAT: return "semctl(IPC_STAT)";
    case IPC_SET: return "semctl(IPC_SET)";
    case IPC_RMID: return "semctl(IPC_RMID)";
    case GETALL: return "semctl(GETALL)";
    case GETVAL: return "semctl(GETVAL)";
    case GETPID: return "semctl(GETPID)";
    default: std::abort();
  }
}

/// Of the tables of all objects: read for people, in words about a call that has failed already.
bool is_of_segments_table(int command) {
  return command == SHM_INFO || command == SHM_STAT || command == SHM_STAT_ANY;
}
bool is_of_sets_table(int command) {
  return command == SEM_INFO || command == SEM_STAT || command == SEM_STAT_ANY;
}

std::string name_of_advice(int advice) {
  switch (advice) {
    case MADV_WIPEONFORK: return "madvise(WIPEONFORK)";
    case MADV_DONTFORK: return "madvise(DONTFORK)";
    case MADV_DOFORK: return "madvise(DOFORK)";
    default: return "madvise(POPULATE_READ)";
  }
}

/// The first one behind the proof that the id still names the same set.
const sembuf& first_step(const sembuf* operations, std::size_t count) {
  using namespace shm::detail;
  const bool is_proven = count > 3 && operations[2].sem_num == semaphore::mark_low;
  return operations[is_proven ? 3 : 0];
}

std::string name_of_operation(const sembuf& first) {
  using namespace shm::detail;
  const std::string direction = first.sem_op == 0 ? "?)" : first.sem_op > 0 ? "+)" : "-)";
  switch (first.sem_num) {
    case semaphore::door: return "semop(door" + direction;
    case semaphore::wake: return "semop(wake" + direction;
    case semaphore::raw:
      return (the_plan.is_of_semaphore ? "semop(permits" : "semop(raw") + direction;
    case semaphore::ours:
    case semaphore::mark_low: return "semop(mark" + direction;
    default: return "semop(seat" + direction;
  }
}

/// Somebody removes it by hand (ipcrm) just before this very call, which then goes on: what the
/// kernel answers is the truth.
bool is_removed_just_now(bool failing) {
  return failing && (errno == EIDRM || errno == ENOENT);
}

}  // namespace

namespace {

const std::map<std::string, std::vector<int>>& errors_by_call() {
  // From the manual pages, without what this library's arguments cannot cause. EIDRM and ENOENT:
  // removed by hand just before. What gives back (-) needs no memory and no permission anew, and
  // EAGAIN comes only from operations that may not wait, or not for ever.
  static const std::map<std::string, std::vector<int>> by_call{
      {"shmget(find)", {EACCES, ENOENT, ENOMEM}},
      {"shmget(create)", {EACCES, EEXIST, EINVAL, ENOMEM, ENOSPC, EPERM}},
      {"shmat", {EACCES, EIDRM, EMFILE, ENOMEM}},
      {"shmdt", {}},
      {"shmctl(IPC_STAT)", {EACCES, EIDRM}},
      {"shmctl(IPC_SET)", {EIDRM, EPERM}},
      {"shmctl(IPC_RMID)", {EIDRM, EPERM}},
      {"shmctl(SHM_LOCK)", {EIDRM, ENOMEM, EPERM}},
      {"semget(find)", {EACCES, ENOENT, ENOMEM}},
      {"semget(create)", {EACCES, EEXIST, EINVAL, ENOMEM, ENOSPC}},
      {"semctl(IPC_STAT)", {EACCES, EIDRM}},
      {"semctl(IPC_SET)", {EIDRM, EPERM}},
      {"semctl(IPC_RMID)", {EIDRM, EPERM}},
      {"semctl(GETALL)", {EACCES, EIDRM, ENOMEM}},
      {"semctl(GETVAL)", {EACCES, EIDRM}},
      {"semctl(GETPID)", {EACCES, EIDRM}},
      {"semop(mark?)", {EACCES, EAGAIN, EIDRM, EINTR, ERANGE}},
      {"semop(door?)", {EACCES, EAGAIN, EIDRM, EINTR, ENOMEM, ENOSPC, ERANGE}},
      {"semop(door-)", {EIDRM, EINTR}},
      {"semop(seat?)", {E2BIG, EACCES, EAGAIN, EIDRM, EINTR, ENOMEM, ENOSPC, ERANGE}},
      {"semop(seat-)", {EIDRM, EINTR, ERANGE}},
      {"semop(raw+)", {EACCES, EIDRM, EINTR, ENOMEM, ENOSPC, ERANGE}},
      {"semop(raw-)", {EIDRM, EINTR}},
      {"semop(raw?)", {EACCES, EIDRM, EINTR}},
      {"semop(permits?)", {EAGAIN, EIDRM, EINTR}},
      {"semop(permits-)", {EACCES, EAGAIN, EIDRM, EINTR, ENOMEM, ENOSPC}},
      {"semop(permits+)", {EIDRM, EINTR}},
      {"semop(wake?)", {EAGAIN, EIDRM, EINTR}},
      {"semop(wake-)", {EACCES, EIDRM, EINTR}},
      {"mmap", {EAGAIN, ENOMEM, EPERM}},
      {"madvise(WIPEONFORK)", {EINVAL, ENOMEM}},
      {"madvise(POPULATE_READ)", {EFAULT, EINVAL, ENOMEM}},
      {"madvise(DONTFORK)", {EINVAL}},
      {"madvise(DOFORK)", {EINVAL}},
      {"getrandom", {EINTR, ENOSYS}},
      {"ftok", {EACCES, ENOENT}},
      {"membarrier", {ENOSYS, EPERM}},
      {"gettid", {}},
  };
  return by_call;
}

}  // namespace

const std::vector<int>& plausible_errors(const std::string& call) {
  return errors_by_call().at(call);
}

std::set<std::string> known_calls() {
  std::set<std::string> names;
  for (const auto& [call, errors] : errors_by_call()) names.insert(call);
  return names;
}

}  // namespace faults

extern "C" {

int __real_shmget(key_t key, std::size_t size, int flags);
int __real_shmctl(int id, int command, shmid_ds* data);
void* __real_shmat(int id, const void* address, int flags);
int __real_shmdt(const void* address);
int __real_semget(key_t key, int count, int flags);
int __real_semctl(int id, int which, int command, ...);
int __real_semtimedop(int id, sembuf* steps, std::size_t count, const timespec* left);
void* __real_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t at);
int __real_madvise(void* address, std::size_t size, int advice);
ssize_t __real_getrandom(void* to, std::size_t size, unsigned flags);
key_t __real_ftok(const char* path, int project_id);
long __real_syscall(long number, ...);

int __wrap_shmget(key_t key, std::size_t size, int flags) {
  const bool failing = faults::fails((flags & IPC_CREAT) != 0 ? "shmget(create)" : "shmget(find)");
  if (faults::is_removed_just_now(failing)) {
    __real_shmctl(__real_shmget(key, 0, 0), IPC_RMID, nullptr);
  } else if (failing) {
    return -1;
  }
  return __real_shmget(key, size, flags);
}

int __wrap_shmctl(int id, int command, shmid_ds* data) {
  if (faults::is_of_segments_table(command)) return __real_shmctl(id, command, data);
  const bool failing = faults::fails(faults::name_of_segment_command(command));
  if (faults::is_removed_just_now(failing)) {
    __real_shmctl(id, IPC_RMID, nullptr);
  } else if (failing) {
    return -1;
  }
  return __real_shmctl(id, command, data);
}

void* __wrap_shmat(int id, const void* address, int flags) {
  const bool failing = faults::fails("shmat");
  if (faults::is_removed_just_now(failing)) {
    __real_shmctl(id, IPC_RMID, nullptr);
  } else if (failing) {
    return reinterpret_cast<void*>(-1);
  }
  return __real_shmat(id, address, flags);
}

int __wrap_shmdt(const void* address) {
  if (faults::fails("shmdt")) return -1;
  return __real_shmdt(address);
}

int __wrap_semget(key_t key, int count, int flags) {
  const bool failing = faults::fails((flags & IPC_CREAT) != 0 ? "semget(create)" : "semget(find)");
  if (faults::is_removed_just_now(failing)) {
    __real_semctl(__real_semget(key, 0, 0), 0, IPC_RMID);
  } else if (failing) {
    return -1;
  }
  return __real_semget(key, count, flags);
}

int __wrap_semctl(int id, int which, int command, ...) {
  const bool of_table = faults::is_of_sets_table(command);
  const bool failing = !of_table && faults::fails(faults::name_of_set_command(command));
  if (faults::is_removed_just_now(failing)) {
    __real_semctl(id, 0, IPC_RMID);
  } else if (failing) {
    return -1;
  }
  if (!of_table && command != IPC_STAT && command != IPC_SET && command != GETALL)
    return __real_semctl(id, which, command);
  std::va_list rest;
  va_start(rest, command);
  void* const target = va_arg(rest, void*);  // as the union of pointers is passed
  va_end(rest);
  return __real_semctl(id, which, command, target);
}

int __wrap_semtimedop(int id, sembuf* steps, std::size_t count, const timespec* left) {
  const std::string call = faults::name_of_operation(faults::first_step(steps, count));
  const bool failing = faults::fails(call);
  if (faults::is_removed_just_now(failing)) {
    __real_semctl(id, 0, IPC_RMID);
  } else if (failing && errno == EAGAIN && (call == "semop(mark?)" || call == "semop(wake?)")) {
    __real_semtimedop(id, steps, count, left);  // somebody else was first, indeed
  } else if (failing) {
    return -1;
  }
  return __real_semtimedop(id, steps, count, left);
}

void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t at) {
  if (faults::fails("mmap")) return MAP_FAILED;
  return __real_mmap(address, size, protection, flags, file, at);
}

int __wrap_madvise(void* address, std::size_t size, int advice) {
  if (faults::fails(faults::name_of_advice(advice))) return -1;
  return __real_madvise(address, size, advice);
}

ssize_t __wrap_getrandom(void* to, std::size_t size, unsigned flags) {
  if (faults::fails("getrandom")) return -1;
  return __real_getrandom(to, size, flags);
}

key_t __wrap_ftok(const char* path, int project_id) {
  if (faults::fails("ftok")) return -1;
  return __real_ftok(path, project_id);
}

long __wrap_syscall(long number, ...) {
  if (number == SYS_capget) {  // asked only when a refusal is put into words
    std::va_list both;
    va_start(both, number);
    void* const head = va_arg(both, void*);
    void* const data = va_arg(both, void*);
    va_end(both);
    return __real_syscall(number, head, data);
  }
  if (faults::fails(number == SYS_membarrier ? "membarrier" : "gettid")) return -1;
  if (number != SYS_membarrier) return __real_syscall(number);
  std::va_list rest;
  va_start(rest, number);
  const int command = va_arg(rest, int);
  va_end(rest);
  return __real_syscall(number, command, 0, 0);
}

}  // extern "C"
