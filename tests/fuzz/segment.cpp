// Fuzz, segment: whatever bytes lie under a name, and change, a program gets an error or nonsense.
// SPDX-License-Identifier: MIT
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <shm.hpp>
#include <stdexcept>
#include <string>

#include "scenario.hpp"
#include "support/guarded_attach.hpp"
#include "support/types.hpp"

using namespace shm::detail;
using namespace std::chrono_literals;
using support::telemetry;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room);

// Time is made up, so that no input takes long: each wait passes at once, and the clock goes on by
// as long as the wait asked for, and by at least a slow machine's step.
namespace {
constexpr std::chrono::nanoseconds least_step = 50ms;
constexpr unsigned patience = 100;  // fruitless waits for semaphores, of one input
std::chrono::nanoseconds passed{0};
unsigned fruitless_waits = 0;

std::chrono::nanoseconds span_of(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}
}  // namespace

extern "C" int clock_gettime(clockid_t which, timespec* now) noexcept {
  const auto done = static_cast<int>(::syscall(SYS_clock_gettime, which, now));
  if (done == 0 && which == CLOCK_MONOTONIC) {
    const auto shown = span_of(*now) + passed;
    now->tv_sec = std::chrono::duration_cast<std::chrono::seconds>(shown).count();
    now->tv_nsec = (shown % 1s).count();
  }
  return done;
}

extern "C" int nanosleep(const timespec* span, timespec*) {
  passed += std::max(span_of(*span), least_step);
  return 0;
}

// Nobody else is there to end a wait. So where the library would wait without limit, at once or in
// slices, somebody takes the semaphores away meanwhile, as a forced removal does.
extern "C" int semtimedop(int id, sembuf* steps, std::size_t count,
                          const timespec* limit) noexcept {
  bool may_block = true;
  for (sembuf* step = steps; step != steps + count; ++step) {
    may_block = may_block && (step->sem_flg & IPC_NOWAIT) == 0;
    step->sem_flg = static_cast<short>(step->sem_flg | IPC_NOWAIT);
  }
  const auto done = static_cast<int>(::syscall(SYS_semtimedop, id, steps, count, nullptr));
  if (done == 0 || errno != EAGAIN || !may_block) return done;
  if (limit != nullptr) passed += std::max(span_of(*limit), least_step);
  const bool is_taken_away = limit == nullptr || ++fruitless_waits > patience;
  if (is_taken_away) ::semctl(id, 0, IPC_RMID);
  errno = is_taken_away ? EIDRM : EAGAIN;
  return done;
}

namespace {

using fuzz::scenario;

constexpr unsigned seats_made = 4;
constexpr set_mark the_mark = 0x1234567;
constexpr std::size_t elements = 3;
constexpr unsigned permits = 3;
using map = shm::map<std::uint32_t, telemetry, elements>;
using map_viewer = shm::map<std::uint32_t, const telemetry, elements>;

struct telemetry_of_others {
  BOOST_HANA_DEFINE_STRUCT(telemetry_of_others, (double, speed), (std::int16_t, gear));
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

const shm::key& the_key() {
  static const shm::key key("fuzz." + std::to_string(::getpid()));
  return key;
}

result<segment> found_segment() {
  return segment::find(the_key().segment_key());
}
result<semaphore_set> found_set_() {
  return semaphore_set::find(the_key().set_key());
}

void clear_away() {
  if (const auto left = found_segment(); left.ok()) static_cast<void>(left.value.remove());
  if (const auto left = found_set_(); left.ok()) static_cast<void>(left.value.remove());
}

shm::options small() {
  shm::options how;
  how.seats = seats_made;
  how.open_timeout = 0ms;
  return how;
}

/// The contents of one good segment of each kind.
const std::vector<fuzz::bytes>& good_contents() {
  static const auto contents = [] {
    std::vector<fuzz::bytes> made;
    const auto keep = [&made](const auto& handle) {
      const segment where = found_segment().value;
      const auto memory = attachment::of(where, attach_mode::read_only);
      const auto* const first =
          static_cast<const std::uint8_t*>(static_cast<const void*>(memory.value.address()));
      made.emplace_back(first, first + where.stat().value.size);
      static_cast<void>(handle.name());
      shm::remove(the_key(), shm::force);
    };
    keep(shm::object<telemetry>(the_key(), small()));
    keep(shm::array<telemetry, elements>(the_key(), small()));
    keep(shm::mutex(the_key(), small()));
    map cars(the_key(), small());
    for (std::uint32_t key = 0; key < elements; ++key) cars.insert(key, {1, 2});
    cars.erase(1);
    keep(cars);
    keep(shm::semaphore(the_key(), permits, small()));
    return made;
  }();
  return contents;
}

/// The other process, who writes at given steps of this one.
class scribbler {
 public:
  explicit scribbler(const scenario& plan) : plan_(plan) {
    present_ = this;
    crash_point_hook = [](const char*) { step(); };
  }
  scribbler(const scribbler&) = delete;
  scribbler& operator=(const scribbler&) = delete;
  ~scribbler() { crash_point_hook = nullptr; }

