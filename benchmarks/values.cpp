// Values: reading and writing them, beside plain copies and copies under other locks.
// SPDX-License-Identifier: MIT
#include <benchmark/benchmark.h>

#include <cstring>
#include <new>
#include <shm.hpp>
#include <string>

#include "contenders/every_value.hpp"
#include "contenders/ours.hpp"
#include "contenders/pthread.hpp"
#include "contenders/site.hpp"
#include "support/jobs.hpp"
#include "support/memory.hpp"
#include "support/value.hpp"

namespace {

using bench::copy;

void add_one(std::byte* bytes) {
  auto& word = *static_cast<volatile std::uint64_t*>(static_cast<void*>(bytes));
  word = word + 1;
}

// A store has read() and write() of a value, and update(), which changes one word of it.

template <std::size_t Size>
class ours {
 public:
  ours() { bench::touch_every_copy(shared_, *bench::destination<Size>()); }
  void read(bench::value<Size>* to) const { ::new (static_cast<void*>(to)) auto(shared_.load()); }
  void write(const bench::value<Size>& from) { shared_.store(from); }
  void update() {
    shared_.update([](bench::value<Size>& draft) { ++draft[0]; });
  }

 private:
  bench::scratch name_;
  shm::object<bench::value<Size>> shared_{name_.name()};
};

template <std::size_t Size>
class bare {
 public:
  void read(bench::value<Size>* to) const { copy(to, memory_.bytes(), Size); }
  void write(const bench::value<Size>& from) { copy(memory_.bytes(), &from, Size); }
  void update() { add_one(memory_.bytes()); }

 private:
  bench::plain_memory memory_{Size};
};

/// As the compiler writes the copy where it knows the size: no call.
template <std::size_t Size>
class inlined {
 public:
  void read(bench::value<Size>* to) const { std::memcpy(to, memory_.bytes(), Size); }
  void write(const bench::value<Size>& from) { std::memcpy(memory_.bytes(), &from, Size); }

 private:
  bench::plain_memory memory_{Size};
};

template <std::size_t Size, class Lock>
class guarded : public bare<Size> {
 public:
  void read(bench::value<Size>* to) {
    lock_.lock();
    bare<Size>::read(to);
    lock_.unlock();
  }
  void write(const bench::value<Size>& from) {
    lock_.lock();
    bare<Size>::write(from);
    lock_.unlock();
  }
  void update() {
    lock_.lock();
    bare<Size>::update();
    lock_.unlock();
  }

 private:
  bench::site site_;
  typename Lock::owner owner_{site_};
  Lock lock_{site_};
};

template <std::size_t Size>
class sequenced {
 public:
  void read(bench::value<Size>* to) const { lock_.read(to); }
  void write(const bench::value<Size>& from) { lock_.write(&from); }
  void update() {
    lock_.read(&*draft_);
    ++(*draft_)[0];
    lock_.write(&*draft_);
  }

 private:
  bench::site site_{bench::site_size_for_value<Size>};
  bench::seqlock<Size> lock_{site_};
  bench::destination<Size> draft_;
};

constexpr std::size_t elements = 1024;

/// Elements far from each other, one after the other.
constexpr std::size_t next(std::size_t element) {
  return (element + 389) % elements;
}

template <std::size_t Size>
class our_elements {
 public:
  void read(std::size_t i, bench::value<Size>* to) const {
    ::new (static_cast<void*>(to)) auto(shared_.load(i));
  }
  void write(std::size_t i, const bench::value<Size>& from) { shared_.store(i, from); }

 private:
  bench::scratch name_;
  shm::array<bench::value<Size>, elements> shared_{name_.name()};
};

template <std::size_t Size>
class bare_elements {
 public:
  void read(std::size_t i, bench::value<Size>* to) const { copy(to, at(i), Size); }
  void write(std::size_t i, const bench::value<Size>& from) { copy(at(i), &from, Size); }

 private:
  std::byte* at(std::size_t i) const { return memory_.bytes() + i * Size; }

