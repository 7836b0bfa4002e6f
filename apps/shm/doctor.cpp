// doctor: what is, or will be, in the way of shared memory here; each finding with its fix.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "commands.hpp"
#include "dead.hpp"
#include "logind.hpp"
#include "objects.hpp"
#include "people.hpp"
#include "shell_word.hpp"
#include "terminal.hpp"

namespace tool {

namespace {

namespace fs = std::filesystem;
using number = unsigned long long;

/// IPCMNI: of one kind.
constexpr number most_ids = 32768;
constexpr const char* kernel_has_no_more_ids =
    "shm gc, or end programs: the kernel has no more, unless booted with ipcmni_extend";

class examination {
 public:
  explicit examination(const doctor_options& how)
      : proc_(how.proc),
        root_(how.root),
        segments_(told(shm::detail::census::segments())),
        sets_(told(shm::detail::census::sets())) {}

  exit_code run() {
    check_segments();
    check_semaphores();
    check_huge_pages();
    check_locked_memory();
    check_namespace();
    check_remove_ipc();
    check_objects();
    check_unreadable();
    check_dead();
    if (findings_ == 0) fmt::print("{}\n", styled("nothing to mend", style::strong));
    return findings_ == 0 ? done : answer_is_no;
  }

 private:
  void fine(const std::string& what) const { fmt::print("ok       {}\n", what); }
  void finding(const std::string& what, const std::string& fix) {
    ++findings_;
    fmt::print("{}\n         fix: {}\n", styled("finding  " + what, style::alarming), fix);
  }

  std::vector<number> numbers_in(const std::string& file) const {
    std::ifstream from(fs::path(proc_) / file);
    std::vector<number> all;
    for (number one = 0; from >> one;) all.push_back(one);
    return all;
  }

  /// A finding while there is still time.
  static bool nearly_used_up(number used, number limit) { return used >= limit - limit / 5; }

  void compare(const std::string& what, number used, number limit, const std::string& fix) {
    const std::string words = fmt::format("{}: {} of {} used", what, used, limit);
    if (nearly_used_up(used, limit)) {
      finding(words, fix);
    } else {
      fine(words);
    }
  }

  void check_segments() {
    const auto most = numbers_in("sys/kernel/shmmni");
    const auto pages = numbers_in("sys/kernel/shmall");
    const auto largest = numbers_in("sys/kernel/shmmax");
    if (most.empty() || pages.empty() || largest.empty()) {
      finding("the kernel's limits of segments cannot be read",
              "mount proc: mount -t proc proc /proc");
      return;
    }
    const auto page = static_cast<number>(::sysconf(_SC_PAGESIZE));
    number used = 0;
    for (const auto& one : segments_) used += (one.size + page - 1) / page;
    compare("segments (SHMMNI)", segments_.size(), most[0],
            most[0] < most_ids ? fmt::format("sysctl -w kernel.shmmni={}, or: shm gc",
                                             std::min(2 * most[0], most_ids))
                               : kernel_has_no_more_ids);
    compare("pages of shared memory (SHMALL)", used, pages[0],
            "sysctl -w kernel.shmall=18446744073692774399, or: shm gc");
    constexpr number small = 64 << 20;
    const std::string words =
        fmt::format("largest segment (SHMMAX): {}", bytes_in_words(largest[0]));
    if (largest[0] < small) {
      finding(words, "sysctl -w kernel.shmmax=18446744073692774399");
    } else {
      fine(words);
    }
  }

  void check_semaphores() {
    const auto limits = numbers_in("sys/kernel/sem");  // SEMMSL SEMMNS SEMOPM SEMMNI
    if (limits.size() != 4) {
      finding("the kernel's limits of semaphores cannot be read",
              "mount proc: mount -t proc proc /proc");
      return;
    }
    number used = 0;
    for (const auto& one : sets_) used += one.semaphores;
    const auto raise = [&](std::size_t which, number to) {
      auto raised = limits;
      raised[which] = to;
      return fmt::format("sysctl -w kernel.sem='{}'", fmt::join(raised, " "));
    };
    compare("semaphore sets (SEMMNI)", sets_.size(), limits[3],
            limits[3] < most_ids ? raise(3, std::min(2 * limits[3], most_ids)) + ", or: shm gc"
                                 : kernel_has_no_more_ids);
    compare("semaphores (SEMMNS)", used, limits[1], raise(1, 2 * limits[1]) + ", or: shm gc");
    const number needed = shm::options().seats + shm::detail::semaphore::first_seat;
    const std::string words = fmt::format(
        "semaphores in a set (SEMMSL): {}, an object takes {} by default", limits[0], needed);
    if (limits[0] < needed) {
      finding(words, raise(0, needed) + ", or use fewer options::seats");
    } else {
      fine(words);
    }
    constexpr number at_once = 4;
    if (limits[2] < at_once) {
      finding(fmt::format("operations at once (SEMOPM): {}, and {} are needed", limits[2], at_once),
              raise(2, at_once));
    }
  }