  static void step() {
    const unsigned now = present_->steps_++;
    for (const fuzz::scribble& one : present_->plan_.scribbles) {
      if (one.step == now) write(one);
    }
  }

 private:
  static void write(const fuzz::scribble& one) {
    const auto where = found_segment();
    if (!where.ok()) return;
    const auto memory = attachment::of(where.value, attach_mode::read_write);
    const auto facts = where.value.stat();
    const std::size_t width = std::min<std::size_t>(one.width, sizeof one.value);
    if (!memory.ok() || one.offset + width > facts.value.size) return;
    std::memcpy(memory.value.address() + one.offset, &one.value, width);
  }

  static inline scribbler* present_ = nullptr;
  const scenario& plan_;
  unsigned steps_ = 0;
};

/// A segment of those bytes, and semaphores, before the library sees them.
class found_things {
 public:
  found_things(const scenario& plan, fuzz::bytes content) : plan_(plan) {
    make_set();
    make_segment(std::move(content));
  }

 private:
  bool is(fuzz::condition asked) const { return (plan_.conditions & asked) != 0; }

  void make_set() {
    const unsigned which = plan_.set % 6;
    if (which == 0) return;
    const unsigned seats = which == 3 ? 1 : which == 4 ? seats_made + 3 : seats_made;
    set_ = semaphore_set::create(the_key().set_key(), seats, 0600).value;
    if (which != 2) {
      static_cast<void>(set_.say_ours());
      static_cast<void>(set_.put_mark(the_mark));
      set_ = set_.with_mark(the_mark);
    }
    if (which == 5) {  // another program's
      sembuf use{semaphore::ours, +1, 0};
      static_cast<void>(::syscall(SYS_semtimedop, set_.id(), &use, 1, nullptr));
    }
    for (unsigned seat = 0; seat < std::min(seats, 8u); ++seat) {
      if ((plan_.taken_seats >> seat & 1u) != 0) static_cast<void>(set_.take_seat(seat));
    }
    if (is(fuzz::edited_in_place)) static_cast<void>(set_.begin_raw_edit());
    if (is(fuzz::door_occupied)) static_cast<void>(set_.enter_door(1, deadline::never()));
  }

  void make_segment(fuzz::bytes content) {
    static constexpr unsigned modes[] = {0600, 0600, 0640, 0666};
    std::size_t size = content.size();
    switch (plan_.segment % 8) {
      case 1: return;
      case 2: size = 1 + content.size() / 2; break;
      case 3: size = content.size() + 1; break;
      case 4: size = 1; break;
      case 5: size = sizeof(header); break;
      case 6: size = content.size() + 4096; break;
      default: break;
    }
    if (size == 0) return;
    set_right(content);
    const segment made =
        segment::create(the_key().segment_key(), size, modes[plan_.mode % 4], false).value;
    auto memory = std::move(attachment::of(made, attach_mode::read_write).value);
    require(static_cast<bool>(memory), "a segment for the content");
    if (!content.empty()) {
      std::memcpy(memory.address(), content.data(), std::min(size, content.size()));
    }
    if (is(fuzz::somebody_attached)) other_ = std::move(memory);
  }