  bench::plain_memory memory_{Size * elements};
};

template <std::size_t Size, class Lock>
class guarded_elements : public bare_elements<Size> {
 public:
  void read(std::size_t i, bench::value<Size>* to) {
    lock_.lock();
    bare_elements<Size>::read(i, to);
    lock_.unlock();
  }
  void write(std::size_t i, const bench::value<Size>& from) {
    lock_.lock();
    bare_elements<Size>::write(i, from);
    lock_.unlock();
  }

 private:
  bench::site site_;
  typename Lock::owner owner_{site_};
  Lock lock_{site_};
};

template <std::size_t Size, class Contender>
void load(benchmark::State& state) {
  Contender contender;
  const bench::destination<Size> to;
  for (auto _ : state) {
    contender.read(&*to);
    to.use();
  }
}

template <std::size_t Size, class Contender>
void store(benchmark::State& state) {
  Contender contender;
  const bench::destination<Size> from;
  for (auto _ : state) {
    ++(*from)[0];
    contender.write(*from);
    benchmark::ClobberMemory();
  }
}

template <class Contender>
void update(benchmark::State& state) {
  Contender contender;
  for (auto _ : state) {
    contender.update();
    benchmark::ClobberMemory();
  }
}

template <std::size_t Size, class Contender>
void load_element(benchmark::State& state) {
  Contender contender;
  const bench::destination<Size> to;
  std::size_t i = 0;
  for (auto _ : state) {
    contender.read(i = next(i), &*to);
    to.use();
  }
}

template <std::size_t Size, class Contender>
void store_element(benchmark::State& state) {
  Contender contender;
  const bench::destination<Size> from;
  std::size_t i = 0;
  for (auto _ : state) {
    ++(*from)[0];
    contender.write(i = next(i), *from);
    benchmark::ClobberMemory();
  }
}

template <std::size_t Size, class Contender>
void add_value(const std::string& name) {
  const std::string size = std::to_string(Size);
  bench::add("load/" + size, name, load<Size, Contender>);
  bench::add("store/" + size, name, store<Size, Contender>);
}

template <std::size_t Size, class Contender>
void add_element(const std::string& name) {
  const std::string size = std::to_string(Size);
  bench::add("element load/" + size, name, load_element<Size, Contender>);
  bench::add("element store/" + size, name, store_element<Size, Contender>);
}

template <std::size_t Size, class Contender>
void add_update(const std::string& name) {
  bench::add("update/" + std::to_string(Size), name, update<Contender>);
}

template <std::size_t Size, class Contender>
void add_all(const std::string& name) {
  add_value<Size, Contender>(name);
  add_update<Size, Contender>(name);
}

template <std::size_t Size>
void add_values() {
  add_all<Size, ours<Size>>("shm::object");
  add_value<Size, bare<Size>>("memcpy");
  add_value<Size, inlined<Size>>("memcpy, inlined");
  add_update<Size, bare<Size>>("in place, unguarded");
  add_all<Size, sequenced<Size>>(bench::seqlock<Size>::name);
  add_all<Size, guarded<Size, bench::pthread_plain>>(bench::pthread_plain::name);
  add_all<Size, guarded<Size, bench::pthread_robust>>(bench::pthread_robust::name);
  add_value<Size, guarded<Size, bench::shm_mutex>>("shm::mutex and memcpy");
  add_update<Size, guarded<Size, bench::shm_mutex>>("shm::mutex, in place");
}

template <std::size_t Size>
void add_elements() {
  using bench::pthread_plain;
  add_element<Size, our_elements<Size>>("shm::array");
  add_element<Size, bare_elements<Size>>("memcpy");
  add_element<Size, guarded_elements<Size, pthread_plain>>(pthread_plain::name);
}

}  // namespace

int main(int argc, char** argv) {
  add_values<64>();
  add_values<1024>();
  add_values<64 * 1024>();
  add_values<1024 * 1024>();
  add_elements<64>();
  add_elements<1024>();
  return bench::run_all(argc, argv);
}
