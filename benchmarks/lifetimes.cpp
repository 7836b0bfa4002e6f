// Lifetimes: opening, creating and removing what is shared, beside other ways to share memory.
// SPDX-License-Identifier: MIT
#include <benchmark/benchmark.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <boost/interprocess/xsi_shared_memory.hpp>
#include <optional>
#include <shm.hpp>
#include <string>

#ifdef SHM_BENCH_QT
#include <QSharedMemory>
#include <QString>
#include <stdexcept>
#endif

#include "support/jobs.hpp"
#include "support/memory.hpp"
#include "support/value.hpp"

namespace {

namespace ipc = boost::interprocess;
using bench::checked;

constexpr std::size_t size = 512;
using value = bench::value<size>;

void touch(const void* address) {
  benchmark::DoNotOptimize(*static_cast<const volatile char*>(address));
}

/// Every contender: create() makes it and maps it, close() unmaps it, open() maps what is there,
/// and remove() takes away what is closed.
class ours {
 public:
  void create() { handle_.emplace(shm::create_only, name_.name()); }
  void open() { handle_.emplace(shm::open_only, name_.name()); }
  void close() { handle_.reset(); }
  void remove() { shm::remove(name_.name()); }

 private:
  bench::scratch name_;
  std::optional<shm::object<value>> handle_;
};

/// As ours, but opened to read only.
class ours_read_only {
 public:
  void create() { shm::object<value>(shm::create_only, name_.name()); }
  void open() { handle_.emplace(name_.name()); }
  void close() { handle_.reset(); }
  void remove() { shm::remove(name_.name()); }

 private:
  bench::scratch name_;
  std::optional<shm::object<const value>> handle_;
};

/// The calls of the kernel alone.
class raw {
 public:
  ~raw() { ::shmctl(id_, IPC_RMID, nullptr); }
  void create() { map(id_ = checked(::shmget(key_, size, IPC_CREAT | IPC_EXCL | 0600), "shmget")); }
  void open() { map(checked(::shmget(key_, size, 0600), "shmget")); }
  void close() { checked(::shmdt(address_), "shmdt"); }
  void remove() { checked(::shmctl(id_, IPC_RMID, nullptr), "shmctl(IPC_RMID)"); }

 private:
  void map(int id) {
    address_ = ::shmat(id, nullptr, 0);
    if (address_ == reinterpret_cast<void*>(-1)) checked(-1, "shmat");
    touch(address_);
  }

  key_t key_ = shm::key(bench::site().name()).segment_key();
  int id_ = -1;
  void* address_ = nullptr;
};

/// The same with a semaphore, without which nobody may write there.
class raw_with_semaphore : public raw {
 public:
  ~raw_with_semaphore() { ::semctl(set_, 0, IPC_RMID); }
  void create() {
    raw::create();
    set_ = checked(::semget(key_, 1, IPC_CREAT | IPC_EXCL | 0600), "semget");
  }
  void open() {
    raw::open();
    checked(::semget(key_, 1, 0600), "semget");
  }
  void remove() {
    raw::remove();
    checked(::semctl(set_, 0, IPC_RMID), "semctl(IPC_RMID)");
  }

 private:
  key_t key_ = shm::key(bench::site().name()).segment_key();
  int set_ = -1;
};

class boost_xsi {
 public:
  void create() {
    const ipc::xsi_shared_memory made(ipc::create_only, key_, size);
    id_ = made.get_shmid();
    map(made);
  }
  void open() { map(ipc::xsi_shared_memory(ipc::open_only, key_)); }
  void close() { region_ = ipc::mapped_region(); }
  void remove() {
    if (!ipc::xsi_shared_memory::remove(id_)) checked(-1, "xsi_shared_memory::remove");
  }

 private:
  void map(const ipc::xsi_shared_memory& memory) {
    region_ = ipc::mapped_region(memory, ipc::read_write);
    touch(region_.get_address());
  }

  ipc::xsi_key key_{"/proc/self/exe", 1};
  int id_ = -1;
  ipc::mapped_region region_;
};

class boost_posix {
 public:
  ~boost_posix() { ipc::shared_memory_object::remove(name_.c_str()); }
  void create() {
    ipc::shared_memory_object made(ipc::create_only, name_.c_str(), ipc::read_write);
    made.truncate(size);
    map(made);
  }
  void open() { map(ipc::shared_memory_object(ipc::open_only, name_.c_str(), ipc::read_write)); }
  void close() { region_ = ipc::mapped_region(); }
  void remove() {
    if (!ipc::shared_memory_object::remove(name_.c_str())) checked(-1, "shm_unlink");
  }

 private:
  void map(const ipc::shared_memory_object& memory) {
    region_ = ipc::mapped_region(memory, ipc::read_write);
    touch(region_.get_address());
  }

  std::string name_ = bench::site().name();
  ipc::mapped_region region_;
};

#ifdef SHM_BENCH_QT
/// Goes with the last one that is attached, so one is kept while others open and close.
class qt {
 public:
  void create() {
    if (!kept_.create(size)) fail(kept_);
    touch(kept_.constData());
  }
  void open() {
    if (!opened_.attach()) fail(opened_);
    touch(opened_.constData());
  }
  void close() {
    if (opened_.isAttached() && !opened_.detach()) fail(opened_);
  }
  void remove() {
    if (!kept_.detach()) fail(kept_);
  }

 private:
  [[noreturn]] static void fail(const QSharedMemory& memory) {
    throw std::runtime_error("QSharedMemory: " + memory.errorString().toStdString());
  }

  QString name_ = QString::fromStdString(bench::site().name());
  QSharedMemory kept_{name_};
  QSharedMemory opened_{name_};
};
#endif

template <class Contender>
void add_contender(const std::string& name) {
  bench::add("open", name, [](benchmark::State& state) {
    Contender contender;
    contender.create();
    contender.close();
    for (auto _ : state) {
      contender.open();
      contender.close();
    }
    contender.remove();
  });
  bench::add("create", name, [](benchmark::State& state) {
    Contender contender;
    bench::measure_between(
        state, [] {}, [&] { contender.create(); },
        [&] {
          contender.close();
          contender.remove();
        });
  })->UseManualTime();
  bench::add("remove", name, [](benchmark::State& state) {
    Contender contender;
    bench::measure_between(
        state,
        [&] {
          contender.create();
          contender.close();
        },
        [&] { contender.remove(); }, [] {});
  })->UseManualTime();
}

}  // namespace

int main(int argc, char** argv) {
  add_contender<ours>("shm::object");
  add_contender<ours_read_only>("shm::object, read-only");
  add_contender<raw>("shmget+shmat");
  add_contender<raw_with_semaphore>("shmget+shmat, semget");
  add_contender<boost_xsi>("Boost xsi_shared_memory");
  add_contender<boost_posix>("Boost shared_memory_object");
#ifdef SHM_BENCH_QT
  add_contender<qt>("QSharedMemory");
#endif
  return bench::run_all(argc, argv);
}