  /// What no fuzzer guesses.
  void set_right(fuzz::bytes& content) const {
    if (content.size() < sizeof(header)) return;
    auto* const at = content.data();
    description facts;
    std::memcpy(&facts, at + offsetof(header, fixed), sizeof facts);
    if (is(fuzz::right_mark)) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, sizeof word);
      word = life_word(life_word(word).state(), the_mark).bits();
      std::memcpy(at, &word, sizeof word);
    }
    if (is(fuzz::right_name)) {
      facts.name_length = static_cast<std::uint32_t>(the_key().name().size());
      std::memcpy(facts.name, the_key().name().data(), facts.name_length);
    }
    const std::size_t schema = sizeof(header) + std::size_t{facts.seats} * sizeof(seat_entry);
    if (is(fuzz::right_fingerprint) && schema <= content.size() &&
        facts.schema_length <= content.size() - schema) {
      const auto first = content.begin() + static_cast<std::ptrdiff_t>(schema);
      facts.fingerprint = shm::schema(std::string(first, first + facts.schema_length),
                                      facts.type_size, facts.type_alignment)
                              .fingerprint();
    }
    std::memcpy(at + offsetof(header, fixed), &facts, sizeof facts);
  }

  const scenario& plan_;
  semaphore_set set_;
  attachment other_;
};

/// False: refused, as documented. Whatever else is thrown ends the program.
template <class Job>
bool allowed(Job job) {
  try {
    job();
    return true;
  } catch (const shm::error&) {
  } catch (const std::out_of_range&) {
  }
  return false;
}

void work(const shm::object<const telemetry>& viewer) {
  static_cast<void>(viewer.name());
  static_cast<void>(viewer.version());
  allowed([&] { static_cast<void>(viewer.load()); });
}

void work(shm::object<telemetry>& car) {
  static_cast<void>(car.name());
  static_cast<void>(car.version());
  allowed([&] { static_cast<void>(car.load()); });
  allowed([&] { car.store({1, 2}); });
  allowed([&] { car.update([](telemetry& t) { ++t.gear; }); });
  allowed([&] {
    if (auto guard = car.try_lock()) {
      scribbler::step();
      (*guard)->gear = 3;
      guard->publish();
      (*guard)->gear = 4;
    }
  });
  allowed([&] {
    if (auto guard = car.try_lock_for(10us)) guard->discard();
  });
  allowed([&] {
    auto guard = car.lock();
    scribbler::step();
    guard->speed = 5;
  });
  allowed([&] { static_cast<void>(car.load()); });
}

template <std::size_t N>
void work(const shm::array<const telemetry, N>& viewer) {
  static_cast<void>(viewer.name());
  static_cast<void>(viewer.version());
  for (std::size_t i = 0; i <= viewer.size(); ++i) {
    allowed([&] { static_cast<void>(viewer.load(i)); });
  }
  allowed([&] { static_cast<void>(viewer.snapshot()); });
}

template <std::size_t N>
void work(shm::array<telemetry, N>& cars) {
  static_cast<void>(cars.name());
  static_cast<void>(cars.version());
  for (std::size_t i = 0; i <= cars.size(); ++i) {
    allowed([&] { static_cast<void>(cars.load(i)); });
    allowed([&] { cars.store(i, {1, 2}); });
    allowed([&] { cars.update(i, [](telemetry& t) { ++t.gear; }); });
  }
  allowed([&] {
    auto guard = cars.lock();
    scribbler::step();
    static_cast<void>(guard[0]);
    guard.store(1, {3, 4});
    if (guard.owner_died()) guard.mark_repaired();
  });
  allowed([&] { static_cast<void>(cars.try_lock_for(10us)); });
  allowed([&] {
    auto guard = cars.lock();
    for (telemetry& t : guard.raw()) t.gear = 5;
    scribbler::step();
    guard.mark_repaired();
  });
  allowed([&] { static_cast<void>(cars.snapshot()); });
  allowed([&] { static_cast<void>(cars.load(0)); });
}

void work(shm::semaphore& semaphore) {
  static_cast<void>(semaphore.name());
  allowed([&] { static_cast<void>(semaphore.available()); });
  allowed([&] {
    const auto one = semaphore.try_acquire();
    scribbler::step();
    static_cast<void>(semaphore.available());
  });
  allowed([&] { static_cast<void>(semaphore.try_acquire_for(10us)); });
}

void work(shm::mutex& mutex) {
  static_cast<void>(mutex.name());
  allowed([&] {
    mutex.lock();
    scribbler::step();
    if (mutex.owner_died()) mutex.mark_repaired();
    scribbler::step();
    mutex.unlock();
  });
  allowed([&] {
    if (!mutex.try_lock()) return;
    scribbler::step();
    mutex.unlock();
  });
  allowed([&] {
    if (mutex.try_lock_for(10us)) mutex.unlock();
  });
}

