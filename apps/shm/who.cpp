// who: which processes have an object open, on which seats, and who holds its lock.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "commands.hpp"
#include "objects.hpp"
#include "people.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

void print_lock(const shm::object_info& info) {
  if (info.kind == shm::object_kind::semaphore) {
    fmt::print("{}\n", permits_in_words(info));
    return;
  }
  std::string text = word_for(info.lock);
  style how = style::plain;
  if (info.lock == shm::lock_state::held) {
    text += fmt::format(" by {}, thread {}", holder_title(info.lock_process), info.lock_thread);
  }
  if (info.lock == shm::lock_state::owner_died) {
    text = "its owner died; the next one who locks it takes it over";
    how = style::alarming;
  }
  fmt::print("lock: {}\n", styled(text, how));
  if (!info.needs_repair) return;
  fmt::print("{}\n", styled("a holder died inside; when what it left is in order: shm repaired " +
                                title(info),
                            style::alarming));
}

}  // namespace

exit_code who(const std::string& name) {
  const shm::object_info info = info_of(name);
  fmt::print("{}  {}, attached {}\n", title(info), word_for(info.kind),
             info.attached == 1 ? "once" : fmt::format("{} times", info.attached));
  const auto attached = attached_processes();
  const auto found = attached.find(info.segment_id);
  std::vector<row> rows{{"PROCESS", "COMMAND", "MAY WRITE", "SEATS"}};
  std::size_t listed = 0;
  if (found != attached.end()) {
    for (const attached_process& one : found->second) {
      std::vector<std::string> seats;
      for (const shm::seat_info& seat : info.seats) {
        if (seat.process == one.process) seats.push_back(fmt::format("{}", seat.seat));
      }
      listed += seats.size();
      rows.push_back({fmt::format("{}", one.process), one.command, one.may_write ? "yes" : "no",
                      seats.empty() ? "-" : fmt::format("{}", fmt::join(seats, ","))});
    }
  }
  if (listed < info.seats.size()) {
    for (const shm::seat_info& seat : info.seats) {
      const bool shown = std::any_of(rows.begin() + 1, rows.end(), [&](const row& one) {
        return one[0] == fmt::format("{}", seat.process);
      });
      if (!shown)
        rows.push_back({process_title(seat.process), "?", "yes", fmt::format("{}", seat.seat)});
    }
  }
  if (rows.size() > 1) fmt::print("{}", table(rows));
  if (info.attached != 0 && rows.size() == 1) {
    fmt::print("their processes are another user's; root is told which\n");
  }
  if (info.lock == shm::lock_state::unknown) {
    fmt::print("seats: unknown\n");
  } else {
    fmt::print("seats: {} of {} taken\n", info.seats.size(), info.most_seats);
  }
  print_lock(info);
  require_sound(info);
  return done;
}

}  // namespace tool