  void check_huge_pages() const {
    const auto pages = numbers_in("sys/vm/nr_hugepages");
    if (pages.empty()) return;
    fine(pages[0] == 0 ? "huge pages: none; options::huge_pages falls back to ordinary ones"
                       : fmt::format("huge pages: {}", pages[0]));
  }

  /// Of this user: options::lock_in_memory and whatever else locks segments.
  void check_locked_memory() {
    const std::string what = "memory of segments to be locked (RLIMIT_MEMLOCK)";
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
    if (::geteuid() == 0 || limit.rlim_cur == RLIM_INFINITY) {
      fine(what + ": without limit");
      return;
    }
    const number used = locked_bytes();
    const std::string words = fmt::format("{}: {} of {} used", what, bytes_in_words(used),
                                          bytes_in_words(limit.rlim_cur));
    if (nearly_used_up(used, limit.rlim_cur)) {
      finding(words,
              "raise it: LimitMEMLOCK= of a systemd unit, memlock in "
              "/etc/security/limits.conf, or ulimit -l; it is for options::lock_in_memory");
    } else {
      fine(words);
    }
  }

  number locked_bytes() const {
    std::ifstream from(fs::path(proc_) / "sysvipc/shm");
    std::string line;
    std::getline(from, line);  // the columns' titles
    number all = 0;
    while (std::getline(from, line)) {
      std::istringstream words(line);
      long key = 0;
      int id = 0;
      unsigned mode = 0;
      number size = 0;
      long process = 0;
      number attached = 0;
      unsigned owner = 0;
      words >> key >> id >> std::oct >> mode >> std::dec >> size >> process >> process >>
          attached >> owner;
      if (words && (mode & SHM_LOCKED) != 0 && owner == ::geteuid()) all += size;
    }
    return all;
  }

  void check_namespace() const {
    std::error_code unknown;
    const std::string ours = fs::read_symlink(fs::path(proc_) / "self/ns/ipc", unknown);
    std::error_code hidden;
    const std::string first = fs::read_symlink(fs::path(proc_) / "1/ns/ipc", hidden);
    if (unknown) return;
    const bool apart = !hidden && ours != first;
    fine(fmt::format(
        "IPC namespace: {}{}", ours,
        apart ? ", not that of process 1: objects outside of it are not seen here" : ""));
  }

  void check_remove_ipc() {
    switch (logind_of(root_)) {
      case logind::absent:
        fine("there is no systemd-logind, which could remove IPC objects");
        return;
      case logind::leaves_ipc: fine("logind does not remove IPC objects at logout"); return;
      case logind::removes_ipc: break;
    }
    constexpr unsigned first_ordinary_user = 1000;
    std::vector<std::string> threatened;
    for (const shm::object_info& one : shm::list()) {
      if (one.owner >= first_ordinary_user) threatened.push_back(title(one));
    }
    if (threatened.empty()) {
      fine("logind removes IPC objects of users who log out (RemoveIPC); none here is one's");
      return;
    }
    finding(fmt::format("logind removes semaphores when their user logs out (RemoveIPC): {}",
                        fmt::join(threatened, ", ")),
            "RemoveIPC=no in /etc/systemd/logind.conf, or run the programs as a system user");
  }

  void check_objects() {
    const attached_by_id attached = attached_processes();
    for (const shm::object_info& one : shm::list()) {
      const std::string name = title(one);
      const bool in_use =
          one.state == shm::object_state::ready || one.state == shm::object_state::removing;
      if (is_closed(one)) {
        fine(fmt::format("{}: you may read it, but not its semaphores: root is told more", name));
      } else if (!one.problem.empty()) {
        finding(fmt::format("{}: {}", name, problem_of(one)),
                fmt::format("end its programs, then: shm rm --force {}", shell_word(name)));
      } else if (in_use && one.set_id == -1) {
        check_lost_set(one, attached);
      } else if (in_use) {
        check_lock(one);
        check_seats(one);
      }
    }
  }

