// Interleavings: a reader beside a writer, stopped at every combination of their steps.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <limits>
#include <mutex>
#include <shm.hpp>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using value = support::uniform<3>;  // a word for each third of a copy

namespace {

/// Runs the job in a thread of its own, which stops at each crash point until it may go on.
class stepwise {
 public:
  explicit stepwise(std::function<void()> job)
      : thread_([this, job = std::move(job)] {
          in_this_thread() = this;
          job();
          const std::lock_guard lock(mutex_);
          finished_ = true;
          moved_.notify_all();
        }) {}
  stepwise(const stepwise&) = delete;
  stepwise& operator=(const stepwise&) = delete;
  ~stepwise() {
    go_on_to(std::numeric_limits<int>::max());
    thread_.join();
  }

  static stepwise*& in_this_thread() {
    static thread_local stepwise* running = nullptr;
    return running;
  }

  /// Until it has left that many crash points behind it, or has finished.
  void go_on_to(int step) {
    std::unique_lock lock(mutex_);
    allowed_ = step;
    moved_.notify_all();
    moved_.wait(lock, [this] { return finished_ || at_ > allowed_; });
  }

  void stop_here() {
    std::unique_lock lock(mutex_);
    ++at_;
    moved_.notify_all();
    moved_.wait(lock, [this] { return at_ <= allowed_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  int at_ = 0, allowed_ = -1;
  bool finished_ = false;
  std::thread thread_;  // last: it uses all of the above
};

/// What happens at the crash points of the reader, which runs in the test's own thread.
std::function<void()> at_reader_stop;

void hook(const char*) {
  if (stepwise* const writer = stepwise::in_this_thread()) {
    writer->stop_here();
  } else if (at_reader_stop) {
    at_reader_stop();
  }
}

/// All ways to choose `length` of the numbers up to `most`, none smaller than the one before it.
template <class Use>
void for_each_rising(int most, std::size_t length, Use use) {
  std::vector<int> chosen(length, 0);
  for (;;) {
    use(chosen);
    std::size_t last = length;
    while (last > 0 && chosen[last - 1] == most) --last;
    if (last == 0) return;
    const int next = chosen[last - 1] + 1;
    std::fill(chosen.begin() + static_cast<std::ptrdiff_t>(last) - 1, chosen.end(), next);
  }
}

/// The writer stores 1, 2, … ; the reader starts when the writer has come to pauses[0], and lets it
/// go on to the next of the pauses at each stop of its own. What it accepts must be whole, not
/// older than what was published when it began, and not newer than what is published at the end.
template <class Scene>
void check(const std::vector<int>& pauses) {
  Scene scene;
  value seen{};
  bool accepted = false;
  std::uint64_t before = 0, after = 0;
  {
    stepwise writer([&scene] { scene.write(); });
    writer.go_on_to(pauses[0]);
    before = scene.published();
    std::size_t stop = 1;
    at_reader_stop = [&] {
      if (stop < pauses.size()) writer.go_on_to(pauses[stop]);
      ++stop;
    };
    accepted = scene.read(seen);
    at_reader_stop = nullptr;
    after = scene.published();
  }
  if (!accepted) return;
  if (!seen.is_whole() || seen.value() < before || seen.value() > after) {
    CAPTURE(pauses, seen.words, before, after);
    FAIL("accepted, and wrong");
  }
}

struct cell_scene {
  using cell = versioned_cell<cell_shape<sizeof(value), alignof(value)>>;
  static constexpr int stores = 5, steps = stores * 5;

  void write() {
    process::prepare();
    for (std::uint64_t i = 1; i <= stores; ++i) {
      const value next = value::of(i);
      cell().publish(head, payload.data(), &next);
    }
  }
  bool read(value& to) { return cell().try_read(head.version, payload.data(), &to); }
  std::uint64_t published() const { return head.version; }

  header head{};
  alignas(64) std::array<std::byte, cell::payload_size> payload{};
};

/// `Other`: the element that is stored between two stores of the one that is read.
template <std::size_t Other>
struct array_scene {
  static constexpr std::size_t elements = 300, read_one = 3;
  static constexpr int steps = 2 * 11;
  using memory_type = array_memory<value, elements>;
  using view = journalled_array_view<memory_type>;

  void write() {
    const value one = value::of(1), two = value::of(2);
    view(*memory).store(read_one, &one, [] {});
    view(*memory).store(Other, &two, [] {});
  }
  bool read(value& to) { return view(*memory).try_read(read_one, &to); }
  /// Even commits.
  std::uint64_t published() const {
    const std::uint64_t stores = memory->sequences[read_one].load() / 2;
    return Other == read_one ? stores : std::min<std::uint64_t>(stores, 1);
  }

  std::unique_ptr<memory_type> memory = std::make_unique<memory_type>();
};

/// Somebody died in the middle of a store of the element that is read; another repairs it, stores
/// another element, and then this one.
struct repair_scene : array_scene<4> {
  static constexpr int steps = 6 + 2 * 11;

  repair_scene() {
    memory->sequences[read_one] = 1;
    memory->journal_index = 1 + read_one;
    memory->elements[read_one * sizeof(value)] = std::byte{99};
    const value other = value::of(55);
    std::memcpy(memory->elements + 4 * sizeof(value), &other, sizeof other);
  }
  void write() {
    const value one = value::of(1), other = value::of(77);
    static_cast<void>(view(*memory).repair([] {}));
    view(*memory).store(4, &other, [] {});
    view(*memory).store(read_one, &one, [] {});
  }
  std::uint64_t published() const { return memory->sequences[read_one].load() >= 4 ? 1 : 0; }
};

/// `stops`: of the reader, its start among them, at which the writer may go on.
template <class Scene>
void check_all(std::size_t stops) {
  const support::watchdog watchdog(600);
  crash_point_hook = hook;
  for_each_rising(Scene::steps, stops,
                  [](const std::vector<int>& pauses) { check<Scene>(pauses); });
  crash_point_hook = nullptr;
}

}  // namespace

TEST_CASE("a value that a reader accepts is whole and fresh, wherever reader and writer stop") {
  check_all<cell_scene>(4);
}

TEST_CASE("an element that a reader accepts is whole and fresh, wherever reader and writer stop") {
  check_all<array_scene<3>>(4);
}

TEST_CASE("so it is beside stores of an element that shares its sequence, and of any other") {
  check_all<array_scene<3 + 256>>(3);
  check_all<array_scene<4>>(3);
}

TEST_CASE("so it is beside the repair of what somebody left who died in a store") {
  check_all<repair_scene>(3);
}