void work(const map_viewer& viewer) {
  static_cast<void>(viewer.name());
  static_cast<void>(viewer.version());
  for (std::uint32_t key = 0; key <= elements; ++key) {
    allowed([&] { static_cast<void>(viewer.find(key)); });
    allowed([&] { static_cast<void>(viewer.contains(key)); });
  }
  allowed([&] { require(viewer.size() <= elements, "a size that is bounded"); });
  allowed([&] {
    require(viewer.snapshot().size() <= slots_for(elements), "no more entries than slots");
  });
}

void work(map& cars) {
  static_cast<void>(cars.name());
  static_cast<void>(cars.version());
  for (std::uint32_t key = 0; key <= elements; ++key) {
    allowed([&] { static_cast<void>(cars.find(key)); });
    allowed([&] { cars.insert(key, {1, 2}); });
    allowed([&] { cars.insert_or_assign(key, {3, 4}); });
    allowed([&] {
      cars.update(key, [](telemetry& t) {
        scribbler::step();
        ++t.gear;
      });
    });
    allowed([&] { cars.try_update_for(10us, key, [](telemetry& t) { ++t.gear; }); });
    if (key != 1) allowed([&] { cars.erase(key); });
  }
  allowed([&] { require(cars.size() <= elements, "a size that is bounded"); });
  allowed([&] {
    require(cars.snapshot().size() <= slots_for(elements), "no more entries than slots");
  });
}

/// Of a map.
std::vector<std::byte> some_key(const shm::const_any_object& any) {
  const shm::field& key = any.value().members[0];
  return std::vector<std::byte>(key.size * key.count());
}

void work(const shm::const_any_object& any) {
  static_cast<void>(any.name());
  static_cast<void>(any.version());
  require(any.size() * any.element_size() == any.type().size(), "elements that fill the value");
  for (std::size_t i = 0; i <= std::min(any.size(), elements); ++i) {
    allowed([&] { require(any.load(i).size() == any.element_size(), "a whole element"); });
  }
  allowed([&] { static_cast<void>(any.snapshot()); });
  if (any.kind() == shm::object_kind::map) {
    allowed([&] { static_cast<void>(any.find(some_key(any))); });
  }
  allowed([&] {
    for (const shm::object_info& one : shm::list()) static_cast<void>(one.name);
  });
}

void work(shm::any_object& any) {
  work(any.read());
  for (std::size_t i = 0; i <= std::min(any.read().size(), elements); ++i) {
    allowed([&] {
      any.update(
          [](gsl::span<std::byte> draft) {
            scribbler::step();
            draft[0] ^= std::byte{1};
            return true;
          },
          i);
    });
  }
  if (any.read().kind() == shm::object_kind::map) {
    allowed([&] {
      any.try_update_entry_for(10us, some_key(any.read()), [](gsl::span<std::byte> entry) {
        scribbler::step();
        entry.back() ^= std::byte{1};
        return true;
      });
    });
  }
  allowed([&] { static_cast<void>(any.try_lock_for(10us)); });
}

/// Opens, calls `beside` while it is open, and works before and after.
template <class Handle, class Beside, class... Arguments>
void open(Beside beside, const Arguments&... arguments) {
  Handle handle(arguments...);
  work(handle);
  beside();
  work(handle);
}

/// any_object: semaphores made by its first opening stay, though a later one be refused.
bool opens_more_than_once(unsigned which) {
  return which % 24 == 18;
}

