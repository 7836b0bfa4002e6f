// Layout: prints one object of each kind as it lies in memory, and the numbers that go with it.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <shm.hpp>
#include <string_view>

#include "picture.hpp"

using namespace shm::detail;
using support::picture;

namespace {

using seconds = std::chrono::duration<double>;
enum class flag : std::uint32_t { green, red = 9 };

/// Without padding, whose bytes nobody sets.
struct lap {
  BOOST_HANA_DEFINE_STRUCT(lap, (std::uint32_t, car), (std::uint16_t, round),
                           (std::array<std::int8_t, 2>, wear),
                           (std::chrono::duration<double>, time), (shm::static_string<12>, driver),
                           (flag, shown), (std::uint32_t, stops));
};

/// These do not compile when a member is added or taken away: the picture has to show that, too.
[[maybe_unused]] void all_members(const header& head, const description& fixed,
                                  const seat_entry& seat, const array_memory<lap, 3>& array,
                                  const table_counts& counts, const slot_head& slot) {
  [[maybe_unused]] const auto& [life, lock, version, section, waiters, watched, alarm, in_line,
                                last, reserved, constant] = head;
  [[maybe_unused]] const auto& [layout, kind, until, seats, name_length, schema_length, size,
                                alignment, fingerprint, payload_size, payload_offset, name, boot,
                                in_flight_offset, in_flight_size, wake_readers] = fixed;
  [[maybe_unused]] const auto& [incarnation, generation, process] = seat;
  [[maybe_unused]] const auto& [bulk, index, sequences, journal, elements] = array;
  [[maybe_unused]] const auto& [now, next_size, next_version, committing, changing] = counts;
  [[maybe_unused]] const auto& [reach, state] = slot;
}

/// A name of one length whatever the process id, and no object of that name afterwards.
class name_of_its_own {
 public:
  name_of_its_own() { std::snprintf(text_, sizeof text_, "picture.%08d", ::getpid()); }
  name_of_its_own(const name_of_its_own&) = delete;
  name_of_its_own& operator=(const name_of_its_own&) = delete;
  ~name_of_its_own() { shm::remove(text_, shm::force); }

  shm::key key() const { return text_; }

