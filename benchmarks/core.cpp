// Core: our lock, load and open beside what they are measured against, in one run.
// SPDX-License-Identifier: MIT
#include <benchmark/benchmark.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <shm.hpp>
#include <stdexcept>
#include <string>

namespace {

std::string name_of(const char* what) {
  return std::string("bench.") + std::to_string(::getpid()) + '.' + what;
}

/// An object that lives as long as its benchmark.
class scratch {
 public:
  explicit scratch(const char* what) : name_(name_of(what)) {}
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { shm::remove(name_, shm::force); }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// Memory that other processes could share, as every contender's lock has to lie in.
class shared_page {
 public:
  shared_page()
      : page_(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (page_ == MAP_FAILED) throw std::runtime_error("mmap");
  }
  shared_page(const shared_page&) = delete;
  shared_page& operator=(const shared_page&) = delete;
  ~shared_page() { ::munmap(page_, 4096); }
  void* get() const { return page_; }

 private:
  void* page_;
};

void lock_shm(benchmark::State& state) {
  const scratch object("mutex");
  shm::mutex mutex(object.name());
  for (auto _ : state) {
    mutex.lock();
    mutex.unlock();
  }
}

void lock_spin(benchmark::State& state) {
  const shared_page page;
  auto& word = *new (page.get()) std::atomic<std::uint64_t>(0);
  for (auto _ : state) {
    std::uint64_t free = 0;
    while (!word.compare_exchange_weak(free, 1, std::memory_order_acquire)) free = 0;
    word.store(0, std::memory_order_release);
  }
}

void lock_two_locked_instructions(benchmark::State& state) {
  const shared_page page;
  auto& word = *new (page.get()) std::atomic<std::uint64_t>(0);
  for (auto _ : state) {
    std::uint64_t free = 0;
    while (!word.compare_exchange_weak(free, 1, std::memory_order_acquire)) free = 0;
    benchmark::DoNotOptimize(word.exchange(0, std::memory_order_release));
  }
}

void lock_pthread(benchmark::State& state, int robustness) {
  const shared_page page;
  auto* const mutex = static_cast<pthread_mutex_t*>(page.get());
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, robustness);
  pthread_mutex_init(mutex, &attributes);
  for (auto _ : state) {
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
  }
  pthread_mutex_destroy(mutex);
  pthread_mutexattr_destroy(&attributes);
}

void lock_semop(benchmark::State& state) {
  const int set = ::semget(IPC_PRIVATE, 1, 0600);
  if (set == -1) throw std::runtime_error("semget");
  sembuf give{0, +1, SEM_UNDO}, take{0, -1, SEM_UNDO};
  ::semop(set, &give, 1);
  for (auto _ : state) {
    ::semop(set, &take, 1);
    ::semop(set, &give, 1);
  }
  ::semctl(set, 0, IPC_RMID);
}

template <std::size_t Size>
using bytes = std::array<std::uint64_t, Size / 8>;

/// A value that nobody looks at need not be read: both contenders' is handed to a function that
/// looks at all of it.
template <std::size_t Size>
[[gnu::noinline]] std::uint64_t sum_of(const bytes<Size>& value) {
  std::uint64_t sum = 0;
  for (const std::uint64_t word : value) sum += word;
  return sum;
}

template <std::size_t Size>
void load_shm(benchmark::State& state) {
  const scratch object("load");
  shm::object<bytes<Size>> shared(object.name());
  for (auto _ : state) {
    alignas(64) const bytes<Size> value = shared.load();
    benchmark::DoNotOptimize(sum_of<Size>(value));
  }
}

template <std::size_t Size>
void load_memcpy(benchmark::State& state) {
  const shared_page page;
  const auto* const source = static_cast<const std::byte*>(page.get()) + 1344;  // as a payload lies
  // Through a pointer, so that the copy is made: the compiler would read the source in place.
  void* (*volatile copy)(void*, const void*, std::size_t) = &std::memcpy;
  for (auto _ : state) {
    alignas(64) bytes<Size> value;
    copy(value.data(), source, Size);
    benchmark::DoNotOptimize(sum_of<Size>(value));
  }
}

void open_shm(benchmark::State& state) {
  const scratch object("open");
  shm::object<bytes<64>> kept(object.name());
  for (auto _ : state) {
    shm::object<bytes<64>> opened(object.name());
    benchmark::DoNotOptimize(opened.version());
  }
}

void open_raw(benchmark::State& state) {
  const key_t key = shm::key(name_of("raw")).segment_key();
  const int id = ::shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
  if (id == -1) throw std::runtime_error("shmget");
  const void* const kept = ::shmat(id, nullptr, 0);
  for (auto _ : state) {
    void* const address = ::shmat(::shmget(key, 4096, 0600), nullptr, 0);
    benchmark::DoNotOptimize(*static_cast<volatile char*>(address));
    ::shmdt(address);
  }
  ::shmdt(kept);
  ::shmctl(id, IPC_RMID, nullptr);
}

BENCHMARK(lock_shm);
BENCHMARK(lock_spin);
BENCHMARK(lock_two_locked_instructions);
BENCHMARK_CAPTURE(lock_pthread, plain, PTHREAD_MUTEX_STALLED);
BENCHMARK_CAPTURE(lock_pthread, robust, PTHREAD_MUTEX_ROBUST);
BENCHMARK(lock_semop);
BENCHMARK_TEMPLATE(load_shm, 64);
BENCHMARK_TEMPLATE(load_memcpy, 64);
BENCHMARK_TEMPLATE(load_shm, 1024);
BENCHMARK_TEMPLATE(load_memcpy, 1024);
BENCHMARK(open_shm);
BENCHMARK(open_raw);

}  // namespace

BENCHMARK_MAIN();
