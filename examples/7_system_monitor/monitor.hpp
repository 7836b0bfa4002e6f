// Monitor: the structs that sampler, viewer and recorder share, and how each is known to be whole.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <shm.hpp>
#include <string>
#include <string_view>
#include <thread>

struct system_load {
  BOOST_HANA_DEFINE_STRUCT(system_load, (std::uint64_t, sample), (double, cpu_percent),
                           (std::uint64_t, memory_kib), (std::uint64_t, memory_used_kib),
                           (double, load_1), (double, load_5), (double, load_15),
                           (std::uint64_t, processes), (std::uint64_t, check));
};

struct process_load {
  using text = std::array<char, 32>;
  BOOST_HANA_DEFINE_STRUCT(process_load, (text, command), (std::int64_t, pid),
                           (double, cpu_percent), (std::uint64_t, memory_kib),
                           (std::uint64_t, check));
};

constexpr std::size_t most_processes = 64;
using process_table = shm::array<process_load, most_processes>;
using const_process_table = shm::array<const process_load, most_processes>;

/// A hash of all that lies before `check`; neither struct has padding.
template <class T>
std::uint64_t check_of(const T& value) {
  static_assert(offsetof(T, check) + sizeof(value.check) == sizeof(T));
  std::array<unsigned char, offsetof(T, check)> bytes;
  std::memcpy(bytes.data(), &value, bytes.size());
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

template <class T>
bool is_whole(const T& value) {
  return value.check == 0 || value.check == check_of(value);  // 0: nothing was published yet
}

/// Counts what a reader has seen.
struct read_statistics {
  std::uint64_t reads = 0;
  std::uint64_t torn = 0;

  template <class T>
  T checked(const T& value) {
    ++reads;
    if (!is_whole(value)) ++torn;
    return value;
  }
};

/// Set by Ctrl-C and SIGTERM.
inline volatile std::sig_atomic_t stop_requested = 0;

inline void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

/// A steady beat, whatever the work in between takes.
class pace {
 public:
  explicit pace(std::chrono::milliseconds interval) : interval_(interval) {}
  void wait() {
    next_ += interval_;
    std::this_thread::sleep_until(next_);
  }

 private:
  std::chrono::milliseconds interval_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
};

/// --name value, or the fallback.
inline std::string option(int argc, char** argv, std::string_view name, const char* fallback) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == name) return argv[i + 1];
  }
  return fallback;
}

inline std::string load_name(int argc, char** argv) {
  return option(argc, argv, "--object", "example.system") + ".load";
}
inline std::string table_name(int argc, char** argv) {
  return option(argc, argv, "--object", "example.system") + ".processes";
}
