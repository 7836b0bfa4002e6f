// Viewer: draws the machine's load as live bars; plain lines where there is no terminal.
// SPDX-License-Identifier: MIT
//
// --object NAME   the objects' common name (example.system)
// --once          show the present value and end
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "monitor.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

std::string bar(double percent) {
  constexpr int width = 40;
  const int full = static_cast<int>(std::clamp(percent, 0.0, 100.0) / 100 * width);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < full ? "█" : "·";
  return text;
}

double memory_percent(const system_load& now) {
  if (now.memory_kib == 0) return 0;
  return 100 * static_cast<double>(now.memory_used_kib) / static_cast<double>(now.memory_kib);
}

/// Redraws in place; leaves the terminal as it was.
class screen {
 public:
  screen() : colour_(std::getenv("NO_COLOR") == nullptr) { std::fputs("\x1b[?25l\x1b[2J", stdout); }
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;
  ~screen() { std::fputs("\x1b[?25h\n", stdout); }

  void draw(const system_load& now, const process_load (&top)[8], double silent_seconds) {
    std::fputs("\x1b[H", stdout);
    std::printf("sample %llu   %llu processes   load %.2f %.2f %.2f",
                static_cast<unsigned long long>(now.sample),
                static_cast<unsigned long long>(now.processes), now.load_1, now.load_5,
                now.load_15);
    end_line();
    draw_bar("cpu   ", "\x1b[32m", now.cpu_percent);
    draw_bar("memory", "\x1b[34m", memory_percent(now));
    end_line();
    for (const process_load& one : top) {
      std::printf("%8lld %-20.31s %5.1f %% %8llu KiB", static_cast<long long>(one.pid),
                  one.command.data(), one.cpu_percent,
                  static_cast<unsigned long long>(one.memory_kib));
      end_line();
    }
    end_line();
    if (silent_seconds > 0.7) {
      std::printf("%sno new sample for %.1f s: the last whole one is %llu%s", on("\x1b[31m"),
                  silent_seconds, static_cast<unsigned long long>(now.sample), on("\x1b[0m"));
    } else {
      std::fputs("live", stdout);
    }
    end_line();
    std::fputs("\x1b[J", stdout);
    std::fflush(stdout);
  }

 private:
  const char* on(const char* sequence) const { return colour_ ? sequence : ""; }

  void draw_bar(const char* label, const char* colour, double percent) const {
    std::printf("%s %s%s%s %5.1f %%", label, on(colour), bar(percent).c_str(), on("\x1b[0m"),
                percent);
    end_line();
  }

  static void end_line() { std::fputs("\x1b[K\n", stdout); }

  bool colour_;
};

void print(const system_load& now) {
  std::printf("viewer: sample %llu, cpu %.1f %%, memory %.1f %%, load %.2f, %s\n",
              static_cast<unsigned long long>(now.sample), now.cpu_percent, memory_percent(now),
              now.load_1, is_whole(now) ? "whole" : "TORN");
  std::fflush(stdout);
}

void watch(const shm::object<const system_load>& load, const const_process_table& table,
           read_statistics& seen) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  std::optional<screen> live;
  if (terminal) live.emplace();
  std::uint64_t last_sample = 0;
  bool said_silent = false;
  auto last_change = clock_type::now();
  pace beat(std::chrono::milliseconds(20));
  for (; stop_requested == 0; beat.wait()) {
    const system_load now = seen.checked(load.load());
    process_load top[8];
    for (std::size_t i = 0; i < 8; ++i) top[i] = seen.checked(table.load(i));
    const bool is_new = now.sample != last_sample;
    if (is_new) last_change = clock_type::now();
    const double silent = std::chrono::duration<double>(clock_type::now() - last_change).count();
    if (live) {
      live->draw(now, top, silent);
    } else if (is_new) {
      print(now);
    } else if (silent > 0.7 && !said_silent) {
      std::printf("viewer: no new sample: the last whole one is %llu\n",
                  static_cast<unsigned long long>(now.sample));
      std::fflush(stdout);
    }
    said_silent = silent > 0.7;
    last_sample = now.sample;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  stop_on_signals();
  const shm::object<const system_load> load(load_name(argc, argv));
  const const_process_table table(table_name(argc, argv));
  if (argc > 1 && argv[argc - 1] == std::string_view("--once")) {
    print(load.load());
    return is_whole(load.load()) ? 0 : 1;
  }
  read_statistics seen;
  watch(load, table, seen);
  std::printf("viewer: %llu values read, %llu torn\n", static_cast<unsigned long long>(seen.reads),
              static_cast<unsigned long long>(seen.torn));
  return seen.torn == 0 ? 0 : 1;
} catch (const shm::error& problem) {
  std::fprintf(stderr, "viewer: %s\n", problem.what());
  return 1;
}
