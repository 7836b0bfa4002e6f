// Header: what lies at the start of every segment; the memory layout that processes agree on.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "life_word.hpp"

namespace shm::detail {

/// Changes whenever anything in a segment moves or changes its meaning. Every layout keeps the
/// magic and the states in the first eight bytes, the place of this number, the keys, and the
/// meaning of the semaphores before the seats. So programs built with different layouts can tell,
/// and can remove each other's objects.
inline constexpr std::uint32_t layout_number = 3;

enum class segment_kind : std::uint32_t { object = 1, array, mutex, map, semaphore };

constexpr std::string_view name_of(segment_kind kind) noexcept {
  switch (kind) {
    case segment_kind::object: return "shm::object";
    case segment_kind::array: return "shm::array";
    case segment_kind::mutex: return "shm::mutex";
    case segment_kind::map: return "shm::map";
    case segment_kind::semaphore: return "shm::semaphore";
  }
  return "something unknown";
}

/// Bits of header::section, changed by the holder of the lock alone.
namespace section_bit {
inline constexpr std::uint32_t entered = 1;     ///< an array's holder is inside a locked section
inline constexpr std::uint32_t owner_died = 2;  ///< one died there, and nobody has repaired since
}  // namespace section_bit

/// The occupant of a seat. The generation tells this occupant from all before and after it.
struct seat_entry {
  std::atomic<std::uint64_t> incarnation;  ///< which program, so that an exec can be told
  std::atomic<std::uint32_t> generation;
  std::atomic<std::int32_t> process;  ///< its id, as a hint where to look; never believed
};

/// Written once, before the segment is ready; never changes afterwards. Readers copy it, check the
/// copy, and use only the copy.
struct description {
  std::uint32_t layout;
  std::uint32_t kind;
  std::uint32_t until_last_detach;
  std::uint32_t seats;
  std::uint32_t name_length;
  std::uint32_t schema_length;
  std::uint64_t type_size;  ///< of a semaphore: the number of its permits
  std::uint64_t type_alignment;
  std::uint64_t fingerprint;
  std::uint64_t payload_size;
  std::uint64_t payload_offset;
  char name[64];

  // Room for what later versions record without another layout; 0 so far.
  std::uint64_t boot[2];           ///< id of the boot in which it was made
  std::uint64_t in_flight_offset;  ///< of the entries of items that were taken, one for each seat
  std::uint32_t in_flight_size;    ///< of one entry

  std::uint32_t wake_readers;  ///< 1: each change wakes, watched or not
};

struct header {
  // One cache line with all that a lock, a store and a load touch.
  alignas(64) std::atomic<std::uint64_t> life;  ///< whose, and where in its life (life_word.hpp)
  std::atomic<std::uint64_t> lock;              ///< 0, or who holds it (sync/lock_word.hpp)
  std::atomic<std::uint64_t> version;           ///< number of values published, or of changes
  std::atomic<std::uint32_t> section;
  std::atomic<std::uint32_t> waiters;  ///< 1 while somebody may sleep for the lock
  std::atomic<std::uint64_t> watched;  ///< the highest version waited past, plus one; only rises
  std::atomic<std::uint32_t> alarm;    ///< 0 always: where the kernel wakes for one that died
  std::atomic<std::uint32_t> bell;     ///< how often it was rung; where those that wait sleep

  alignas(64) std::atomic<std::uint32_t> last_generation;
  std::uint32_t reserved;  ///< 0
  description fixed;

  // After it: seat_entry[seats], the text of the schema, the payload.
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::is_standard_layout_v<header> && std::is_trivially_copyable_v<description>);
static_assert(
    sizeof(header) == 256 && sizeof(seat_entry) == 16 && offsetof(header, life) == 0 &&
        offsetof(header, fixed) + offsetof(description, layout) == 72,
    "shm: #pragma pack, or another option that changes the layout of structs, is in force "
    "where <shm.hpp> is included: include it outside");

}  // namespace shm::detail
