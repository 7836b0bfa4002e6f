// Recorder: writes every sample that it sees as a line of CSV; read-only.
// SPDX-License-Identifier: MIT
//
// --object NAME   the objects' common name (example.system)
#include <cstdio>

#include "monitor.hpp"

int main(int argc, char** argv) try {
  stop_on_signals();
  const shm::object<const system_load> load(load_name(argc, argv));
  read_statistics seen;
  std::puts("sample,cpu_percent,memory_used_kib,memory_kib,load_1,load_5,load_15,processes");
  std::uint64_t recorded = 0;
  pace beat(std::chrono::milliseconds(10));
  for (; stop_requested == 0; beat.wait()) {
    const system_load now = seen.checked(load.load());
    if (now.sample == recorded) continue;
    recorded = now.sample;
    std::printf("%llu,%.2f,%llu,%llu,%.2f,%.2f,%.2f,%llu\n",
                static_cast<unsigned long long>(now.sample), now.cpu_percent,
                static_cast<unsigned long long>(now.memory_used_kib),
                static_cast<unsigned long long>(now.memory_kib), now.load_1, now.load_5,
                now.load_15, static_cast<unsigned long long>(now.processes));
  }
  std::fprintf(stderr, "recorder: %llu values read, %llu torn\n",
               static_cast<unsigned long long>(seen.reads),
               static_cast<unsigned long long>(seen.torn));
  return seen.torn == 0 ? 0 : 1;
} catch (const shm::error& problem) {
  std::fprintf(stderr, "recorder: %s\n", problem.what());
  return 1;
}
