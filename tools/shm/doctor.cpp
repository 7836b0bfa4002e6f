// doctor: what is, or will be, in the way of shared memory here; each finding with its fix.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "commands.hpp"
#include "dead.hpp"
#include "objects.hpp"
#include "people.hpp"
#include "terminal.hpp"

namespace tool {

namespace {

namespace fs = std::filesystem;
using number = unsigned long long;

class examination {
 public:
  explicit examination(const doctor_options& how)
      : proc_(how.proc),
        etc_(how.etc),
        segments_(told(shm::detail::census::segments())),
        sets_(told(shm::detail::census::sets())) {}

  exit_code run() {
    check_segments();
    check_semaphores();
    check_huge_pages();
    check_namespace();
    check_remove_ipc();
    check_objects();
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

  /// Nearly used up is a finding while there is still time.
  void compare(const std::string& what, number used, number limit, const std::string& fix) {
    const std::string words = fmt::format("{}: {} of {} used", what, used, limit);
    if (used >= limit - limit / 5) {
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
            "sysctl -w kernel.shmmni=4096, or: shm gc");
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
    compare("semaphore sets (SEMMNI)", sets_.size(), limits[3],
            "raise the fourth number of: sysctl kernel.sem, or: shm gc");
    compare("semaphores (SEMMNS)", used, limits[1],
            "raise the second number of: sysctl kernel.sem");
    const number needed = shm::options().seats + shm::detail::semaphore::first_seat;
    const std::string words = fmt::format(
        "semaphores in a set (SEMMSL): {}, an object takes {} by default", limits[0], needed);
    if (limits[0] < needed) {
      finding(words, "raise the first number of: sysctl kernel.sem, or use fewer options::seats");
    } else {
      fine(words);
    }
    constexpr number at_once = 4;
    if (limits[2] < at_once) {
      finding(fmt::format("operations at once (SEMOPM): {}, and {} are needed", limits[2], at_once),
              "raise the third number of: sysctl kernel.sem");
    }
  }

  void check_huge_pages() const {
    const auto pages = numbers_in("sys/vm/nr_hugepages");
    if (pages.empty()) return;
    fine(pages[0] == 0 ? "huge pages: none; options::huge_pages falls back to ordinary ones"
                       : fmt::format("huge pages: {}", pages[0]));
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

  /// The last RemoveIPC= that says something; logind's default is yes.
  bool removes_ipc() const {
    std::vector<fs::path> files{fs::path(etc_) / "systemd/logind.conf"};
    std::error_code none;
    for (const auto& one : fs::directory_iterator(fs::path(etc_) / "systemd/logind.conf.d", none)) {
      files.push_back(one.path());
    }
    std::sort(files.begin() + 1, files.end());
    bool removes = true;
    for (const fs::path& file : files) {
      std::ifstream from(file);
      for (std::string line; std::getline(from, line);) {
        if (line.rfind("RemoveIPC=", 0) != 0) continue;
        const std::string value = line.substr(10);
        removes = !(value == "no" || value == "false" || value == "0" || value == "off");
      }
    }
    return removes;
  }

  void check_remove_ipc() {
    std::error_code none;
    if (!fs::exists(fs::path(etc_) / "systemd/logind.conf", none) || !removes_ipc()) {
      fine("logind does not remove IPC objects at logout");
      return;
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
    for (const shm::object_info& one : shm::list()) {
      if (is_closed(one)) {
        fine(fmt::format("{}: you may read it, but not its semaphores: root is told more",
                         title(one)));
      } else if (!one.problem.empty()) {
        finding(fmt::format("{}: {}", title(one), problem_of(one)),
                fmt::format("end its programs, then: shm rm --force {}", title(one)));
      } else if (one.set_id == -1) {
        finding(fmt::format("{}: its semaphore set is gone", title(one)),
                "restart its programs; the first that opens it puts it in order");
      } else if (one.lock == shm::lock_state::owner_died || one.needs_repair) {
        finding(fmt::format("{}: a holder of its lock died inside", title(one)),
                "a program that can repair it locks it and calls mark_repaired()");
      }
    }
    for (const auto& one : segments_) {
      const shm::detail::ownership& owner = one.owner;
      if (owner.owner != ::geteuid() || (owner.mode & 0400) != 0 || ::geteuid() == 0) continue;
      finding(fmt::format("segment {}: its own owner may not read it (mode {:04o})",
                          shm::detail::hex(one.key), owner.mode),
              fmt::format("ipcrm -m {}, and create it with another mode", one.id));
    }
  }

  void check_dead() {
    const std::vector<dead_object> dead = dead_objects();
    for (const dead_object& one : dead) {
      finding(fmt::format("{} is dead: {}", one.title, one.why), "shm gc");
    }
  }

  std::string proc_;
  std::string etc_;
  std::vector<shm::detail::counted_segment> segments_;
  std::vector<shm::detail::counted_set> sets_;
  unsigned findings_ = 0;
};

}  // namespace

exit_code doctor(const doctor_options& how) {
  return examination(how).run();
}

}  // namespace tool