template <class Beside>
void open_one(unsigned which, const shm::options& how, Beside beside) {
  using object = shm::object<telemetry>;
  using array = shm::array<telemetry, elements>;
  using array_of_any_length = shm::array<telemetry>;
  const shm::key& key = the_key();
  if (which / 24 % 2 != 0) {
    switch (which % 24) {
      case 0:
      case 1:
      case 2: return open<shm::semaphore>(beside, key, permits, how);
      case 3: return static_cast<void>(shm::semaphore(key, permits + 1, how));
      case 4: return open<array_of_any_length>(beside, shm::open_or_create, key, elements, how);
      case 5: return open<array_of_any_length>(beside, key, how);
      case 6: return open<array_of_any_length>(beside, shm::create_only, key, elements, how);
      case 7: return open<shm::array<const telemetry>>(beside, key, how);
      default: break;
    }
  }
  switch (which % 24) {
    case 0: return open<object>(beside, key, how);
    case 1: return open<object>(beside, shm::open_only, key, how);
    case 2: return open<object>(beside, shm::create_only, key, how);
    case 3: return open<shm::object<const telemetry>>(beside, key, how);
    case 4: return open<array>(beside, key, how);
    case 5: return open<array>(beside, shm::open_only, key, how);
    case 6: return open<array>(beside, shm::create_only, key, how);
    case 7: return open<shm::array<const telemetry, elements>>(beside, key, how);
    case 8: return open<shm::mutex>(beside, key, how);
    case 9: return open<shm::mutex>(beside, shm::open_only, key, how);
    case 10: return open<shm::mutex>(beside, shm::create_only, key, how);
    case 11: return open<shm::mutex>(beside, shm::open_or_create, key, how);
    case 12: return shm::remove(key);
    case 13: return shm::remove(key, shm::force);
    case 14: return static_cast<void>(shm::object<telemetry_of_others>(key, how));
    case 15: return static_cast<void>(shm::array<telemetry, elements + 1>(key, how));
    case 16: return shm::remove_if_dead(key);
    case 17: return open<shm::const_any_object>(beside, key, how);
    case 18: return open<shm::any_object>(beside, key, how);
    case 20: return open<map>(beside, key, how);
    case 21: return open<map>(beside, shm::open_only, key, how);
    case 22: return open<map>(beside, shm::create_only, key, how);
    case 23: return open<map_viewer>(beside, key, how);
    default: return open<object>(beside, shm::key::from_value(key.segment_key()), how);
  }
}

shm::options options_of(const scenario& plan) {
  shm::options how = small();
  how.lock_in_memory = (plan.conditions & fuzz::locked_in_memory) != 0;
  how.prefault = how.lock_in_memory;
  if ((plan.conditions & fuzz::open_to_everyone) != 0) how.access = shm::access::everyone;
  return how;
}

void play(const scenario& plan, fuzz::bytes content) {
  const found_things before(plan, std::move(content));
  const bool no_segment = !found_segment().ok(), no_set = !found_set_().ok();
  const shm::options how = options_of(plan);
  const scribbler other(plan);
  const auto second = [&] { allowed([&] { open_one(plan.second, how, [] {}); }); };
  const bool opened = allowed([&] { open_one(plan.first, how, second); });
  // What somebody else has changed the life word of is left to the next opener.
  const bool word_is_ours_alone =
      std::none_of(plan.scribbles.begin(), plan.scribbles.end(), [](const fuzz::scribble& one) {
        return one.step != 0xffff && one.offset < sizeof(life_word);
      });
  if (!opened && no_set && word_is_ours_alone) {
    // An object whose semaphores were lost may have been adopted before the refusal.
    require(opens_more_than_once(plan.first) || !found_set_().ok() || found_segment().ok(),
            "a refused opening leaves no semaphores behind");
    require(!no_segment || !found_segment().ok(), "a refused opening leaves no segment behind");
  }
  allowed([] { shm::remove(the_key()); });
  allowed([] { shm::remove(the_key(), shm::force); });
}

/// The fuzzer has a thread of its own, which knows nothing of the library. Closed handles would be
/// kept for it, and the pages around their segments not be looked at.
void forget_fuzzers_thread() noexcept {
  __libc_single_threaded = 1;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::atexit(clear_away);
  forget_fuzzers_thread();
  static_cast<void>(good_contents());
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  scenario plan;
  if (size < sizeof plan) return 0;
  std::memcpy(&plan, data, sizeof plan);
  fruitless_waits = 0;
  forget_fuzzers_thread();
  play(plan, {data + sizeof plan, data + size});
  require(support::attachments() == 0, "everything is detached");
  clear_away();
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t room, unsigned seed) {
  fuzz::mutator mutator(good_contents(), seed);
  fuzz::bytes input(data, data + size);
  if (size <= sizeof(scenario) || seed % 50 == 0) input = mutator.fresh();
  if (seed % 8 == 1) return LLVMFuzzerMutate(data, size, room);
  for (unsigned changes = 1 + seed % 3; changes > 0; --changes) mutator.change(input);
  if (input.size() > room) return LLVMFuzzerMutate(data, size, room);
  std::copy(input.begin(), input.end(), data);
  return input.size();
}