 private:
  char text_[24];
};

shm::options two_seats() {
  shm::options how;
  how.seats = 2;
  return how;
}

void show_object() {
  const name_of_its_own name;
  shm::object<lap> shared(shm::create_only, name.key(),
                          lap{1, 2, {3, 4}, seconds(0.5), "Ilse", flag::red, 1}, two_seats());
  for (std::uint16_t round = 3; round < 6; ++round)
    shared.store({1, round, {-1, -2}, seconds(1.0), "Jan", flag::green, 2});
  picture shown("object, after three stores", name.key());
  const std::byte* const payload = shown.payload();
  using cell = cell_of<lap>;
  for (std::size_t copy = 0; copy < cell::copies; ++copy) {
    shown.show("copy", payload + copy * cell::stride, sizeof(lap));
  }
  shown.print();
}

void show_array(const shm::key& key) {
  picture shown("array, in the middle of a store inside a locked section", key);
  const auto& memory =
      *static_cast<const array_memory<lap, 3>*>(static_cast<const void*>(shown.payload()));
  shown.show("bulk", memory.bulk);
  shown.show("journal_index", memory.journal_index);
  for (const auto& sequence : memory.sequences) shown.show("sequence", sequence);
  shown.show("journal", memory.journal);
  for (std::size_t i = 0; i < 3; ++i) {
    shown.show("element", memory.elements + i * sizeof(lap), sizeof(lap));
  }
  shown.print();
}

void show_array() {
  const name_of_its_own name;
  shm::array<lap, 3> laps(shm::create_only, name.key(),
                          lap{7, 1, {0, 0}, seconds(0.25), {}, {}, {}}, two_seats());
  {
    auto guard = laps.lock();
    guard.raw()[0].time = seconds(2.0);
  }
  auto section = laps.lock();
  static const name_of_its_own* shown_name = nullptr;
  shown_name = &name;
  crash_point_hook = [](const char* step) {
    if (std::string_view(step) == "array: element written") show_array(shown_name->key());
  };
  section.store(1, {8, 2, {5, 6}, seconds(4.0), {}, {}, {}});
  crash_point_hook = nullptr;
}

using car_map = shm::map<std::uint32_t, std::uint32_t, 2>;

void show_map(const shm::key& key) {
  picture shown("map, in the middle of an insert", key);
  const auto& memory = *static_cast<const table_memory<std::uint32_t, std::uint32_t, 2>*>(
      static_cast<const void*>(shown.payload()));
  shown.show("size", memory.counts.size);
  shown.show("next_size", memory.counts.next_size);
  shown.show("next_version", memory.counts.next_version);
  shown.show("committing", memory.counts.committing);
  shown.show("changing", memory.counts.changing);
  shown.show("bulk", memory.slots.bulk);
  shown.show("journal_index", memory.slots.journal_index);
  for (const auto& sequence : memory.slots.sequences) shown.show("sequence", sequence);
  shown.show("journal", memory.slots.journal);
  for (std::size_t i = 0; i < memory.slots.count; ++i) {
    shown.show("slot: reach, state, key, value",
               memory.slots.elements + i * memory.slots.element_size, memory.slots.element_size);
  }
  shown.print();
}

void show_map() {
  const name_of_its_own name;
  car_map cars(shm::create_only, name.key(), two_seats());
  cars.insert(3, 30);
  cars.insert_or_assign(3, 33);
  static const name_of_its_own* shown_name = nullptr;
  shown_name = &name;
  crash_point_hook = [](const char* step) {
    if (std::string_view(step) == "array: element written") show_map(shown_name->key());
  };
  cars.insert(4, 44);
  crash_point_hook = nullptr;
}

void show_mutex() {
  const name_of_its_own name;
  shm::mutex mutex(shm::create_only, name.key(), two_seats());
  const shm::scoped_lock held(mutex);
  picture("mutex, locked", name.key()).print();
}

void show_semaphore() {
  const name_of_its_own name;
  shm::semaphore semaphore(name.key(), 3, two_seats());
  const shm::permit one = semaphore.acquire();
  picture("semaphore of three permits", name.key()).print();
}

void show_number(const char* what, std::uint64_t number) {
  std::printf("%-40s  0x%llx\n", what, static_cast<unsigned long long>(number));
}

template <class Enum>
void show_enum(const char* what, Enum number) {
  show_number(what, static_cast<std::uint64_t>(number));
}

void show_numbers() {
  std::printf("\n# numbers\n\n");
  show_number("life of mark 5, ready", life_word(life_state::ready, 5).bits());
  show_enum("state: blank", life_state::blank);
  show_enum("state: under_construction", life_state::under_construction);
  show_enum("state: ready", life_state::ready);
  show_enum("state: removing", life_state::removing);
  show_enum("state: removed", life_state::removed);
  show_enum("kind: object", segment_kind::object);
  show_enum("kind: array", segment_kind::array);
  show_enum("kind: mutex", segment_kind::mutex);
  show_enum("kind: map", segment_kind::map);
  show_enum("kind: semaphore", segment_kind::semaphore);
  show_enum("slot: free", slot_state::free);
  show_enum("slot: used", slot_state::used);
  show_number("section: entered", section_bit::entered);
  show_number("section: owner_died", section_bit::owner_died);
  show_number("lock of generation 1, seat 2, thread 3", lock_word({1, 2}, 3).bits());
  show_number("copies of 1 byte", copies_for(1));
  show_number("copies of 1 MiB", copies_for(1024 * 1024));
  show_number("sequences of 1000 elements", stripes_for(1000));
  show_number("slots of 1000 entries", slots_for(1000));
  const std::uint64_t number = 7;
  show_number("hash of the key 7", hash_of_key(bytes_of_key(number), sizeof number));
  show_number("first slot of that hash, of 1500",
              home_of_hash(hash_of_key(bytes_of_key(number), sizeof number), 1500));
  show_number("semaphore: door", semaphore::door);
  show_number("semaphore: wake", semaphore::wake);
  show_number("semaphore: raw", semaphore::raw);
  show_number("semaphore: permits", semaphore::permits);
  show_number("semaphore: ours", semaphore::ours);
  show_number("semaphore: mark_low", semaphore::mark_low);
  show_number("semaphore: mark_high", semaphore::mark_high);
  show_number("semaphore: first_seat", semaphore::first_seat);
  show_number("value of ours", semaphore::ours_value);
  const auto show_keys = [](const char* segment, const char* set, const shm::key& key) {
    show_number(segment, static_cast<std::uint32_t>(key.segment_key()));
    show_number(set, static_cast<std::uint32_t>(key.set_key()));
  };
  show_keys("segment key of \"car\"", "set key of \"car\"", "car");
  show_keys("segment key of value 1", "set key of value 1", shm::key::from_value(1));
}

}  // namespace

int main() try {
  std::printf("# memory layout %u\n", layout_number);
  show_numbers();
  show_object();
  show_array();
  show_mutex();
  show_map();
  show_semaphore();
} catch (const std::exception& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
