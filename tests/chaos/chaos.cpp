// Chaos: processes killed and stopped at random under every load, and all check all they see.
// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <thread>
#include <vector>

#include "actor.hpp"
#include "support/shared_page.hpp"
#include "support/watchdog.hpp"

using namespace chaos;
using std::chrono::steady_clock;

namespace {

constexpr auto stalled_after = std::chrono::seconds(30);

class run {
 public:
  run(unsigned processes, std::uint64_t seed) : random_(seed) {
    world_.book = &*book_;
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // children of the killed come to us
    for (unsigned slot = 0; slot < processes; ++slot) actors_.push_back(start(slot));
    seen_progress_.resize(processes);
    moved_at_.resize(processes, steady_clock::now());
  }

  void until(steady_clock::time_point end) {
    auto next_line = steady_clock::now();
    const auto begun = next_line;
    while (steady_clock::now() < end) {
      kill_one();
      look_for_stalls();
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 2000));
      if (steady_clock::now() < next_line) continue;
      next_line += std::chrono::seconds(1);
      print_progress(std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - begun));
    }
    actors_.clear();
    while (::waitpid(-1, nullptr, 0) != -1) {
    }
  }

  /// With nobody left: what they did is all there, everything works, and everything goes away.
  void settle() {
    const support::watchdog watchdog(60);
    check_object<small>(world_.object_small);
    check_object<middle>(world_.object_middle);
    check_object<large>(world_.object_large);
    for (const small& v : shm::array<small, counters>(world_.counting).snapshot()) {
      if (!v.is_whole()) violated(book_->found.torn);
    }
    shm::array<std::int64_t, accounts> bank(world_.bank);
    bank.lock().mark_repaired();
    shm::array<small, accounts> bulk(world_.bulk);
    bulk.lock().mark_repaired();
    shm::mutex mutex(world_.mutex);
    mutex.lock();
    mutex.unlock();
    { shm::object<small> brief(world_.brief, until_last_detach()); }
    if (shm::detail::segment::find(world_.brief.key().segment_key()).ok()) {
      violated(book_->found.leaks);
    }
  }

  void remove_all() {
    for (const support::name* name :
         {&world_.object_small, &world_.object_middle, &world_.object_large, &world_.counting,
          &world_.bank, &world_.bulk, &world_.by_key, &world_.mutex, &world_.brief,
          &world_.coming_and_going, &world_.taken_by_force}) {
      shm::remove(*name);
    }
    for (const std::string& name : support::names::take_leftovers()) {
      std::fprintf(stderr, "left behind: \"%s\"\n", name.c_str());
      violated(book_->found.leaks);
    }
  }

  bool print_figures() const {
    const violations& found = book_->found;
    const auto line = [](const char* what, std::uint64_t number) {
      std::printf("%-44s %12llu\n", what, static_cast<unsigned long long>(number));
    };
    line("killed with kill -9", book_->kills);
    line("stopped for a while", book_->stops);
    line("deaths inside a lock, told and repaired", book_->recoveries);
    line("actions", book_->actions);
    line("values read", book_->reads);
    line("VIOLATIONS torn", found.torn);
    line("           lost", found.lost);
    line("           backwards", found.backwards);
    line("           two inside one lock", found.shared);
    line("           half-made and not told", found.untold);
    line("           errors without reason", found.refused);
    line("           stalls", found.stalls);
    line("           leaks", found.leaks);
    return found.sum() == 0;
  }

 private:
  support::child start(unsigned slot) {
    const std::uint64_t seed = random_();
    return support::child([this, slot, seed]() -> int {
      if (slot == 0) reader(opened_by_somebody(), slot).run();
      actor(world_, slot, seed).run();
    });
  }

  /// A reader creates nothing.
  world& opened_by_somebody() {
    { shm::object<small> made(world_.object_small); }
    { shm::object<large> made(world_.object_large); }
    { shm::array<small, counters> made(world_.counting); }
    { small_by_key made(world_.by_key); }
    return world_;
  }

  void kill_one() {
    const auto slot = static_cast<unsigned>(random_() % actors_.size());
    support::child& victim = actors_[slot];
    int status = 0;
    if (::waitpid(victim.pid(), &status, WNOHANG) != 0) {
      std::fprintf(stderr, "a process ended by itself: status %d\n", status);
      violated(book_->found.refused);
    } else if (random_() % 16 == 0) {
      ::kill(victim.pid(), SIGSTOP);
      book_->stops++;
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 20000));
      ::kill(victim.pid(), SIGCONT);
      if (random_() % 2 == 0) return;
    }
    victim.kill();
    book_->kills++;
    victim = start(slot);
  }

  void look_for_stalls() {
    const auto now = steady_clock::now();
    for (unsigned slot = 0; slot < actors_.size(); ++slot) {
      const std::uint64_t progress = book_->progress[slot];
      if (progress != seen_progress_[slot]) {
        seen_progress_[slot] = progress;
        moved_at_[slot] = now;
      } else if (now - moved_at_[slot] > stalled_after) {
        std::fprintf(stderr, "process %u does not get on\n", slot);
        violated(book_->found.stalls);
        moved_at_[slot] = now;
      }
    }
  }

  template <class T>
  void check_object(const support::name& name) {
    const shm::object<T> object(name);
    const T last = object.load();
    if (!last.is_whole()) violated(book_->found.torn);
    if (last.value() != object.version()) violated(book_->found.lost);
  }

  void print_progress(std::chrono::seconds since) const {
    std::printf("%4lld s: %llu kills, %llu recoveries, %llu actions, %llu violations\n",
                static_cast<long long>(since.count()),
                static_cast<unsigned long long>(book_->kills.load()),
                static_cast<unsigned long long>(book_->recoveries.load()),
                static_cast<unsigned long long>(book_->actions.load()),
                static_cast<unsigned long long>(book_->found.sum()));
    std::fflush(stdout);
  }

  support::shared_page<ledger> book_;
  world world_;
  std::mt19937_64 random_;
  std::vector<support::child> actors_;
  std::vector<std::uint64_t> seen_progress_;
  std::vector<steady_clock::time_point> moved_at_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App options(
      "Kills processes at random and checks what the others see; exit status 1 when a promise "
      "broke");
  unsigned seconds = 20, processes = 8;
  std::uint64_t seed = std::random_device()();
  options.add_option("--seconds", seconds, "how long")->capture_default_str();
  options.add_option("--seed", seed, "of what is random here (the scheduler is, too)");
  options.add_option("--processes", processes, "how many at once")
      ->check(CLI::Range(2u, most_processes))
      ->capture_default_str();
  CLI11_PARSE(options, argc, argv);

  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  run chaos_run(processes, seed);
  chaos_run.until(steady_clock::now() + std::chrono::seconds(seconds));
  chaos_run.settle();
  chaos_run.remove_all();
  return chaos_run.print_figures() ? 0 : 1;
}