  /// Who opens it takes the value over only when nobody is attached: else it is made anew.
  void check_lost_set(const shm::object_info& one, const attached_by_id& attached) {
    if (one.attached == 0) {
      finding(fmt::format("{}: its semaphore set is gone; nobody is attached", title(one)),
              "start its programs: the first that opens it puts it in order and keeps the value");
      return;
    }
    finding(fmt::format("{}: its semaphore set is gone while processes are attached: {}",
                        title(one), attached_words(attached, one.segment_id, one.attached)),
            "end all of them, also a `shm watch`, before the first is started again, which then "
            "keeps the value; a program that opens it while another is attached makes it anew, "
            "and the value is lost");
  }

  void check_lock(const shm::object_info& one) {
    const bool owner_died = one.lock == shm::lock_state::owner_died;
    const bool is_always_whole =
        one.kind == shm::object_kind::object || one.kind == shm::object_kind::map;
    if (is_always_whole) {  // has the value before, or the new one, always
      if (owner_died) {
        fine(
            fmt::format("{}: a holder of its lock died, and its value is whole; the next one who "
                        "locks it takes it over",
                        title(one)));
      }
    } else if (owner_died || one.needs_repair) {
      finding(
          fmt::format("{}: a holder of its lock died inside", title(one)),
          fmt::format("a program that can repair it locks it and calls mark_repaired(); or, when "
                      "what it left is in order: shm repaired {}",
                      shell_word(title(one))));
    }
  }

  void check_seats(const shm::object_info& one) {
    if (!nearly_used_up(one.seats.size(), one.most_seats)) return;
    std::vector<std::string> people;
    for (const shm::seat_info& seat : one.seats) people.push_back(process_title(seat.process));
    finding(fmt::format("{}: {} of {} seats taken: {}", title(one), one.seats.size(),
                        one.most_seats, fmt::join(people, ", ")),
            fmt::format("end some of them; or all, then `shm rm {}`, and have it created with more "
                        "options::seats",
                        shell_word(title(one))));
  }

  /// The kernel tells that they are there; that a set is beside them tells that they are ours.
  void check_unreadable() {
    for (const auto& one : segments_) {
      const shm::detail::ownership& owner = one.owner;
      if (::geteuid() == 0) return;
      if (owner.owner != ::geteuid()) {
        check_closed_to_us(one);
        continue;
      }
      if ((owner.mode & 0400) != 0) continue;
      finding(fmt::format("segment {}: its own owner may not read it (mode {:04o})",
                          shm::detail::hex(one.key), owner.mode),
              fmt::format("ipcrm -m {}, and create it with another mode", one.id));
    }
  }

  void check_closed_to_us(const shm::detail::counted_segment& one) {
    if (shm::key::is_reserved(one.key)) return;
    const shm::key key = shm::key::from_value(one.key);
    const auto segment = shm::detail::segment::find(one.key);
    if (!segment.ok() || segment.value.stat().error_number != EACCES) return;
    const bool is_ours = std::any_of(sets_.begin(), sets_.end(),
                                     [&](const auto& set) { return set.key == key.set_key(); });
    if (!is_ours) return;
    const std::string owner = user_name(one.owner.owner);
    finding(fmt::format("{}: {} may not read it: it belongs to {}, mode {:04o}", key.name(),
                        user_name(::geteuid()), owner, one.owner.mode),
            fmt::format("run this as {}root, or have its programs create it with another "
                        "shm::access",
                        one.owner.owner == 0 ? "" : owner + " or as "));
  }

  void check_dead() {
    const std::vector<dead_object> dead = dead_objects();
    for (const dead_object& one : dead) {
      finding(fmt::format("{} is dead: {}", one.title, one.why), "shm gc");
    }
  }

  std::string proc_;
  std::string root_;
  std::vector<shm::detail::counted_segment> segments_;
  std::vector<shm::detail::counted_set> sets_;
  unsigned findings_ = 0;
};

}  // namespace

exit_code doctor(const doctor_options& how) {
  return examination(how).run();
}

}  // namespace tool
