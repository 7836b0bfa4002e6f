// Sampler: measures the machine and publishes what it finds.
// SPDX-License-Identifier: MIT
//
// --object NAME               the objects' common name (example.system)
// --interval MS               between samples (200)
// --stop-inside-update-at N   for the demo: at sample N, stop with the update half done, and wait
// there
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "monitor.hpp"
#include "procfs.hpp"

namespace {

class sampler {
 public:
  sampler(const std::string& load, const std::string& table, std::uint64_t stop_inside)
      : load_(load), table_(table), stop_inside_(stop_inside) {
    const std::uint64_t before = load_.load().sample;
    if (before == 0) {
      std::puts("sampler: starting with sample 1");
    } else {
      std::printf("sampler: carrying on after sample %llu\n",
                  static_cast<unsigned long long>(before));
    }
    std::fflush(stdout);
  }

  void take_sample() {
    const procfs::cpu_time cpu = procfs::read_cpu_time();
    const auto busy = static_cast<double>(cpu.busy - last_cpu_.busy);
    const auto total = static_cast<double>(std::max<std::uint64_t>(cpu.total - last_cpu_.total, 1));
    const std::vector<procfs::process> processes = procfs::read_processes();
    publish_table(busiest(processes, total));
    publish_load(100 * busy / total, processes.size());
    last_cpu_ = cpu;
  }

 private:
  void publish_load(double cpu_percent, std::uint64_t processes) {
    const procfs::memory memory = procfs::read_memory();
    const procfs::load_average average = procfs::read_load_average();
    load_.update([&](system_load& now) {
      now.sample += 1;
      now.cpu_percent = cpu_percent;
      if (now.sample == stop_inside_) wait_to_be_killed(now.sample);
      now.memory_kib = memory.total_kib;
      now.memory_used_kib = memory.total_kib - memory.available_kib;
      now.load_1 = average.over_1;
      now.load_5 = average.over_5;
      now.load_15 = average.over_15;
      now.processes = processes;
      now.check = check_of(now);
    });
  }

  [[noreturn]] static void wait_to_be_killed(std::uint64_t sample) {
    std::printf("sampler: inside the update of sample %llu\n",
                static_cast<unsigned long long>(sample));
    std::fflush(stdout);
    for (;;) ::pause();
  }

  std::vector<process_load> busiest(const std::vector<procfs::process>& processes, double total) {
    std::vector<process_load> all;
    std::map<std::int64_t, std::uint64_t> ticks;
    for (const procfs::process& one : processes) {
      const auto last = last_ticks_.find(one.pid);
      const std::uint64_t used = last == last_ticks_.end() ? 0 : one.ticks - last->second;
      ticks[one.pid] = one.ticks;
      process_load load{};
      std::strncpy(load.command.data(), one.command.c_str(), load.command.size() - 1);
      load.pid = one.pid;
      load.cpu_percent = 100 * static_cast<double>(used) / total;
      load.memory_kib = one.memory_kib;
      load.check = check_of(load);
      all.push_back(load);
    }
    last_ticks_ = std::move(ticks);
    const auto busier = [](const process_load& a, const process_load& b) {
      return std::make_pair(a.cpu_percent, a.memory_kib) >
             std::make_pair(b.cpu_percent, b.memory_kib);
    };
    std::sort(all.begin(), all.end(), busier);
    all.resize(most_processes);
    return all;
  }

  void publish_table(const std::vector<process_load>& processes) {
    auto table = table_.lock();
    for (std::size_t i = 0; i < table.size(); ++i) table.store(i, processes[i]);
    // Had a sampler died among these stores, all of them are new now.
    if (table.owner_died()) table.mark_repaired();
  }

  shm::object<system_load> load_;
  process_table table_;
  std::uint64_t stop_inside_;
  procfs::cpu_time last_cpu_;
  std::map<std::int64_t, std::uint64_t> last_ticks_;
};

}  // namespace

int main(int argc, char** argv) try {
  stop_on_signals();
  sampler machine(load_name(argc, argv), table_name(argc, argv),
                  std::stoull(option(argc, argv, "--stop-inside-update-at", "0")));
  pace beat(std::chrono::milliseconds(std::stoi(option(argc, argv, "--interval", "200"))));
  while (stop_requested == 0) {
    machine.take_sample();
    beat.wait();
  }
} catch (const std::exception& problem) {
  std::fprintf(stderr, "sampler: %s\n", problem.what());
  return 1;
}
