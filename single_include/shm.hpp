// shm: typed shared objects on System V shared memory, in one header. Needs Boost.Hana and Microsoft GSL.
// SPDX-License-Identifier: MIT
// Generated from include/ by ./dev amalgamate; change it there.
#pragma once

// ---- shm/base/requirements.hpp
// Requirements: language, platform and libraries, each refused in one clear error.

// A missing file ends a compilation at once, so that nothing follows the one error that matters.
#if !defined(__linux__) || !defined(__LP64__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error \
    "shm supports 64-bit little-endian Linux, such as x86-64 and AArch64: its crash safety rests on it"
#include <shm stops at the error above>
#elif __cplusplus < 201703L
#error "shm needs C++17 or newer: compile with -std=c++17"
#include <shm stops at the error above>
#elif !defined(__cpp_exceptions)
#error "shm needs exceptions: every refusal is one; compile without -fno-exceptions"
#include <shm stops at the error above>
#elif defined(Bool)
#error "shm: Bool is a macro, most likely of X11: include <shm.hpp> before the headers of X11"
#include <shm stops at the error above>
#elif !__has_include(<boost/hana/define_struct.hpp>)
#error \
    "shm needs Boost.Hana (headers only): apt install libboost-dev | conan: boost | vcpkg: boost-hana | brew: boost"
#include <shm stops at the error above>
#elif !__has_include(<gsl/span>)
#error \
    "shm needs Microsoft GSL (headers only): apt install libmsgsl-dev | conan: ms-gsl | vcpkg: ms-gsl | brew: cpp-gsl"
#include <shm stops at the error above>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/hana/accessors.hpp>
#include <boost/hana/adapt_struct.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/define_struct.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/unpack.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <gsl/assert>
#include <gsl/span>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <limits>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <system_error>
#include <time.h>
#include <tuple>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

// ---- shm/base/open_mode.hpp
// Open modes: whether opening may create, must create, or must find.

namespace shm {

/// The type of create_only.
struct create_only_t {
  explicit create_only_t() = default;
};
/// The type of open_only.
struct open_only_t {
  explicit open_only_t() = default;
};
/// The type of open_or_create.
struct open_or_create_t {
  explicit open_or_create_t() = default;
};
/// The type of force.
struct force_t {
  explicit force_t() = default;
};

/// Create; errc::already_exists when the object is there.
inline constexpr create_only_t create_only{};
/// Open what is there; errc::not_found when nothing is.
inline constexpr open_only_t open_only{};
/// Open what is there, or create it.
inline constexpr open_or_create_t open_or_create{};
/// remove() even while processes are attached.
inline constexpr force_t force{};

namespace detail {
enum class open_mode {
  create_only,
  open_only,
  open_or_create,
  open_as_it_is  ///< by who does not know its type: removes nothing that is past its life
};

constexpr bool may_create(open_mode mode) noexcept {
  return mode == open_mode::create_only || mode == open_mode::open_or_create;
}
}  // namespace detail

}  // namespace shm

// ---- shm/base/options.hpp
// Options: how an object is opened: for whom, for how long, for how many, in which memory.

namespace shm {

/// Who may read and write. When creating: the permissions. When opening: whom this process trusts.
/// An object whose permissions allow more is refused, and so is one that another user or group
/// made, as far as the value says. Objects of this user and of root are always trusted.
enum class access {
  owner,          ///< 0600: this user alone
  group,          ///< 0660: the group reads and writes; trusts a creator of our groups
  group_read,     ///< 0640: the group reads; the same trust, for reading
  everyone_read,  ///< 0644: everybody reads; trusts everybody, for reading
  everyone        ///< 0666: everybody reads and writes; trusts everybody
};

/// How long an object stays. The creator's choice holds; that of later openers is ignored.
enum class lifetime {
  persistent,         ///< until remove() or a reboot
  until_last_detach,  ///< until the last handle closes, if its user may remove it
};

/// How an object is opened. Each member says whose choice holds if two processes differ.
struct options {
  /// Each opener's choice counts for that opener: it refuses an object that it does not trust.
  shm::access access = access::owner;
  /// The creator's holds.
  shm::lifetime lifetime = lifetime::persistent;
  /// How many read-write handles may be open at once, over all processes; 1 to 2048. The creator's
  /// choice holds, also after the semaphores were lost.
  unsigned seats = 64;
  /// How long to wait for a live process that is creating, opening or removing the same object, or
  /// for one that does not finish an edit in place. Also how long a blank segment that another
  /// program is attached to is taken for one that is being created.
  std::chrono::milliseconds open_timeout{5000};
  /// Creator: lay the segment in huge pages. Where the kernel refuses, ordinary pages are used, and
  /// one line on stderr says why.
  bool huge_pages = false;
  /// Keep the segment out of swap (SHM_LOCK). Where the kernel refuses, opening fails with its
  /// errno.
  bool lock_in_memory = false;
  /// Map every page when opening, so that no later access has to fault.
  bool prefault = false;
  /// Each change wakes the threads that wait for one, even if no waiting thread could ask for it.
  /// Read-only handles of users who may not write cannot ask: without this they look again every
  /// millisecond. It costs each change a system call. The creator's choice holds; by default it is
  /// on where others may read and not write (access::group_read and access::everyone_read).
  std::optional<bool> wake_readers = std::nullopt;
  /// How long shm::open_only and read-only handles wait for an object that does not exist yet. The
  /// moment that it is ready, it is opened, or refused, as if it had been there. Comes in addition
  /// to open_timeout, which begins anew with every try. 0: errc::not_found at once.
  std::chrono::milliseconds await_creation{0};
};

namespace detail {

constexpr unsigned permissions(access who) noexcept {
  switch (who) {
    case access::owner: return 0600;
    case access::group: return 0660;
    case access::group_read: return 0640;
    case access::everyone_read: return 0644;
    case access::everyone: return 0666;
  }
  return 0600;
}

/// Whether each change is to wake, in an object that is created with these options.
constexpr bool wakes_readers(const options& how) noexcept {
  return how.wake_readers.value_or(how.access == access::group_read ||
                                   how.access == access::everyone_read);
}

inline constexpr unsigned max_seats = 2048;  // a seat's number has 11 bits in the lock word

}  // namespace detail
}  // namespace shm

// ---- shm/base/crash_point.hpp
// Crash points: named steps of every protocol at which the tests kill the process.

namespace shm::detail {

#ifdef SHM_CRASH_POINTS
/// So long that a test hangs where a wake-up is lost.
inline constexpr std::chrono::seconds longest_sleep{3600};

inline void (*crash_point_hook)(const char* step) = nullptr;

inline void crash_point(const char* step) noexcept {
  if (crash_point_hook != nullptr) crash_point_hook(step);
}

/// copy(offset, size) for each third, with a crash point after the first and after the second.
template <class Copy>
void crash_points_in_copy(const char* step, std::size_t size, Copy copy) noexcept {
  const std::size_t third = size / 3 / sizeof(std::size_t) * sizeof(std::size_t);
  copy(0, third);
  crash_point(step);
  copy(third, third);
  crash_point(step);
  copy(2 * third, size - 2 * third);
}
#else
/// How long a process sleeps for a lock before it looks again, whether it was woken or not.
inline constexpr std::chrono::seconds longest_sleep{1};

constexpr void crash_point(const char*) noexcept {}

template <class Copy>
[[gnu::always_inline]] inline void crash_points_in_copy(const char*, std::size_t size,
                                                        Copy copy) noexcept {
  copy(0, size);
}
#endif

}  // namespace shm::detail

// ---- shm/base/shared_bytes.hpp
// Shared bytes: copies between private memory and memory that others change at the same time.

// Two ways whose race is defined. Small copies are relaxed atomic words, inline. Large ones go
// through a memcpy that the compiler cannot see into, because no compiler merges atomic words into
// vectors: what it does is machine code with no C++ semantics, and a word that changed meanwhile is
// simply the old or the new word. ThreadSanitizer watches memcpy itself, so under it every copy is
// atomic words.
#if defined(__SANITIZE_THREAD__)
#define SHM_DETAIL_ATOMIC_WORDS_ONLY 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHM_DETAIL_ATOMIC_WORDS_ONLY 1
#endif
#endif

namespace shm::detail {

#ifdef SHM_DETAIL_ATOMIC_WORDS_ONLY
#undef SHM_DETAIL_ATOMIC_WORDS_ONLY
inline constexpr bool copies_by_atomic_words_only = true;
#else
inline constexpr bool copies_by_atomic_words_only = false;
#endif

using opaque_copy = void* (*)(void*, const void*, std::size_t);

/// memcpy, without the compiler knowing that it is.
inline opaque_copy hidden_memcpy() noexcept {
  opaque_copy copy = &std::memcpy;
  __asm__("" : "+r"(copy));
  return copy;
}

/// The widest word that fits the alignment of the shared side.
template <std::size_t Alignment>
using word_of_alignment = std::conditional_t<
    Alignment >= 8, std::uint64_t,
    std::conditional_t<Alignment >= 4, std::uint32_t,
                       std::conditional_t<Alignment >= 2, std::uint16_t, std::uint8_t>>>;

template <std::size_t Alignment>
bool copy_by_words(std::size_t size) noexcept {
  constexpr std::size_t most_inline_words = 16;
  return copies_by_atomic_words_only ||
         size <= most_inline_words * sizeof(word_of_alignment<Alignment>);
}

template <class Word>
Word load_word(const std::byte* from) noexcept {
  return __atomic_load_n(static_cast<const Word*>(static_cast<const void*>(from)),
                         __ATOMIC_RELAXED);
}

template <class Word>
void store_word(std::byte* to, Word word) noexcept {
  __atomic_store_n(static_cast<Word*>(static_cast<void*>(to)), word, __ATOMIC_RELAXED);
}

// Inlined by force: with a constant size each of these is a handful of moves, or one call.

/// 16 bytes at once, where the machine has an instruction for it: a reader that takes a value apart
/// with wide loads would wait for narrow stores. Opaque, as the hidden memcpy. Written in both
/// syntaxes, {AT&T|Intel}: the compiler takes that of its option -masm.
#if defined(__x86_64__)
inline constexpr bool has_wide_words = !copies_by_atomic_words_only;
using wide_word __attribute__((vector_size(16), aligned(1), may_alias)) = long long;

[[gnu::always_inline]] inline void move_wide(void* to, const void* from) noexcept {
  wide_word word;
  __asm__ volatile("{movups %1, %0|movups %0, %1}"
                   : "=x"(word)
                   : "m"(*static_cast<const wide_word*>(from)));
  __asm__ volatile("{movups %1, %0|movups %0, %1}"
                   : "=m"(*static_cast<wide_word*>(to))
                   : "x"(word));
}
#else
inline constexpr bool has_wide_words = false;
inline void move_wide(void*, const void*) noexcept {}
#endif

/// Moves what can be moved wide, and tells how much that was.
[[gnu::always_inline]] inline std::size_t move_wide_part(void* to, const void* from,
                                                         std::size_t size) noexcept {
  std::size_t at = 0;
  if constexpr (has_wide_words) {
    for (; at + 16 <= size; at += 16) {
      move_wide(static_cast<std::byte*>(to) + at, static_cast<const std::byte*>(from) + at);
    }
  }
  return at;
}

/// Copies out of shared memory, whose side is aligned to Alignment.
template <std::size_t Alignment>
[[gnu::always_inline]] inline void load_shared(void* to, const void* from,
                                               std::size_t size) noexcept {
  if (!copy_by_words<Alignment>(size)) {
    hidden_memcpy()(to, from, size);
    return;
  }
  using word_type = word_of_alignment<Alignment>;
  auto* const target = static_cast<std::byte*>(to);
  auto* const source = static_cast<const std::byte*>(from);
  std::size_t at = move_wide_part(to, from, size);
  for (; at + sizeof(word_type) <= size; at += sizeof(word_type)) {
    const auto word = load_word<word_type>(source + at);
    std::memcpy(target + at, &word, sizeof word);
  }
  for (; at < size; ++at) target[at] = static_cast<std::byte>(load_word<std::uint8_t>(source + at));
}

/// Whether shared memory, aligned to Alignment, holds the same bytes. Reads none of them twice.
template <std::size_t Alignment>
[[gnu::always_inline]] inline bool equals_shared(const void* shared, const void* mine,
                                                 std::size_t size) noexcept {
  using word_type = word_of_alignment<Alignment>;
  const auto* const theirs = static_cast<const std::byte*>(shared);
  const auto* const ours = static_cast<const std::byte*>(mine);
  std::size_t at = 0;
  for (; at + sizeof(word_type) <= size; at += sizeof(word_type)) {
    word_type word;
    std::memcpy(&word, ours + at, sizeof word);
    if (load_word<word_type>(theirs + at) != word) return false;
  }
  for (; at < size; ++at) {
    if (static_cast<std::byte>(load_word<std::uint8_t>(theirs + at)) != ours[at]) return false;
  }
  return true;
}

/// Copies into shared memory, whose side is aligned to Alignment.
template <std::size_t Alignment>
[[gnu::always_inline]] inline void store_shared(void* to, const void* from,
                                                std::size_t size) noexcept {
  if (!copy_by_words<Alignment>(size)) {
    hidden_memcpy()(to, from, size);
    return;
  }
  using word_type = word_of_alignment<Alignment>;
  auto* const target = static_cast<std::byte*>(to);
  auto* const source = static_cast<const std::byte*>(from);
  std::size_t at = move_wide_part(to, from, size);
  for (; at + sizeof(word_type) <= size; at += sizeof(word_type)) {
    word_type word;
    std::memcpy(&word, source + at, sizeof word);
    store_word(target + at, word);
  }
  for (; at < size; ++at) store_word(target + at, static_cast<std::uint8_t>(source[at]));
}

/// Copies from shared to shared memory, both aligned to Alignment.
template <std::size_t Alignment>
[[gnu::always_inline]] inline void move_shared(void* to, const void* from,
                                               std::size_t size) noexcept {
  if (!copy_by_words<Alignment>(size)) {
    hidden_memcpy()(to, from, size);
    return;
  }
  using word_type = word_of_alignment<Alignment>;
  auto* const target = static_cast<std::byte*>(to);
  auto* const source = static_cast<const std::byte*>(from);
  std::size_t at = move_wide_part(to, from, size);
  for (; at + sizeof(word_type) <= size; at += sizeof(word_type)) {
    store_word(target + at, load_word<word_type>(source + at));
  }
  for (; at < size; ++at) store_word(target + at, load_word<std::uint8_t>(source + at));
}

}  // namespace shm::detail

// ---- shm/os/set_values.hpp
// Set values: what each semaphore of a set means, and the values of all of them at one moment.

namespace shm::detail {

/// The semaphores of a set. All zeros is the valid resting state, so a new set needs no
/// initialisation, except of a shm::semaphore, whose permits are put in behind the door. SETVAL and
/// SETALL are never used: they erase other processes' undo records.
namespace semaphore {
inline constexpr unsigned short door = 0;       // not 0 while one process creates, joins or removes
inline constexpr unsigned short wake = 1;       // tokens for sleepers on the lock
inline constexpr unsigned short raw = 2;        // ≥ 1 while somebody edits an array in place
inline constexpr unsigned short permits = raw;  // of a shm::semaphore: those that are free
inline constexpr unsigned short ours = 3;       // 0, or the value that says that this set is ours
inline constexpr unsigned short mark_low = 4;   // the mark: which set of ours
inline constexpr unsigned short mark_high = 5;  //
inline constexpr unsigned short first_seat = 6;  // ≥ 1 while the handle that sits there lives
inline constexpr short ours_value = 0x5348;      // "SH"
}  // namespace semaphore

inline constexpr unsigned most_permits = 32767;  // a semaphore holds no more

/// A random number that tells a set from every other one: the kernel uses an id again after some
/// four million sets, and in another IPC namespace the same id is another set. 0 while not drawn.
using set_mark = std::uint32_t;
inline constexpr unsigned set_mark_bits = 29;
inline constexpr unsigned mark_low_bits = 15;  // a semaphore holds no more

constexpr set_mark mark_of(int low, int high) noexcept {
  return static_cast<set_mark>(low) | static_cast<set_mark>(high) << mark_low_bits;
}

constexpr short low_part(set_mark mark) noexcept {
  return static_cast<short>(mark & ((1u << mark_low_bits) - 1));
}
constexpr short high_part(set_mark mark) noexcept {
  return static_cast<short>(mark >> mark_low_bits);
}

/// The values of all semaphores at one moment.
class set_values {
 public:
  /// Room for the largest set that semop can address: the kernel is not told how much room there
  /// is, and the id may name a larger set by now.
  static constexpr std::size_t most = 65536;

  unsigned short operator[](std::size_t which) const noexcept { return all_[which]; }
  set_mark mark() const noexcept {
    return mark_of(all_[semaphore::mark_low], all_[semaphore::mark_high]);
  }

  /// Whether any seat is taken, in a set with that number of semaphores.
  bool somebody_sits(unsigned semaphores) const noexcept {
    for (unsigned i = semaphore::first_seat; i < semaphores; ++i) {
      if (all_[i] != 0) return true;
    }
    return false;
  }

  /// For semctl(GETALL) to write to; null where there is no memory. Only the first `semaphores` are
  /// ever read: they are 0 where the set has fewer.
  unsigned short* allocate(unsigned semaphores) noexcept {
    all_.reset(new (std::nothrow) unsigned short[most]);
    if (all_) std::fill_n(all_.get(), std::max<unsigned>(semaphores, semaphore::first_seat), 0);
    return all_.get();
  }

 private:
  std::unique_ptr<unsigned short[]> all_;
};

}  // namespace shm::detail

// ---- shm/format/life_word.hpp
// Life word: the first eight bytes of a segment: whose it is, its state, and its semaphore set.

namespace shm::detail {

/// The states of a segment. Every layout keeps these numbers.
enum class life_state : unsigned {
  blank = 0,               ///< as the kernel made it
  under_construction = 1,  ///< a creator inside the door has not finished
  ready = 2,
  removing = 3,  ///< a remover inside the door counts the attachments
  removed = 4    ///< final: handles refuse to go on, and no other state follows
};

/// magic (32 bits) | mark of a set (29) | state (3). The mark names the semaphore set behind whose
/// door the state was last changed. The three share one word because the first store of a creator
/// has to say all of them, and because a change of state is valid only while that set exists.
class life_word {
 public:
  constexpr life_word() noexcept = default;
  constexpr explicit life_word(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr life_word(life_state state, set_mark mark) noexcept
      : bits_(magic << 32 | std::uint64_t{mark} << state_bits | static_cast<unsigned>(state)) {}

  constexpr std::uint64_t bits() const noexcept { return bits_; }
  constexpr bool is_blank() const noexcept { return bits_ == 0; }
  /// Whether a segment that begins with this word was made by this library, in any layout.
  constexpr bool is_ours() const noexcept { return bits_ >> 32 == magic || is_of_layout_1(); }
  /// Whose word is as this one, but another magic, so that its programs take ours for a stranger's,
  /// and without a mark.
  constexpr bool is_of_layout_1() const noexcept { return bits_ >> 32 == magic_of_layout_1; }
  /// Another state of the same segment, changed behind the door of the set with that mark.
  constexpr life_word followed_by(life_state state, set_mark mark) const noexcept {
    if (!is_of_layout_1()) return life_word(state, mark);
    return life_word(magic_of_layout_1 << 32 | static_cast<unsigned>(state));
  }
  /// May be no enumerator: anybody who may write to the segment can store anything.
  constexpr life_state state() const noexcept {
    return static_cast<life_state>(bits_ & ((1u << state_bits) - 1));
  }
  constexpr set_mark mark() const noexcept {
    return static_cast<set_mark>(bits_ & 0xffffffff) >> state_bits;
  }

 private:
  static constexpr std::uint64_t magic = 0x53686d32;  // "2mhS"
  static constexpr std::uint64_t magic_of_layout_1 = 0x53686d21;
  static constexpr unsigned state_bits = 3;
  static_assert(set_mark_bits + state_bits == 32);

  std::uint64_t bits_ = 0;
};

}  // namespace shm::detail

// ---- shm/format/header.hpp
// Header: what lies at the start of every segment; the memory layout that processes agree on.

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

// ---- shm/os/fork_guard.hpp
// Fork guard: while it lives, no other thread's fork() goes on; for what a child must not inherit.

namespace shm::detail {

/// Between attaching a segment and keeping it from children there is a moment, and a fork that
/// waits for the memory map gets in just then. (_Fork and clone run no handlers: they can still do
/// so.)
class fork_guard {
 public:
  fork_guard() noexcept {
    // Where it cannot be registered, for lack of memory, the moment stays.
    static const int registered = ::pthread_atfork(lock, unlock, start_anew);
    static_cast<void>(registered);
    lock();
  }
  fork_guard(const fork_guard&) = delete;
  fork_guard& operator=(const fork_guard&) = delete;
  ~fork_guard() { unlock(); }

 private:
  static void lock() noexcept { ::pthread_mutex_lock(&mutex_); }
  static void unlock() noexcept { ::pthread_mutex_unlock(&mutex_); }
  /// The parent's thread locked it, which the child's is not. So unlocking fails; it tells only
  /// tools that keep account of locks.
  static void start_anew() noexcept {
    unlock();
    mutex_ = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  }

  // Recursive, because a signal handler may fork.
  static inline pthread_mutex_t mutex_ = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
};

}  // namespace shm::detail

// ---- shm/base/printable.hpp
// Printable: text of unknown origin, bounded and escaped before a person's terminal sees it.

namespace shm::detail {

struct utf8_character {
  std::size_t bytes = 0;
  char32_t code = 0;
};

/// The character that a text begins with; of no bytes where the text is not UTF-8 or is empty.
constexpr utf8_character first_character(std::string_view text) noexcept {
  if (text.empty()) return {};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {1, first};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc0 || text.size() < bytes) return {};
  char32_t code = first & (0xffu >> (bytes + 1));
  for (const char next : text.substr(1, bytes - 1)) {
    const auto continued = static_cast<unsigned char>(next);
    if ((continued & 0xc0) != 0x80) return {};
    code = code << 6 | (continued & 0x3fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = 0xd800 <= code && code <= 0xdfff;
  if (first >= 0xf8 || code < least[bytes] || code > 0x10ffff || is_surrogate) return {};
  return {bytes, code};
}

/// Whether a terminal shows the character, and obeys nothing in it: no control character, end of
/// line, or change of the direction of writing.
constexpr bool is_harmless(char32_t code) noexcept {
  const auto is_in = [code](char32_t first, char32_t last) {
    return first <= code && code <= last;
  };
  const bool is_control = is_in(0, 0x1f) || is_in(0x7f, 0x9f);
  const bool ends_line = is_in(0x2028, 0x2029);
  const bool turns =
      code == 0x61c || is_in(0x200e, 0x200f) || is_in(0x202a, 0x202e) || is_in(0x2066, 0x2069);
  return !is_control && !ends_line && !turns;
}

/// Returns the text as a person may read it: harmless UTF-8 unchanged, every other byte as \xNN.
/// Cut after about `limit` bytes of the text, and then ended by "…". Within quotes, these and
/// backslashes are escaped, too.
inline std::string printable(std::string_view text, std::size_t limit = std::string_view::npos,
                             char quote = 0) {
  std::string shown;
  std::size_t at = 0;
  while (at < text.size() && at < limit) {
    const utf8_character next = first_character(text.substr(at));
    const std::string_view bytes = text.substr(at, next.bytes == 0 ? 1 : next.bytes);
    if (quote != 0 && (bytes[0] == quote || bytes[0] == '\\')) shown += '\\';
    if (next.bytes != 0 && is_harmless(next.code)) {
      shown += bytes;
    } else {
      for (const char one : bytes) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\x%02x",
                      static_cast<unsigned>(static_cast<unsigned char>(one)));
        shown += escaped;
      }
    }
    at += bytes.size();
  }
  return at < text.size() ? shown + "…" : shown;
}

}  // namespace shm::detail

// ---- shm/base/error.hpp
// Errors: what a refusal is called, which object it concerns, and what the caller can do about it.

namespace shm {

/// Why the library refused. Converts to std::error_code: `e.code() == shm::errc::in_use`.
enum class errc {
  not_found = 1,        ///< there is no object of that name
  already_exists,       ///< create_only met an object that is there
  type_mismatch,        ///< the object holds another T, another N, or other permits
  kind_mismatch,        ///< the object is an array, not an object, and so on
  name_collision,       ///< two different names lead to one System V key
  foreign_segment,      ///< another program's segment or semaphore set; it stays untouched
  untrusted_owner,      ///< its creator or its permissions are not what options::access trusts
  incompatible_layout,  ///< made by a version of the library with another memory layout
  corrupt,              ///< somebody scribbled over the bookkeeping
  in_use,               ///< other processes use it: remove(); any_object if its set was lost
  removed,              ///< the object, or its semaphore set, was removed under this handle
  timed_out,            ///< a live process kept us waiting for longer than options::open_timeout
  would_deadlock,       ///< this thread holds that lock already through this handle
  no_free_seat,         ///< options::seats read-write handles are open
  limit_reached,        ///< of the kernel or of the address space; or a map is full
  damaged,              ///< an editor of array's raw() died; a holder must repair and say so
};

}  // namespace shm

/// @cond
template <>
struct std::is_error_code_enum<shm::errc> : std::true_type {};
/// @endcond

namespace shm {

namespace detail {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "shm"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::not_found: return "not found";
      case errc::already_exists: return "already exists";
      case errc::type_mismatch: return "type mismatch";
      case errc::kind_mismatch: return "kind mismatch";
      case errc::name_collision: return "name collision";
      case errc::foreign_segment: return "foreign segment";
      case errc::untrusted_owner: return "untrusted owner";
      case errc::incompatible_layout: return "incompatible layout";
      case errc::corrupt: return "corrupt";
      case errc::in_use: return "in use";
      case errc::removed: return "removed";
      case errc::timed_out: return "timed out";
      case errc::would_deadlock: return "would deadlock";
      case errc::no_free_seat: return "no free seat";
      case errc::limit_reached: return "limit reached";
      case errc::damaged: return "damaged";
    }
    return "unknown error " + std::to_string(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::not_found: return std::errc::no_such_file_or_directory;
      case errc::already_exists: return std::errc::file_exists;
      case errc::in_use: return std::errc::device_or_resource_busy;
      case errc::timed_out: return std::errc::timed_out;
      case errc::would_deadlock: return std::errc::resource_deadlock_would_occur;
      default: return {value, *this};
    }
  }
};

inline const category the_category{};

}  // namespace detail

/// What makes a std::error_code of a shm::errc. Never throws.
inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), detail::the_category};
}

/// Everything thrown by a refusal. code() is a shm::errc, or errno where the kernel refused; what()
/// names the object, its key in hex, its ids, the call, the reason and the way out.
class error : public std::system_error {
 public:
  using std::system_error::system_error;  ///< as std::system_error
};

namespace detail {

/// Which object an error is about.
struct subject {
  std::string_view name;
  int key = 0;
  int segment_id = -1;
  int set_id = -1;
};

inline std::string hex(int key) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", static_cast<unsigned>(key));
  return text;
}

inline std::string describe(const subject& about) {
  std::string text = "shm: \"" + printable(about.name, 64) + "\" (key " + hex(about.key);
  if (about.segment_id >= 0) text += ", segment id " + std::to_string(about.segment_id);
  if (about.set_id >= 0) text += ", semaphore set id " + std::to_string(about.set_id);
  return text + ")";
}

[[noreturn]] inline void refuse(errc code, const subject& about, const std::string& why) {
  throw error(code, describe(about) + ": " + why);
}

/// A system call failed for a reason that has no errc of its own: code() is errno.
[[noreturn]] inline void refuse_call(const char* call, int error_number, const subject& about,
                                     const std::string& way_out) {
  throw error(std::error_code(error_number, std::system_category()),
              describe(about) + ": " + call + ": " + way_out);
}

}  // namespace detail
}  // namespace shm

// ---- shm/os/process.hpp
// Process: which process and thread is running, told apart after fork and exec without pids.

/// @cond
// Of glibc 2.32 and newer: whether no other thread runs. Weak, because other C libraries lack it.
extern "C" [[gnu::weak]] char __libc_single_threaded;
/// @endcond

namespace shm::detail {

/// A number that every process in a line of forks has for itself; 23 bits, never 0.
using process_epoch = std::uint32_t;
inline constexpr process_epoch process_epoch_mask = (1u << 23) - 1;

/// Tells a forked child from its parent by a page that the kernel wipes in the child. (Handlers of
/// pthread_atfork are skipped by _Fork and by clone; getpid is a system call at every lock.)
class process {
 public:
  /// Call once, when a handle opens, before current().
  static void prepare() {
    if (page_.load(std::memory_order_acquire) != nullptr) return;
    void* const memory =
        ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      throw error(std::error_code(errno, std::system_category()), "shm: fork detection: mmap");
    }
    if (::madvise(memory, page_size, MADV_WIPEONFORK) != 0) {
      const int why = errno;
      ::munmap(memory, page_size);
      throw error(std::error_code(why, std::system_category()),
                  "shm: fork detection: madvise(MADV_WIPEONFORK) needs Linux 4.14");
    }
    epoch_word* expected = nullptr;
    // Release: a thread that sees the page sees it mapped and zero.
    if (!page_.compare_exchange_strong(expected, static_cast<epoch_word*>(memory),
                                       std::memory_order_release, std::memory_order_relaxed)) {
      ::munmap(memory, page_size);  // another thread was first
    }
  }

  /// 0 in a forked child that has not asked before, which is no process's number.
  static process_epoch current_or_zero() noexcept {
    // Relaxed: a thread that has a handle was given it after prepare(), and the number guards
    // nothing else.
    return page_.load(std::memory_order_relaxed)->load(std::memory_order_relaxed);
  }

  static process_epoch current() noexcept {
    const process_epoch epoch = current_or_zero();
    return epoch != 0 ? epoch : first_look();
  }

  /// Whether another thread may run in this process. Where the C library does not tell: yes.
  static bool may_have_threads() noexcept {
    return &__libc_single_threaded == nullptr || __libc_single_threaded == 0;
  }

  /// The kernel's id of the calling thread; cached, because asking is a system call.
  static std::uint32_t thread_id() noexcept {
    const process_epoch epoch = current();
    if (cached_thread_.epoch != epoch) {
      cached_thread_ = {epoch, static_cast<std::uint32_t>(::syscall(SYS_gettid))};
    }
    return cached_thread_.id;
  }

  /// The cached id, or 0 where thread_id() would have to ask.
  static std::uint32_t thread_id_if_cached(process_epoch epoch) noexcept {
    return cached_thread_.epoch == epoch ? cached_thread_.id : 0;
  }

  /// From now on a barrier_everywhere() of any process orders the memory accesses of this one, too.
  /// Where the kernel refuses, accepts_barriers() stays false, and this process orders its own.
  static void accept_barriers() noexcept {
    if (accepted_in_.load(std::memory_order_relaxed) == current()) return;
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0) {
      // Relaxed: a thread that reads the old value only orders its own accesses.
      accepted_in_.store(current(), std::memory_order_relaxed);
    }
  }
  static bool accepts_barriers() noexcept {
    return accepted_in_.load(std::memory_order_relaxed) == current_or_zero();
  }

  /// What this thread has stored comes before what it loads next, as a thread sees it that calls
  /// barrier_everywhere() between its own store and its own load.
  static void order_store_before_load() noexcept {
    if (accepts_barriers()) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
  }

  /// A full memory barrier in every process that accepts them, wherever it is just then. False:
  /// this process may not ask for one.
  static bool barrier_everywhere() noexcept {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
  }

  /// A random number that this program has had since it started: an exec ends it. The kernel's, not
  /// our own, because a program may hold several copies of this library, in plugins that hide their
  /// symbols, and they are all this program. Where the kernel gives none it is the same for all,
  /// and no seat is taken for a leftover.
  static std::uint64_t incarnation() noexcept {
    std::uint64_t random[2] = {};
    // NOLINTNEXTLINE: the kernel's way to hand over an address
    const auto* const given = reinterpret_cast<const void*>(::getauxval(AT_RANDOM));
    if (given != nullptr) std::memcpy(random, given, sizeof random);
    // The C library draws its stack canary and pointer guard from these bytes: of either one alone,
    // 64 bits mixed of both tell nothing.
    std::uint64_t mixed = (random[0] ^ random[0] >> 32) * 0x9e3779b97f4a7c15 + random[1];
    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9;
    return mixed ^ mixed >> 32;
  }

  /// The same as a number that a semaphore can be raised by: 2 to 32767.
  static short short_incarnation() noexcept {
    return static_cast<short>(2 + incarnation() % 32766);
  }

 private:
  using epoch_word = std::atomic<process_epoch>;
  static_assert(epoch_word::is_always_lock_free);
  static constexpr std::size_t page_size = 4096;

  struct thread_identity {
    process_epoch epoch;
    std::uint32_t id;
  };

  /// In a child the counter still holds its parent's number, so the next one is the child's own.
  [[gnu::cold, gnu::noinline]] static process_epoch first_look() noexcept {
    epoch_word& word = *page_.load(std::memory_order_relaxed);
    process_epoch next = 0;
    while (next == 0)
      next = (counter_.fetch_add(1, std::memory_order_relaxed) + 1) & process_epoch_mask;
    process_epoch found = 0;
    return word.compare_exchange_strong(found, next, std::memory_order_relaxed) ? next : found;
  }

  static inline std::atomic<epoch_word*> page_{nullptr};
  static inline std::atomic<process_epoch> counter_{0};
  static inline std::atomic<process_epoch> accepted_in_{~process_epoch{0}};  // no process's number
  static inline thread_local thread_identity cached_thread_{0, 0};
};

}  // namespace shm::detail

// ---- shm/os/result.hpp
// Result: what a system call gave, or the errno that it failed with.

namespace shm::detail {

template <class T>
struct [[nodiscard]] result {
  T value{};
  int error_number = 0;

  bool ok() const noexcept { return error_number == 0; }
};

/// A call that gives nothing but success or errno.
struct [[nodiscard]] status {
  int error_number = 0;

  bool ok() const noexcept { return error_number == 0; }
  static status of(int returned) noexcept { return {returned == -1 ? errno : 0}; }
};

/// The kernel object is gone: removed while we slept, or before we called.
inline bool means_gone(int error_number) noexcept {
  return error_number == EIDRM || error_number == EINVAL;
}

}  // namespace shm::detail

// ---- shm/os/ownership.hpp
// Ownership: to whom a kernel object belongs and what its mode allows, as the kernel tells it.

namespace shm::detail {

/// What an opener means to do with an object.
enum class purpose { read, read_and_write };

/// Whether a file such as /proc/self/uid_map maps every id to itself.
inline bool gives_all_numbers(const char* map) noexcept {
  std::FILE* const file = std::fopen(map, "re");
  if (file == nullptr) return false;
  unsigned first = 1, outside = 1, number = 0;
  const int found = std::fscanf(file, "%u %u %u", &first, &outside, &number);
  std::fclose(file);
  return found == 3 && first == 0 && outside == 0 && number == static_cast<unsigned>(-1);
}

/// Whether every user and group id has a number in this user namespace, as in the first one. In
/// other namespaces the kernel shows an id without a number as 65534.
inline bool all_ids_have_numbers() noexcept {
  return gives_all_numbers("/proc/self/uid_map") && gives_all_numbers("/proc/self/gid_map");
}

inline bool is_group_of_process(gid_t one) {
  if (one == ::getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int number = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(number, 0)));  // -1: more since then: unknown
  return std::find(groups.begin(), groups.end(), one) != groups.end();
}

struct ownership {
  uid_t owner = 0;
  uid_t creator = 0;
  gid_t group = 0;
  gid_t creator_group = 0;
  unsigned mode = 0;

  static ownership of(const ipc_perm& permissions) noexcept {
    return {permissions.uid, permissions.cuid, permissions.gid, permissions.cgid,
            permissions.mode & 0777u};
  }

  /// The ownership of what this process creates.
  static ownership of_new(unsigned mode) noexcept {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    return {user, user, group, group, mode};
  }

  /// Whether one of its ids may have no number in this user namespace. Two such ids look the same
  /// and can differ.
  bool is_uncertain() const noexcept {
    constexpr unsigned nobody = 65534;
    const bool is_nobodys =
        owner == nobody || creator == nobody || group == nobody || creator_group == nobody;
    return is_nobodys && !all_ids_have_numbers();
  }

  bool lets_in_no_more_than(access who) const noexcept { return (mode & ~permissions(who)) == 0; }

  /// Whether an opener trusts the object. The owner can give it away and keep access as its
  /// creator, so both count. The same goes for the group: the owner can change it, but not the
  /// group of the creator.
  bool is_trusted(access who, purpose why) const {
    if (is_uncertain()) {
      return who == access::everyone || (who == access::everyone_read && why == purpose::read);
    }
    const uid_t user = ::geteuid();
    if ((owner == user || owner == 0) && (creator == user || creator == 0)) return true;
    switch (who) {
      case access::owner: return false;
      case access::group: return is_of_our_group();
      case access::group_read: return why == purpose::read && is_of_our_group();
      case access::everyone_read: return why == purpose::read;
      case access::everyone: return true;
    }
    return false;
  }

  std::string describe() const {
    const char octal[] = {'0', digit(6), digit(3), digit(0), '\0'};
    std::string text = "owner uid " + std::to_string(owner) + ", group " + std::to_string(group);
    if (creator != owner) text += ", created by uid " + std::to_string(creator);
    if (creator_group != group) text += ", created with group " + std::to_string(creator_group);
    return text + ", mode " + octal;
  }

 private:
  bool is_of_our_group() const {
    if (creator == 0) return is_group_of_process(group);
    return creator_group == group && is_group_of_process(group);
  }

  char digit(unsigned shift) const noexcept {
    return static_cast<char>('0' + ((mode >> shift) & 7u));
  }
};

}  // namespace shm::detail

// ---- shm/os/segment.hpp
// Segment: a System V shared memory segment, from shmget to IPC_RMID.

namespace shm::detail {

struct segment_status {
  std::size_t size = 0;
  unsigned long attached = 0;  ///< exact, over all processes, forked children and readers included
  ownership owner;
};

/// Names a segment; owns nothing.
class segment {
 public:
  segment() = default;

  static result<segment> find(key_t key) noexcept {
    // Size 0: with our own size the kernel would refuse a smaller segment before we can explain.
    return of(::shmget(key, 0, 0));
  }

  /// Fails with EEXIST when the key is taken.
  static result<segment> create(key_t key, std::size_t size, unsigned mode, bool huge) noexcept {
    const int flags = IPC_CREAT | IPC_EXCL | static_cast<int>(mode) | (huge ? SHM_HUGETLB : 0);
    return of(::shmget(key, size, flags));
  }

  int id() const noexcept { return id_; }

  result<segment_status> stat() const noexcept {
    shmid_ds data{};
    if (::shmctl(id_, IPC_STAT, &data) == -1) return {{}, errno};
    return {{data.shm_segsz, data.shm_nattch, ownership::of(data.shm_perm)}, 0};
  }

  /// Asks the kernel whether this user may remove the segment. EPERM: no. Precondition: this
  /// process is attached to it.
  status may_remove() const noexcept {
    // IPC_SET needs the same right as IPC_RMID. The kernel checks the right first, and then refuses
    // an owner that does not exist, so nothing changes.
    shmid_ds data{};
    data.shm_perm.uid = static_cast<uid_t>(-1);
    data.shm_perm.gid = static_cast<gid_t>(-1);
    const status refused = status::of(::shmctl(id_, IPC_SET, &data));
    return refused.error_number == EINVAL ? status{} : refused;
  }

  status lock_in_memory() const noexcept { return status::of(::shmctl(id_, SHM_LOCK, nullptr)); }

  /// The key is free at once; the memory goes when the last process detaches.
  status remove() const noexcept { return status::of(::shmctl(id_, IPC_RMID, nullptr)); }

 private:
  static result<segment> of(int id) noexcept {
    if (id == -1) return {{}, errno};
    segment found;
    found.id_ = id;
    return {found, 0};
  }

  int id_ = -1;
};

}  // namespace shm::detail

// ---- shm/os/attachment.hpp
// Attachment: a segment mapped into this process, from shmat to shmdt.

namespace shm::detail {

enum class attach_mode { read_write, read_only };

class attachment {
 public:
  attachment() = default;
  attachment(attachment&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)),
        withdrawn_(other.withdrawn_),
        is_vacated_(other.is_vacated_),
        is_inherited_(other.is_inherited_) {}
  attachment& operator=(attachment&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(withdrawn_, other.withdrawn_);
    std::swap(is_vacated_, other.is_vacated_);
    std::swap(is_inherited_, other.is_inherited_);
    return *this;
  }
  ~attachment() { detach(); }

  /// EFAULT: the kernel has no memory for the first page (huge pages that nobody reserved);
  /// touching it would end this program with SIGBUS.
  static result<attachment> of(const segment& target, attach_mode mode) noexcept {
    void* const address =
        ::shmat(target.id(), nullptr, mode == attach_mode::read_only ? SHM_RDONLY : 0);
    // NOLINTNEXTLINE: shmat's own way to say that it failed
    if (address == reinterpret_cast<void*>(-1)) return {{}, errno};
    result<attachment> attached;
    attached.value.address_ = static_cast<std::byte*>(address);
    // Linux before 5.14 and emulators do not know it (EINVAL): there it stays unsaid.
    if (::madvise(address, page_size, populate_read) != 0 && errno == EFAULT) return {{}, EFAULT};
    return attached;
  }

  /// The same, and a child that another thread forks meanwhile does not inherit it. `size`: the
  /// whole segment's.
  static result<attachment> not_inherited(const segment& target, attach_mode mode,
                                          std::size_t size) noexcept {
    if (!process::may_have_threads()) return of(target, mode);
    const fork_guard guard;
    result<attachment> attached = of(target, mode);
    // All of it, because a mapping that is split counts as attached twice. Fails where the pages
    // are huge (EINVAL: no multiple of theirs): then children inherit it.
    attached.value.is_inherited_ =
        !attached.ok() || ::madvise(attached.value.address_, size, MADV_DONTFORK) != 0;
    return attached;
  }
  /// Children that are forked from now on inherit it.
  void let_children_inherit(std::size_t size) noexcept {
    if (!is_inherited_) is_inherited_ = ::madvise(address_, size, MADV_DOFORK) == 0;
  }

  /// Takes the memory from the threads of this process that may still use it: a thread that writes
  /// there dies of SIGSEGV. `size` is that of the whole segment.
  status withdraw(std::size_t size) noexcept {
    status done{EINVAL};
    // Huge pages: the mapping is longer than the segment, and the kernel refuses any other length.
    for (std::size_t page = page_size; done.error_number == EINVAL && page <= largest_page;
         page *= 2) {
      const std::size_t whole = (size + page - 1) / page * page;
      done = status::of(::mprotect(address_, whole, PROT_READ));
      if (done.ok()) withdrawn_ = whole;
    }
    return done;
  }

  std::byte* address() const noexcept { return address_; }
  explicit operator bool() const noexcept { return address_ != nullptr; }

  /// Maps every page of the first `size` bytes now. Reading is enough: it allocates and maps.
  void prefault(std::size_t size) const noexcept {
    const volatile std::byte* const first = address_;
    for (std::size_t offset = 0; offset < size; offset += page_size) {
      static_cast<void>(first[offset]);
    }
  }

  /// Detaches withdrawn memory, but reserves its addresses as long as this attachment lives: a
  /// thread that reads or writes there dies of SIGSEGV, and does not reach what is mapped next.
  /// Returns false if the kernel refuses, and then nothing has changed.
  bool vacate() noexcept {
    // In one call, so that no other thread gets the addresses in between.
    is_vacated_ = withdrawn_ != 0 && ::mmap(address_, withdrawn_, PROT_NONE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
                                            -1, 0) == address_;
    return is_vacated_;
  }

  void detach() noexcept {
    if (address_ == nullptr) return;
    std::byte* const from = std::exchange(address_, nullptr);
    // Either fails only for addresses that are not ours.
    if (is_vacated_) {
      ::munmap(from, withdrawn_);
    } else {
      ::shmdt(from);
    }
  }

 private:
  static constexpr std::size_t page_size = 4096;
  static constexpr std::size_t largest_page = std::size_t{1} << 30;
  static constexpr int populate_read = 22;  // MADV_POPULATE_READ, which older headers lack

  std::byte* address_ = nullptr;
  std::size_t withdrawn_ = 0;  ///< the length of the mapping
  bool is_vacated_ = false;
  bool is_inherited_ = true;  ///< by forked children
};

}  // namespace shm::detail

// ---- shm/schema/schema.hpp
// Schema: what a type looks like in memory, as a text that is stored beside the value and compared.

namespace shm {

/// A PEP 3118 format with explicit byte order and padding, a size, an alignment, and notes: what
/// the fields mean beyond how they are stored. Nothing throws but the constructor (std::bad_alloc);
/// nothing blocks.
class schema {
 public:
  /// A format and what it does not say. schema_of<T>() makes those of types.
  schema(std::string format, std::size_t size, std::size_t alignment, std::string notes = {})
      : text_(std::move(format)), format_size_(text_.size()), size_(size), alignment_(alignment) {
    if (!notes.empty()) text_ += '\n' + notes;
    fingerprint_ = hash();
  }

  /// For example `T{<d:speed:<i:gear:4x}`; NumPy reads it.
  std::string_view format() const noexcept { return text().substr(0, format_size_); }
  /// One line for each field of which there is more to say, "" for none. In a line seven cells,
  /// with a tab between them: path, meaning, enumerators, unit, least, most, text.
  std::string_view notes() const noexcept {
    return text().substr(std::min(format_size_ + 1, text_.size()));
  }
  /// Format and notes, with a newline between them; as it stands in a segment.
  std::string_view text() const noexcept { return text_; }
  /// In bytes.
  std::size_t size() const noexcept { return size_; }
  /// In bytes.
  std::size_t alignment() const noexcept { return alignment_; }
  /// A hash of format, size, alignment and the meanings of fields: of what has to be the same in
  /// all programs. The same for every compiler and machine.
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }

  /// Whether all of it is the same.
  friend bool operator==(const schema& a, const schema& b) noexcept {
    return a.fingerprint_ == b.fingerprint_ && a.size_ == b.size_ && a.alignment_ == b.alignment_ &&
           a.text_ == b.text_;
  }
  /// Whether anything differs.
  friend bool operator!=(const schema& a, const schema& b) noexcept { return !(a == b); }

 private:
  /// FNV-1a in 64 bits. Part of the memory layout: never changes without a new layout number.
  std::uint64_t hash() const noexcept {
    std::uint64_t h = 0xcbf29ce484222325;
    const auto add = [&h](std::string_view bytes) {
      for (const char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    };
    add(format());
    for (const std::uint64_t number : {std::uint64_t{size_}, std::uint64_t{alignment_}}) {
      for (unsigned shift = 0; shift < 64; shift += 8) {
        const char byte = static_cast<char>(static_cast<unsigned char>(number >> shift));
        add({&byte, 1});
      }
    }
    for (std::string_view rest = notes(); !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      const std::size_t meaning = std::min(line.find('\t'), line.size() - 1) + 1;
      const std::size_t end = std::min(line.find('\t', meaning), line.size());
      if (end != meaning) add(line.substr(0, end));
    }
    return h;
  }

  std::string text_;
  std::size_t format_size_;
  std::size_t size_;
  std::size_t alignment_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace shm

// ---- shm/format/layout.hpp
// Layout: where in a segment the seats, the schema's text and the payload lie.

namespace shm::detail {

inline constexpr std::size_t cache_line = 64;
inline constexpr std::size_t max_schema_length = 64 * 1024;

constexpr std::size_t round_up(std::size_t size, std::size_t alignment) noexcept {
  return (size + alignment - 1) / alignment * alignment;
}

struct segment_layout {
  std::size_t schema_offset;
  std::size_t payload_offset;
  std::size_t total;

  static segment_layout of(std::size_t seats, std::size_t schema_length, std::size_t payload_size,
                           std::size_t payload_alignment) noexcept {
    const std::size_t schema_offset = sizeof(header) + seats * sizeof(seat_entry);
    const std::size_t payload_offset =
        round_up(schema_offset + schema_length, std::max(cache_line, payload_alignment));
    return {schema_offset, payload_offset,
            round_up(payload_offset + payload_size, cache_line) + tail};
  }

  /// Whether a segment of this size can have this layout. Needs no attachment.
  static constexpr bool has_size_of_ours(std::size_t total) noexcept {
    return total > sizeof(header) && total % cache_line == tail;
  }

 private:
  /// Unused bytes at the end: they give segments of this library a size that hardly any other
  /// program's segment has.
  static constexpr std::size_t tail = 8;
};

/// How many permits an object has: a semaphore's are recorded as the size of its type.
constexpr unsigned permits_of(segment_kind kind, std::uint64_t type_size) noexcept {
  return kind == segment_kind::semaphore ? static_cast<unsigned>(type_size) : 0;
}

/// What an opener expects to find, or makes.
struct blueprint {
  segment_kind kind;
  const schema* type;
  std::size_t payload_size;
  std::size_t payload_alignment;
  void (*construct)(std::byte* payload, const void* initial);  ///< the payload is all zeros
  const void* initial;
  /// Set where an array of any number of elements may be found; the other members are then for one
  /// element. Returns 0 for a number of elements that no array has.
  std::size_t (*payload_size_of)(std::size_t elements) = nullptr;

  unsigned permits() const noexcept { return permits_of(kind, type->size()); }
};

inline header& header_at(const attachment& memory) noexcept {
  return *static_cast<header*>(static_cast<void*>(memory.address()));
}

inline seat_entry* seats_of(header& head) noexcept {
  return static_cast<seat_entry*>(static_cast<void*>(&head + 1));
}
inline const seat_entry* seats_of(const header& head) noexcept {
  return static_cast<const seat_entry*>(static_cast<const void*>(&head + 1));
}

}  // namespace shm::detail

// ---- shm/os/key.hpp
// Key: which object; a name, a path or an agreed value, turned into the System V keys.

namespace shm {

/// Which object. Converts from a name; cheap to copy; never blocks.
class key {
 public:
  /// In bytes.
  static constexpr std::size_t max_name_length = 63;

  /// A name of 1 to 63 bytes without NUL; anything else throws shm::error with
  /// std::errc::invalid_argument. The name is hashed to a key_t; the full name is kept in the
  /// segment.
  key(std::string_view name) { hash(checked(name)); }
  /// The same.
  key(const std::string& name) : key(std::string_view(name)) {}
  /// The same; a null pointer is an invalid name, not undefined behaviour.
  key(const char* name) : key(name != nullptr ? std::string_view(name) : std::string_view()) {}
  key(std::nullptr_t) = delete;

  /// The key that ftok(3) makes of an existing file and a project id (1 to 255). The file's device
  /// and number are part of the name, because ftok gives some files one key: the second is then
  /// refused with errc::name_collision. Every path to the file leads to the same object. Throws
  /// shm::error with errno when there is no such path.
  static key from_path(const char* path, int project_id) {
    if (path == nullptr || (project_id & 0xff) == 0) {
      throw invalid("shm: key::from_path needs a path, and a project id from 1 to 255");
    }
    key_t value = -1;
    struct stat before {
    }, after{};
    do {  // again, if another file was put there meanwhile
      if (::stat(path, &before) == 0) value = ::ftok(path, project_id);
      if (value == -1 || ::stat(path, &after) != 0) {
        throw error(std::error_code(errno, std::system_category()),
                    "shm: key::from_path: ftok(\"" + detail::printable(path, 256) +
                        "\") needs a path that exists and can be reached");
      }
    } while (before.st_dev != after.st_dev || before.st_ino != after.st_ino);
    key result = from_value(value);
    result.keep(text_of(value) + file_word + std::to_string(after.st_dev) + ':' +
                std::to_string(after.st_ino));
    result.origin_ = origin::path;
    return result;
  }

  /// A key agreed on elsewhere. IPC_PRIVATE (0), and the one value whose semaphore key would be 0,
  /// throw shm::error with std::errc::invalid_argument.
  static key from_value(key_t value) {
    if (is_reserved(value)) {
      throw invalid("shm: key::from_value(" + detail::hex(value) +
                    "): this value is reserved, use another; for an object without a name use "
                    "key::anonymous()");
    }
    key result;
    result.keep(text_of(value));
    result.value_ = value;
    result.origin_ = origin::value;
    return result;
  }

  /// A new object under a name that nobody can guess, shared with children by fork() only. It lives
  /// until its last handle closes.
  static key anonymous() {
    std::uint64_t random[2];
    if (::getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
      throw error(std::error_code(errno, std::system_category()),
                  "shm: key::anonymous: getrandom gave no random bytes");
    }
    char text[48];
    std::snprintf(text, sizeof text, "anonymous-%016llx%016llx",
                  static_cast<unsigned long long>(random[0]),
                  static_cast<unsigned long long>(random[1]));
    key result(text);
    result.origin_ = origin::anonymous;
    return result;
  }

  /// The name; `key:0x…` for a key made of a value, `key:0x… file DEVICE:NUMBER` for one made of a
  /// path.
  std::string_view name() const noexcept { return {name_, length_}; }
  /// What shmget gets.
  key_t segment_key() const noexcept { return value_; }
  /// What semget gets: never the same value, because programs use one ftok key for both kinds, and
  /// one-to-one, so that two objects share a semaphore set only if they share a segment key, which
  /// the name in the segment reveals.
  key_t set_key() const noexcept { return set_key_of(value_); }

  /// No key has this value.
  static bool is_reserved(key_t value) noexcept {
    return value == IPC_PRIVATE || value == set_key_of(IPC_PRIVATE);
  }
  /// The segment key beside which a semaphore set would have this key.
  static key_t segment_key_beside(key_t set_key) noexcept { return set_key_of(set_key); }

  /// Whether an object under this key may have that name: because the name is hashed to it, or
  /// because from_value() or from_path() made it of the key.
  bool may_be_called(std::string_view name) const {
    const std::string own = text_of(value_);
    if (name == own || is_of_file(name, own)) return true;
    return !name.empty() && name.size() <= max_name_length && name.find('\0') == name.npos &&
           key(name).value_ == value_;
  }

  /// Whether anonymous() made it.
  bool is_anonymous() const noexcept { return origin_ == origin::anonymous; }
  /// Whether the name is part of the identity: a key made of a value opens whatever name is there.
  bool is_named() const noexcept { return origin_ != origin::value; }

 private:
  enum class origin : unsigned char { name, value, path, anonymous };

  static constexpr const char* file_word = " file ";  // 61 bytes with the longest numbers

  key() = default;

  static std::string text_of(key_t value) { return "key:" + detail::hex(value); }

  /// What from_path() makes of that: ` file DEVICE:NUMBER` behind the text of the key.
  static bool is_of_file(std::string_view name, const std::string& text_of_key) {
    const std::string start = text_of_key + file_word;
    if (name.substr(0, start.size()) != start) return false;
    const std::string_view file = name.substr(start.size());
    const std::size_t colon = file.find(':');
    const auto is_number = [](std::string_view digits) {
      return !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
    };
    return colon != file.npos && is_number(file.substr(0, colon)) &&
           is_number(file.substr(colon + 1));
  }

  static error invalid(const std::string& what) {
    return error(std::make_error_code(std::errc::invalid_argument), what);
  }

  static std::string_view checked(std::string_view name) {
    if (name.empty() || name.size() > max_name_length) {
      throw invalid("shm: key \"" + detail::printable(name, 80) +
                    "\": a name has 1 to 63 bytes, not " + std::to_string(name.size()));
    }
    if (name.find('\0') != std::string_view::npos) {
      throw invalid("shm: key \"" + detail::printable(name, 80) + "\": a name holds no NUL byte");
    }
    return name;
  }

  static key_t set_key_of(key_t value) noexcept {
    constexpr unsigned semaphores = 0x73656d61;  // "sema"
    return static_cast<key_t>(static_cast<unsigned>(value) ^ semaphores);
  }

  void keep(std::string_view name) noexcept {
    std::memcpy(name_, name.data(), name.size());
    length_ = static_cast<unsigned char>(name.size());
  }

  /// FNV-1a in 64 bits, folded to 32. Part of the contract between processes: never changes.
  void hash(std::string_view name) noexcept {
    keep(name);
    std::uint64_t h = 0xcbf29ce484222325;
    for (const char c : name) {
      h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    h ^= h >> 32;
    value_ = static_cast<key_t>(static_cast<std::uint32_t>(h));
    while (is_reserved(value_)) ++value_;
  }

  char name_[max_name_length] = {};
  unsigned char length_ = 0;
  origin origin_ = origin::name;
  key_t value_ = IPC_PRIVATE;
};

}  // namespace shm

// ---- shm/os/census.hpp
// Census: every segment and every semaphore set of this IPC namespace, of every owner.

namespace shm::detail {

struct counted_segment {
  int id = -1;
  key_t key = IPC_PRIVATE;
  std::size_t size = 0;
  unsigned long attached = 0;
  ownership owner;
  pid_t creator_process = 0;
  std::time_t changed = 0;  ///< created, or given another mode or owner
};

struct counted_set {
  int id = -1;
  key_t key = IPC_PRIVATE;
  unsigned semaphores = 0;
  ownership owner;
};

/// The kernel tells these without read permission, but not what is inside. An object that comes or
/// goes meanwhile may be missing; one that goes later is for the caller to find gone.
class census {
 public:
  static result<std::vector<counted_segment>> segments() {
    result<std::vector<counted_segment>> all;
    shm_info totals{};
    const int last = ::shmctl(0, SHM_INFO, static_cast<shmid_ds*>(static_cast<void*>(&totals)));
    if (last == -1) all.error_number = errno;
    for (int index = 0; index <= last; ++index) {
      shmid_ds data{};
      int id = ::shmctl(index, SHM_STAT_ANY, &data);
      // Before Linux 4.17, and in emulators: only those that may be read.
      if (id == -1 && errno == EINVAL) id = ::shmctl(index, SHM_STAT, &data);
      if (id == -1) {
        if (!is_of_one_slot(errno)) return {{}, errno};
        continue;
      }
      if ((data.shm_perm.mode & SHM_DEST) != 0) continue;  // removed: it has no key any more
      all.value.push_back({id, data.shm_perm.__key, data.shm_segsz, data.shm_nattch,
                           ownership::of(data.shm_perm), data.shm_cpid, data.shm_ctime});
    }
    return all;
  }

  static result<std::vector<counted_set>> sets() {
    result<std::vector<counted_set>> all;
    seminfo totals{};
    argument where;
    where.totals = &totals;
    const int last = ::semctl(0, 0, SEM_INFO, where);
    if (last == -1) all.error_number = errno;
    for (int index = 0; index <= last; ++index) {
      semid_ds data{};
      where.status = &data;
      int id = ::semctl(index, 0, SEM_STAT_ANY, where);
      if (id == -1 && errno == EINVAL) id = ::semctl(index, 0, SEM_STAT, where);
      if (id == -1) {
        if (!is_of_one_slot(errno)) return {{}, errno};
        continue;
      }
      all.value.push_back({id, data.sem_perm.__key, static_cast<unsigned>(data.sem_nsems),
                           ownership::of(data.sem_perm)});
    }
    return all;
  }

 private:
  /// Nothing there, or nothing that may be read.
  static bool is_of_one_slot(int error_number) noexcept {
    return error_number == EINVAL || error_number == EIDRM || error_number == EACCES;
  }

  union argument {
    semid_ds* status;
    seminfo* totals;
  };
};

}  // namespace shm::detail

// ---- shm/os/permission.hpp
// Permission: what the kernel's own rules let this process do with a segment or semaphore set.

namespace shm::detail {

/// What a call asks of an object: nothing, as shmget does; or to read it; to read and alter it; or
/// to remove it or give it away, as only its owner may.
enum class right { none, read, alter, own };

inline bool has_capability(unsigned which) noexcept {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &head, data) != 0) return false;
  return (data[which / 32].effective >> (which % 32) & 1u) != 0;
}

/// In a user namespace a process may hold every capability. None of them applies to an object whose
/// owner has no number there.
inline bool has_power_over(const ownership& object, unsigned capability) noexcept {
  return has_capability(capability) && !object.is_uncertain();
}

/// Repeats the rules of ipc(2), so that a refusal by them can be told from a refusal by a sandbox.
inline bool kernel_allows(const ownership& object, right wanted) {
  const uid_t user = ::geteuid();
  const bool is_owner = user == object.owner || user == object.creator;
  switch (wanted) {
    case right::none: return true;
    case right::own: return is_owner || has_power_over(object, CAP_SYS_ADMIN);
    case right::read:
    case right::alter: break;
  }
  const bool is_member =
      is_group_of_process(object.group) || is_group_of_process(object.creator_group);
  const unsigned shift = is_owner ? 6 : is_member ? 3 : 0;
  const unsigned bits = wanted == right::read ? 4 : 6;
  return ((object.mode >> shift) & bits) == bits || has_power_over(object, CAP_IPC_OWNER);
}

}  // namespace shm::detail

// ---- shm/base/deadline.hpp
// Deadline: a moment on the monotonic clock until which a call may block, or never.

namespace shm::detail {

class deadline {
 public:
  using clock = std::chrono::steady_clock;

  static deadline never() noexcept { return deadline(clock::time_point::max()); }
  static deadline now() noexcept { return deadline(clock::time_point::min()); }

  /// A span too long to be represented counts as never; a negative one, or one that is not a
  /// number, as now. Rounds up.
  template <class Rep, class Period>
  static deadline after(std::chrono::duration<Rep, Period> span) noexcept {
    const auto now = clock::now();
    const long double wanted = seconds(span).count();
    if (!(wanted > 0)) return deadline(now);
    if (wanted >= seconds(clock::time_point::max() - now).count() / 2) return never();
    // From floating seconds: between two units of integers std::chrono may overflow.
    return deadline(now + std::chrono::ceil<std::chrono::nanoseconds>(seconds(wanted)));
  }

  /// How long it is from now to a moment on any clock; negative or not a number when it has
  /// passed. Floating, because with integers the extreme moments of a clock overflow as soon as
  /// they are compared with now.
  template <class Clock, class Duration>
  static std::chrono::duration<long double> left_until(
      std::chrono::time_point<Clock, Duration> moment) {
    const auto now = Clock::now();
    return seconds(moment.time_since_epoch()) - seconds(now.time_since_epoch());
  }

  deadline or_earlier(const deadline& other) const noexcept {
    return deadline(std::min(at_, other.at_));
  }

  bool is_later_than(const deadline& other) const noexcept { return at_ > other.at_; }
  bool is_never() const noexcept { return at_ == clock::time_point::max(); }
  bool passed() const noexcept { return !is_never() && clock::now() >= at_; }

  /// Never negative.
  std::chrono::nanoseconds remaining() const noexcept {
    const auto now = clock::now();
    return at_ > now ? std::chrono::nanoseconds(at_ - now) : std::chrono::nanoseconds(0);
  }

 private:
  using seconds = std::chrono::duration<long double>;

  explicit deadline(clock::time_point at) noexcept : at_(at) {}

  clock::time_point at_;
};

}  // namespace shm::detail

// ---- shm/os/timespec.hpp
// Timespec: a span of time as the kernel takes it.

namespace shm::detail {

/// Precondition: the span is not negative.
inline timespec to_timespec(std::chrono::nanoseconds span) noexcept {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(span);
  timespec time{};
  time.tv_sec = static_cast<std::time_t>(whole.count());
  time.tv_nsec = static_cast<long>((span - whole).count());
  return time;
}

}  // namespace shm::detail

// ---- shm/os/semaphore_set.hpp
// Semaphore set: the kernel as janitor; from semget to IPC_RMID, one semop per function.

namespace shm::detail {

struct set_status {
  unsigned semaphores = 0;
  bool never_used = false;  ///< no semop since the set was created
  ownership owner;
};

/// Names a set; owns nothing. EINTR is never returned: calls go on with the time that is left.
/// EAGAIN: not now, or the deadline passed. EIDRM and EINVAL: the set is gone.
///
/// If the mark is known, calls that change a semaphore and never wait prove first, in the same
/// semop, that the id still names the set with that mark. If it does not, they fail with EAGAIN.
/// The calls that wait prove nothing: the caller compares the mark, after entering the door, and
/// before each wait for a token.
class semaphore_set {
 public:
  semaphore_set() = default;
  semaphore_set(int id, unsigned semaphores, set_mark mark) noexcept
      : id_(id), semaphores_(semaphores), mark_(mark) {}

  static result<semaphore_set> find(key_t key) noexcept { return of(::semget(key, 0, 0), 0); }

  /// Fails with EEXIST when the key is taken.
  static result<semaphore_set> create(key_t key, unsigned seats, unsigned mode) noexcept {
    const unsigned semaphores = semaphore::first_seat + seats;
    return of(
        ::semget(key, static_cast<int>(semaphores), IPC_CREAT | IPC_EXCL | static_cast<int>(mode)),
        semaphores);
  }

  semaphore_set with_mark(set_mark mark) const noexcept { return {id_, semaphores_, mark}; }
  semaphore_set with_semaphores(unsigned number) const noexcept { return {id_, number, mark_}; }

  int id() const noexcept { return id_; }
  set_mark mark() const noexcept { return mark_; }
  unsigned semaphores() const noexcept { return semaphores_; }
  unsigned seats() const noexcept { return semaphores_ - semaphore::first_seat; }

  result<set_status> stat() const noexcept {
    semid_ds data{};
    argument where;
    where.status = &data;
    if (::semctl(id_, 0, IPC_STAT, where) == -1) return {{}, errno};
    return {
        {static_cast<unsigned>(data.sem_nsems), data.sem_otime == 0, ownership::of(data.sem_perm)},
        0};
  }

  /// IPC_SET: owner, group and mode become those given.
  status give_to(const ownership& whom) const noexcept {
    semid_ds data{};
    data.sem_perm.uid = whom.owner;
    data.sem_perm.gid = whom.group;
    data.sem_perm.mode = static_cast<decltype(data.sem_perm.mode)>(whom.mode);
    argument where;
    where.status = &data;
    return status::of(::semctl(id_, 0, IPC_SET, where));
  }

  /// Asks the kernel whether this user may remove the set, as segment::may_remove() does. EPERM:
  /// no. Precondition: the set is there.
  status may_remove() const noexcept {
    constexpr auto no_id = static_cast<uid_t>(-1);
    const status refused = give_to({no_id, no_id, no_id, no_id, 0});
    return refused.error_number == EINVAL ? status{} : refused;
  }

  result<int> value(unsigned short which) const noexcept { return control(which, GETVAL); }

  /// The process that last changed that semaphore: only ever to be shown to people, or compared
  /// with this very process.
  result<int> last_process(unsigned short which) const noexcept { return control(which, GETPID); }

  result<set_values> values() const noexcept {
    result<set_values> found;
    argument where;
    where.values = found.value.allocate(semaphores_);
    if (where.values == nullptr) {
      found.error_number = ENOMEM;
    } else if (::semctl(id_, 0, GETALL, where) == -1) {
      found.error_number = errno;
    }
    return found;
  }

  /// Whether the id still names the set with this mark.
  result<bool> is_itself() const noexcept {
    const result<int> low = value(semaphore::mark_low);
    if (!low.ok()) return {false, low.error_number};
    const result<int> high = value(semaphore::mark_high);
    if (!high.ok()) return {false, high.error_number};
    const set_mark found = mark_of(low.value, high.value);
    return {found == mark_, 0};
  }

  /// EAGAIN: it says so already.
  status say_ours() const noexcept {
    return run({{semaphore::ours, 0, IPC_NOWAIT}, {semaphore::ours, semaphore::ours_value, 0}});
  }
  /// EAGAIN: it has one already. The low part must not be 0.
  status put_mark(set_mark mark) const noexcept {
    return run({{semaphore::mark_low, 0, IPC_NOWAIT},
                {semaphore::mark_low, low_part(mark), IPC_NOWAIT},
                {semaphore::mark_high, high_part(mark), IPC_NOWAIT}});
  }

  /// `program`, 1 to 32767, tells a program from the one before an exec.
  status enter_door(short program, const deadline& until) const noexcept {
    return run({{semaphore::door, 0, 0}, {semaphore::door, program, SEM_UNDO}}, until);
  }
  status try_enter_door(short program) const noexcept {
    return run({{semaphore::door, 0, IPC_NOWAIT}, {semaphore::door, program, SEM_UNDO}});
  }
  /// EAGAIN: that program is not inside.
  status leave_door(short program) const noexcept {
    return run_proven({{semaphore::door, static_cast<short>(-program), undo_now},
                       {semaphore::door, 0, IPC_NOWAIT}});
  }
  status wait_until_zero(unsigned short which, const deadline& until) const noexcept {
    return run({{which, 0, 0}}, until);
  }

  /// Takes the seat. Leaves `wake` unchanged, and makes the kernel post one wake token when this
  /// process dies.
  status take_seat(unsigned seat) const noexcept {
    return run_proven({{index(seat), 0, IPC_NOWAIT},
                       {index(seat), +1, SEM_UNDO},
                       {semaphore::wake, +1, IPC_NOWAIT},
                       {semaphore::wake, -1, undo_now}});
  }
  /// Does what the kernel does for a dead process: frees the seat and posts a wake token.
  status leave_seat(unsigned seat) const noexcept {
    return run_proven({{index(seat), -1, undo_now}, {semaphore::wake, +1, undo_now}});
  }

  /// One token is enough however many sleep: a waiter that takes it passes it on. EAGAIN: there is
  /// one.
  status post_wake_token() const noexcept {
    return run_proven({{semaphore::wake, 0, IPC_NOWAIT}, {semaphore::wake, +1, IPC_NOWAIT}});
  }
  status take_wake_token(const deadline& until) const noexcept {
    return run({{semaphore::wake, -1, 0}}, until);
  }
  /// Always leaves one: it may be meant for a process that is about to sleep.
  status drain_wake_tokens(int surplus) const noexcept {
    return run_proven({{semaphore::wake, static_cast<short>(-surplus - 1), IPC_NOWAIT},
                       {semaphore::wake, +1, IPC_NOWAIT}});
  }

  status begin_raw_edit() const noexcept { return run_proven({{semaphore::raw, +1, undo_now}}); }
  status end_raw_edit() const noexcept { return run_proven({{semaphore::raw, -1, undo_now}}); }

  /// Makes `wanted` permits free where `seen` are. EAGAIN: another number is.
  status put_permits(unsigned seen, unsigned wanted) const noexcept {
    return run_proven(
        {{semaphore::permits, static_cast<short>(-static_cast<int>(seen)), IPC_NOWAIT},
         {semaphore::permits, 0, IPC_NOWAIT},
         {semaphore::permits, static_cast<short>(wanted), IPC_NOWAIT}});
  }
  /// The kernel gives the permit back when this process ends. EAGAIN: none is free.
  status try_take_permit() const noexcept {
    return run_proven({{semaphore::permits, -1, undo_now}});
  }
  status take_permit(const deadline& until) const noexcept {
    return run({{semaphore::permits, -1, SEM_UNDO}}, until);
  }
  status give_permit() const noexcept { return run_proven({{semaphore::permits, +1, undo_now}}); }

  status remove() const noexcept { return status::of(::semctl(id_, 0, IPC_RMID)); }

 private:
  static constexpr short undo_now = SEM_UNDO | IPC_NOWAIT;

  union argument {  // semctl's fourth argument, which callers have to define
    int number;
    semid_ds* status;
    unsigned short* values;
  };

  static result<semaphore_set> of(int id, unsigned semaphores) noexcept {
    if (id == -1) return {{}, errno};
    return {{id, semaphores, 0}, 0};
  }

  static unsigned short index(unsigned seat) noexcept {
    return static_cast<unsigned short>(semaphore::first_seat + seat);
  }

  result<int> control(unsigned short which, int command) const noexcept {
    const int value = ::semctl(id_, which, command);
    if (value == -1) return {0, errno};
    return {value, 0};
  }

  /// Runs the proof, and then the steps; all or nothing. Half of the mark is enough here: it keeps
  /// changes of this process out of other sets, and decides nothing.
  template <std::size_t Count>
  status run_proven(const sembuf (&steps)[Count]) const noexcept {
    if (mark_ == 0) return run(steps);
    const short low = low_part(mark_);
    std::array<sembuf, 3 + Count> all{{{semaphore::mark_low, static_cast<short>(-low), IPC_NOWAIT},
                                       {semaphore::mark_low, 0, IPC_NOWAIT},
                                       {semaphore::mark_low, low, IPC_NOWAIT}}};
    for (std::size_t i = 0; i < Count; ++i) all[3 + i] = steps[i];
    return run(all.data(), all.size(), deadline::never());
  }

  template <std::size_t Count>
  status run(const sembuf (&steps)[Count],
             const deadline& until = deadline::never()) const noexcept {
    sembuf operations[Count];  // semop takes them as not const
    for (std::size_t i = 0; i < Count; ++i) operations[i] = steps[i];
    return run(operations, Count, until);
  }

  status run(sembuf* operations, std::size_t count, const deadline& until) const noexcept {
    for (;;) {
      timespec left{};
      if (!until.is_never()) left = to_timespec(until.remaining());
      const status done =
          status::of(::semtimedop(id_, operations, count, until.is_never() ? nullptr : &left));
      if (done.error_number != EINTR) return done;
    }
  }

  int id_ = -1;
  unsigned semaphores_ = 0;
  set_mark mark_ = 0;
};

}  // namespace shm::detail

// ---- shm/os/refusals.hpp
// Refusals: what the kernel's refusals mean for an object, in words that tell the way out.

namespace shm::detail {

/// A process id for people: of another PID namespace the kernel tells only 0.
inline std::string process_name(const result<int>& pid) {
  if (!pid.ok() || pid.value == 0) return "a process of another container";
  return "pid " + std::to_string(pid.value);
}

/// "pid 12, pid 34": who sits in the set now.
inline std::string occupants(const semaphore_set& set, unsigned seats) {
  constexpr unsigned enough = 8;
  std::string names;
  unsigned found = 0;
  for (unsigned seat = 0; seat < seats; ++seat) {
    const auto index = static_cast<unsigned short>(semaphore::first_seat + seat);
    const result<int> taken = set.value(index);
    if (!taken.ok() || taken.value == 0) continue;
    if (++found > enough) return names + ", …";
    if (!names.empty()) names += ", ";
    names += process_name(set.last_process(index));
  }
  return names.empty() ? "nobody with a read-write handle" : names;
}

/// ", which has owner uid 12, mode 0600", from one of the kernel's tables, which may be read
/// without permission for what they tell of; "" where it is not told.
template <class Table>
std::string owner_in(const Table& table, int id) {
  for (const auto& one : table.value) {
    if (one.id == id) return ", which has " + one.owner.describe();
  }
  return "";
}

inline std::string this_user() {
  return "this user (uid " + std::to_string(::geteuid()) + ")";
}

/// Why an object is not trusted, with the way out. `lets_in_more`: its mode does, than the caller's
/// options::access.
inline std::string distrust(const char* what, const ownership& found, bool lets_in_more) {
  const std::string which = std::string("the ") + what + " has " + found.describe();
  if (lets_in_more) {
    return which +
           ", which lets in more than options::access says; if that is meant, open it with the "
           "options::access that it was created with";
  }
  const bool owner_can = found.creator == found.owner || found.creator == 0;
  if (::geteuid() == 0 && owner_can) {
    const std::string uid = std::to_string(found.owner);
    return which +
           ", another user, whom options::access does not trust; root trusts no more than others "
           "do: run this program as that user (sudo -u '#" +
           uid + "', or setpriv --reuid=" + uid + "), or choose another name";
  }
  return which +
         ", another user, whom options::access does not trust; if that is meant, open it with the "
         "options::access that it was created with, or choose another name";
}

/// What a call asks of the object that it is about.
inline right right_for(std::string_view call) noexcept {
  const auto says = [call](const char* word) { return call.find(word) != call.npos; };
  if (says("shmget") || says("semget")) return right::none;
  if (says("IPC_RMID") || says("IPC_SET")) return right::own;
  if (says("STAT") || says("GETVAL") || says("GETALL") || says("GETPID")) return right::read;
  return right::alter;
}

/// Whether the kernel's permissions are why a call was refused. They say EPERM to who is not the
/// owner, and EACCES to who may not read or write; all else is said by a sandbox.
template <class Table>
bool permissions_explain(const char* call, int error_number, const Table& table, int id) {
  const right wanted = right_for(call);
  if (wanted == right::none || (error_number == EPERM) != (wanted == right::own)) return false;
  for (const auto& one : table.value) {
    if (one.id == id) return !kernel_allows(one.owner, wanted);
  }
  return table.ok();  // it is gone; a table that is not told is withheld by a sandbox
}

/// Why a call is refused that the kernel's permissions allow, with the way out.
inline std::string refused_by_sandbox(int error_number) {
  const std::string way_out =
      "allow shmget, shmat, shmdt, shmctl, semget, semctl, semop, semtimedop and membarrier in the "
      "profile of the sandbox or container";
  if (error_number == ENOSYS) {
    return "this kernel, or the sandbox that this program runs in, does not offer the system "
           "call; build the kernel with CONFIG_SYSVIPC, or " +
           way_out;
  }
  return "a sandbox refuses the system call to this program (a seccomp filter, a container's "
         "profile, a security module), and not the permissions of the object; " +
         way_out;
}

/// Of a refusal to find or to attach an object: permissions refuse that with EACCES.
inline bool is_by_sandbox(const error& refusal) noexcept {
  return refusal.code() == std::errc::operation_not_permitted ||
         refusal.code() == std::errc::function_not_supported;
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_removed(const subject& about) {
  refuse(errc::removed, about,
         "the object was removed while this handle was open; close the handle and open it again");
}

/// By the permissions of the object, or by a sandbox.
template <class Table>
[[noreturn]] void refuse_forbidden_call(const char* call, int error_number, const subject& about,
                                        const char* what, const Table& table, int id) {
  if (!permissions_explain(call, error_number, table, id)) {
    refuse_call(call, error_number, about, refused_by_sandbox(error_number));
  }
  refuse_call(call, error_number, about,
              this_user() + " may not do that with the " + what + owner_in(table, id) +
                  "; ask the owner to create the object with another shm::access, or become that "
                  "user");
}

/// A call on the semaphore set failed, and not because the set is gone.
[[noreturn]] inline void refuse_set_call(const char* call, int error_number, const subject& about) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      refuse_forbidden_call(call, error_number, about, "semaphore set", census::sets(),
                            about.set_id);
    case ENOSYS: refuse_call(call, error_number, about, refused_by_sandbox(error_number));
    case ENOSPC:
    case ENOMEM:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 " found no memory for an undo record; raise the limits in "
                 "/proc/sys/kernel/sem or free memory");
    case E2BIG:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 " may not do so many operations at once; raise the third number of: sysctl "
                 "kernel.sem");
    case ERANGE:
      refuse(errc::corrupt, about,
             std::string(call) +
                 " met a semaphore out of range: somebody changed the set by hand; "
                 "remove the object with shm::remove(name, shm::force)");
    default: refuse_call(call, error_number, about, "unexpected");
  }
}

[[noreturn]] inline void refuse_segment_call(const char* call, int error_number,
                                             const subject& about) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      refuse_forbidden_call(call, error_number, about, "segment", census::segments(),
                            about.segment_id);
    case ENOSYS: refuse_call(call, error_number, about, refused_by_sandbox(error_number));
    case ENOMEM:
    case EAGAIN:  // of mlockall(MCL_FUTURE), beyond its limit
      refuse(errc::limit_reached, about,
             std::string(call) + " found no memory or address space for the segment");
    case EMFILE:
      refuse(errc::limit_reached, about, std::string(call) + ": too many segments are attached");
    case EFAULT:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 ", madvise(MADV_POPULATE_READ): the kernel has no memory for the segment's pages "
                 "(huge pages that nobody "
                 "reserved); raise: sysctl vm.nr_hugepages");
    default: refuse_call(call, error_number, about, "unexpected");
  }
}

}  // namespace shm::detail

// ---- shm/schema/field.hpp
// Field: one member of a described type: its name, type, place and number, and the members inside.

namespace shm {

enum class field_type {
  boolean,
  character,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
  long_double,
  complex64,            ///< two float32
  complex128,           ///< two float64
  complex_long_double,  ///< two long_double
  text,                 ///< char[size]
  opaque,               ///< bytes of which only their number is known
  structure
};

/// What a field stands for, if its type does not tell.
enum class field_meaning {
  plain,
  duration,    ///< a number of ticks
  time_point,  ///< a number of ticks since the epoch of a clock
  bits,        ///< a structure: `words` of 64 bits, the first bit is the lowest of the first
  optional,    ///< a structure: `value`, and whether it is `engaged`
  string,      ///< a structure: `size`, and a `text` of which so many bytes count
  vector       ///< a structure: `size`, and `items` of which so many count
};

struct enumerator {
  std::string name;
  std::uint64_t value = 0;
};

/// A field as it is stored, and what the program says about it. Every text in it may come from a
/// stranger and hold any bytes.
struct field {
  std::string name;  ///< "" for a whole value
  field_type type = field_type::opaque;
  bool big_endian = false;
  std::uint64_t offset = 0;               ///< from the start of the struct that it is a member of
  std::uint64_t size = 0;                 ///< bytes; of one element, where there are dimensions
  std::vector<std::uint64_t> dimensions;  ///< of an array, outermost first; 0 stands alone
  std::vector<field> members;             ///< of a structure

  field_meaning meaning = field_meaning::plain;  ///< of one element
  std::uint64_t tick_numerator = 1;              ///< of a duration or time_point, in seconds
  std::uint64_t tick_denominator = 1;
  std::string clock;                    ///< of a time_point: system, steady, or a C++ type
  std::uint64_t bits = 0;               ///< of a bitset
  std::vector<enumerator> enumerators;  ///< of an enum, as far as they are known
  std::string unit;                     ///< for example m/s; "" for none
  double least = -std::numeric_limits<double>::infinity();  ///< where the value has a range
  double most = std::numeric_limits<double>::infinity();
  std::string text;  ///< for people; "" for none

  /// How many elements, over all dimensions; 1 for no array.
  std::uint64_t count() const noexcept {
    std::uint64_t product = 1;
    for (const std::uint64_t dimension : dimensions) product *= dimension;
    return product;
  }

  /// Of a duration or time_point: ms, or 1/60 s where that has no name.
  std::string tick_in_words() const {
    struct unit_of_time {
      std::uint64_t numerator, denominator;
      const char* name;
    };
    static constexpr unit_of_time known[] = {
        {1, 1'000'000'000, "ns"}, {1, 1'000'000, "us"}, {1, 1000, "ms"}, {1, 1, "s"},
        {60, 1, "min"},           {3600, 1, "h"},       {86400, 1, "d"}};
    for (const unit_of_time& one : known) {
      if (one.numerator == tick_numerator && one.denominator == tick_denominator) return one.name;
    }
    return std::to_string(tick_numerator) + '/' + std::to_string(tick_denominator) + " s";
  }

  /// For people: float[4], duration in ms.
  std::string type_in_words() const {
    std::string words = meaning == field_meaning::plain ? element_in_words() : meaning_in_words();
    for (const std::uint64_t dimension : dimensions) words += '[' + std::to_string(dimension) + ']';
    return big_endian ? words + " (big-endian)" : words;
  }

 private:
  std::string meaning_in_words() const {
    switch (meaning) {
      case field_meaning::duration: return "duration in " + tick_in_words();
      case field_meaning::time_point: return clock + " time in " + tick_in_words();
      case field_meaning::bits: return "bitset of " + std::to_string(bits);
      case field_meaning::optional: return "optional " + members[0].type_in_words();
      case field_meaning::string: return "string of at most " + std::to_string(members[1].size);
      case field_meaning::vector: {
        field one = members[1];
        one.dimensions.erase(one.dimensions.begin());
        return "vector of at most " + std::to_string(members[1].dimensions[0]) + ' ' +
               one.type_in_words();
      }
      case field_meaning::plain: break;
    }
    return element_in_words();
  }

  std::string element_in_words() const {
    switch (type) {
      case field_type::boolean: return "bool";
      case field_type::character: return "char";
      case field_type::int8: return "int8";
      case field_type::uint8: return "uint8";
      case field_type::int16: return "int16";
      case field_type::uint16: return "uint16";
      case field_type::int32: return "int32";
      case field_type::uint32: return "uint32";
      case field_type::int64: return "int64";
      case field_type::uint64: return "uint64";
      case field_type::float32: return "float";
      case field_type::float64: return "double";
      case field_type::long_double: return "long double";
      case field_type::complex64: return "complex float";
      case field_type::complex128: return "complex double";
      case field_type::complex_long_double: return "complex long double";
      case field_type::text: return "char[" + std::to_string(size) + ']';
      case field_type::opaque:
        return "opaque " + std::to_string(size) + (size == 1 ? " byte" : " bytes");
      case field_type::structure: return "struct";
    }
    return "unknown";
  }
};

}  // namespace shm

// ---- shm/schema/format_parser.hpp
// Format parser: from the text of a schema, which may come from anybody, to its fields.

namespace shm::detail {

struct parsed_format {
  std::optional<std::uint64_t> elements;  ///< where one dimension stands alone: a shm::array's
  field value;                            ///< the whole, or one of those elements
};

/// Knows only the formats that this library writes. Bounded in depth, number of fields and sizes,
/// whatever the text says; of size 0 are only arrays of no element.
class format_parser {
 public:
  static std::optional<parsed_format> parse(std::string_view text) {
    format_parser parser(text);
    parsed_format whole;
    if (parser.starts_with_element_count()) {
      std::uint64_t elements = 0;
      if (!parser.skip('(') || !parser.number(elements) || !parser.skip(')')) return std::nullopt;
      if (elements == 0) return std::nullopt;
      whole.elements = elements;
    }
    if (!parser.item(whole.value, 0) || !parser.rest_.empty()) return std::nullopt;
    const std::uint64_t size = extent(whole.value);
    if (size == 0 || whole.elements.value_or(1) > max_size / size) return std::nullopt;
    return whole;
  }

 private:
  static constexpr unsigned max_depth = 16;
  static constexpr std::size_t max_dimensions = 16;
  static constexpr std::size_t max_fields = 4096;
  static constexpr std::size_t max_name = 1024;
  static constexpr std::uint64_t max_size = std::uint64_t{1} << 48;

  explicit format_parser(std::string_view text) : rest_(text) {}

  static std::uint64_t extent(const field& of) noexcept { return of.size * of.count(); }

  bool starts_with_element_count() const {
    // One dimension alone is the array's; the element's own dimensions follow in their own
    // brackets.
    return !rest_.empty() && rest_.front() == '(' &&
           rest_.substr(0, rest_.find(')')).find(',') == rest_.npos;
  }

  bool skip(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool at_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }

  bool number(std::uint64_t& value) {
    if (!at_digit()) return false;
    value = 0;
    for (; at_digit(); rest_.remove_prefix(1)) {
      value = value * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
      if (value > max_size) return false;
    }
    return true;
  }

  bool name(std::string& into) {
    if (!skip(':')) return false;
    const std::size_t end = rest_.find(':');
    if (end == rest_.npos || end == 0 || end > max_name) return false;
    into = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

  /// (2,3)
  bool dimensions(field& of) {
    std::uint64_t total = 1;
    while (skip('(')) {
      do {
        std::uint64_t count = 0;
        if (!number(count) || (count != 0 && total > max_size / count)) return false;
        if (of.dimensions.size() == max_dimensions) return false;
        total *= count;
        of.dimensions.push_back(count);
      } while (skip(','));
      if (!skip(')')) return false;
    }
    // Of nothing one dimension is enough; with more, a walk over the outer ones might never end.
    return total != 0 || of.dimensions.size() == 1;
  }

  bool item(field& found, unsigned depth) {
    if (++fields_ > max_fields || !dimensions(found)) return false;
    if (rest_.substr(0, 2) == "T{") {
      rest_.remove_prefix(2);
      found.type = field_type::structure;
      if (!members(found, depth + 1)) return false;
    } else if (!scalar(found)) {
      return false;
    }
    return found.size != 0 && found.count() <= max_size / found.size;
  }

  bool members(field& of, unsigned depth) {
    if (depth > max_depth) return false;
    while (!skip('}')) {
      std::uint64_t gap = 0;
      if (padding(gap)) {
        of.size += gap;
      } else {
        field member;
        member.offset = of.size;
        if (!item(member, depth) || !name(member.name)) return false;
        of.size += extent(member);
        of.members.push_back(std::move(member));
      }
      if (of.size > max_size) return false;
    }
    return true;
  }

  /// Padding has no name; 8x with a name is an opaque member.
  bool padding(std::uint64_t& bytes) {
    const std::string_view before = rest_;
    bytes = 1;
    if (at_digit() && !number(bytes)) return false;
    if (skip('x') && (rest_.empty() || rest_.front() != ':')) return true;
    rest_ = before;
    return false;
  }

  bool scalar(field& found) {
    std::uint64_t count = 1;
    const bool counted = at_digit();
    if (counted && !number(count)) return false;
    found.size = count;
    if (skip('s')) {
      found.type = field_type::text;
      return true;
    }
    if (skip('x')) {
      found.type = field_type::opaque;
      return true;
    }
    if (counted) return false;
    found.big_endian = skip('>');
    if (!found.big_endian && !skip('<')) static_cast<void>(skip('@'));
    const bool is_complex = skip('Z');
    if (rest_.empty()) return false;
    const char code = rest_.front();
    rest_.remove_prefix(1);
    return known_code(code, found) && (!is_complex || make_complex(found));
  }

  static bool make_complex(field& of) {
    of.size *= 2;
    switch (of.type) {
      case field_type::float32: of.type = field_type::complex64; return true;
      case field_type::float64: of.type = field_type::complex128; return true;
      case field_type::long_double: of.type = field_type::complex_long_double; return true;
      default: return false;
    }
  }

  static bool known_code(char code, field& found) {
    struct known {
      char code;
      field_type type;
      std::uint64_t size;
    };
    static constexpr known all[] = {{'?', field_type::boolean, 1},
                                    {'c', field_type::character, 1},
                                    {'b', field_type::int8, 1},
                                    {'B', field_type::uint8, 1},
                                    {'h', field_type::int16, 2},
                                    {'H', field_type::uint16, 2},
                                    {'i', field_type::int32, 4},
                                    {'I', field_type::uint32, 4},
                                    {'q', field_type::int64, 8},
                                    {'Q', field_type::uint64, 8},
                                    {'f', field_type::float32, 4},
                                    {'d', field_type::float64, 8},
                                    {'g', field_type::long_double, sizeof(long double)}};
    for (const known& one : all) {
      if (one.code != code) continue;
      found.type = one.type;
      found.size = one.size;
      return true;
    }
    return false;
  }

  std::string_view rest_;
  std::size_t fields_ = 0;
};

}  // namespace shm::detail

// ---- shm/schema/schema_parser.hpp
// Schema parser: from a schema, which may come from anybody, to its fields with their notes.

namespace shm::detail {

/// Knows only the notes that this library writes, and refuses a note that contradicts the format.
class note_parser {
 public:
  /// Adds to the fields what the notes say of them. Returns false where they make no sense.
  static bool add(std::string_view notes, field& value) {
    while (!notes.empty()) {
      const std::string_view line = take(notes, '\n');
      if (!add_line(line, value)) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t max_enumerators = 128;

  /// What comes before the next separator, and takes both away.
  static std::string_view take(std::string_view& rest, char separator) {
    const std::string_view first = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(first.size() + 1, rest.size()));
    return first;
  }

  static bool add_line(std::string_view line, field& value) {
    if (std::count(line.begin(), line.end(), '\t') != 6) return false;
    field* const found = find(take(line, '\t'), value);
    if (found == nullptr) return false;
    const std::string_view meaning = take(line, '\t'), enumerators = take(line, '\t');
    found->unit = take(line, '\t');
    const std::string_view least = take(line, '\t'), most = take(line, '\t');
    found->text = line;
    return add_meaning(meaning, *found) && add_enumerators(enumerators, *found) &&
           add_bound(least, found->least) && add_bound(most, found->most);
  }

  /// engine.rpm, wheels[].pressure; "" is the value itself.
  static field* find(std::string_view path, field& value) {
    field* at = &value;
    while (!path.empty()) {
      std::string_view name = take(path, '.');
      if (!path.empty() && name.size() > 2 && name.substr(name.size() - 2) == "[]") {
        name.remove_suffix(2);
      }
      const auto found = std::find_if(at->members.begin(), at->members.end(),
                                      [name](const field& one) { return one.name == name; });
      if (found == at->members.end()) return nullptr;
      at = &*found;
    }
    return at;
  }

  static bool number(std::string_view digits, std::uint64_t& into) {
    const char* const end = digits.data() + digits.size();
    const auto [rest, problem] = std::from_chars(digits.data(), end, into);
    return problem == std::errc() && rest == end;
  }

  static bool is_scalar(const field& one) {
    return one.type != field_type::structure && one.type != field_type::opaque &&
           one.type != field_type::text;
  }
  static bool is_integer(const field& one) {
    return one.type >= field_type::boolean && one.type <= field_type::uint64;
  }
  static bool has_two_members(const field& one, const char* first, const char* second) {
    return one.type == field_type::structure && one.members.size() == 2 &&
           one.members[0].name == first && one.members[1].name == second;
  }
  static bool has_size_and(const field& one, const char* second) {
    return has_two_members(one, "size", second) && one.members[0].type == field_type::uint32 &&
           one.members[0].dimensions.empty();
  }

  static bool add_meaning(std::string_view text, field& of) {
    if (text.empty()) return true;
    const std::string_view word = take(text, ' ');
    if (word == "duration" || word == "time") {
      of.meaning = word == "time" ? field_meaning::time_point : field_meaning::duration;
      const bool has_period = number(take(text, '/'), of.tick_numerator) &&
                              number(take(text, ' '), of.tick_denominator);
      of.clock = text;
      return has_period && of.tick_numerator != 0 && of.tick_denominator != 0 && is_scalar(of) &&
             of.type < field_type::complex64 &&
             of.clock.empty() == (of.meaning == field_meaning::duration);
    }
    if (word == "bits") {
      of.meaning = field_meaning::bits;
      return number(text, of.bits) && of.bits != 0 && of.type == field_type::structure &&
             of.members.size() == 1 && of.members[0].type == field_type::uint64 &&
             of.members[0].dimensions.size() == 1 &&
             of.members[0].dimensions[0] == (of.bits + 63) / 64;
    }
    if (!text.empty()) return false;
    if (word == "optional") {
      of.meaning = field_meaning::optional;
      return has_two_members(of, "value", "engaged") && of.members[0].count() != 0 &&
             of.members[1].type == field_type::boolean && of.members[1].dimensions.empty();
    }
    if (word == "string") {
      of.meaning = field_meaning::string;
      return has_size_and(of, "text") && of.members[1].type == field_type::text &&
             of.members[1].dimensions.empty();
    }
    if (word == "vector") {
      of.meaning = field_meaning::vector;
      return has_size_and(of, "items") && !of.members[1].dimensions.empty() &&
             of.members[1].dimensions[0] != 0;
    }
    return false;
  }

  /// neutral=0,reverse=1
  static bool add_enumerators(std::string_view list, field& of) {
    if (!list.empty() && !is_integer(of)) return false;
    while (!list.empty()) {
      std::string_view one = take(list, ',');
      enumerator found;
      found.name = take(one, '=');
      if (found.name.empty() || !number(one, found.value)) return false;
      if (of.enumerators.size() == max_enumerators) return false;
      of.enumerators.push_back(std::move(found));
    }
    return true;
  }

  /// The bits of a double, in hexadecimal.
  static bool add_bound(std::string_view digits, double& into) {
    if (digits.empty()) return true;
    if (digits.size() != 16) return false;
    std::uint64_t bits = 0;
    for (const char digit : digits) {
      const std::size_t value = std::string_view("0123456789abcdef").find(digit);
      if (value == std::string_view::npos) return false;
      bits = bits << 4 | value;
    }
    std::memcpy(&into, &bits, sizeof into);
    return true;
  }
};

/// Returns nothing where the schema makes no sense.
inline std::optional<parsed_format> parse(const schema& text) {
  std::optional<parsed_format> parsed = format_parser::parse(text.format());
  if (parsed && !note_parser::add(text.notes(), parsed->value)) parsed.reset();
  return parsed;
}

}  // namespace shm::detail

// ---- shm/schema/difference.hpp
// Difference: in what two schemas differ, field by field, in words for the person who changed one.

namespace shm::detail {

/// A field as a line of a difference names it.
struct flat_field {
  std::string path;  ///< engine.rpm; wheels[].pressure inside an array of structs; "" for no struct
  std::string type;  ///< in words
  std::uint64_t offset;
  const field* what;
  bool is_alone = false;  ///< the other schema has no field of that path, nor a twin of this one
};

/// The stored schema may say anything; the text returned is bounded and printable.
class schema_difference {
 public:
  /// Returns "" if programs with these schemas may share an object: nothing differs, or only what
  /// the notes say to people.
  static std::string describe(const schema& stored, const schema& ours) {
    schema_difference difference;
    if (stored != ours) difference.compare(stored, ours);
    return difference.text();
  }

 private:
  static constexpr std::size_t max_lines = 20;

  void compare(const schema& stored, const schema& ours) {
    const std::optional<parsed_format> there = parse(stored);
    const std::optional<parsed_format> here = parse(ours);
    if (there && here) {
      compare_elements(*there, *here);
      compare_fields(flattened(there->value), flattened(here->value));
    } else {
      say((there ? "this program's" : "the segment's") + std::string(" description is unreadable"));
    }
    compare_number("size", stored.size(), ours.size());
    compare_number("alignment", stored.alignment(), ours.alignment());
    const bool is_different =
        stored.fingerprint() != ours.fingerprint() || stored.format() != ours.format();
    if (!there || !here || (is_different && lines_ == 0)) {
      say("in the segment: " + printable(stored.text(), 200));
      say("in this program: " + printable(ours.text(), 200));
    }
  }

  void compare_elements(const parsed_format& there, const parsed_format& here) {
    const auto words = [](const std::optional<std::uint64_t>& count) {
      return count ? std::to_string(*count) + " elements" : std::string("one value");
    };
    if (there.elements != here.elements) {
      say(words(there.elements) + " in the segment, " + words(here.elements) + " in this program");
    }
  }

  static std::vector<flat_field> flattened(const field& value) {
    std::vector<flat_field> all;
    flatten(value, "", 0, all);
    return all;
  }

  static void flatten(const field& one, const std::string& path, std::uint64_t start,
                      std::vector<flat_field>& into) {
    // Of a single struct its members say all; of several, their number has to be said, too.
    const bool is_single = one.dimensions.empty();
    const bool is_plain_structure =
        one.type == field_type::structure && one.meaning == field_meaning::plain;
    if (!is_plain_structure || !is_single) {
      into.push_back({path, one.type_in_words(), start, &one});
    }
    const bool has_parts = one.meaning == field_meaning::optional ||
                           one.meaning == field_meaning::vector || is_plain_structure;
    if (!has_parts) return;
    const std::string prefix = path.empty() ? "" : path + (is_single ? "." : "[].");
    for (const field& member : one.members) {
      flatten(member, prefix + member.name, start + member.offset, into);
    }
  }

  void compare_fields(const std::vector<flat_field>& there, std::vector<flat_field> here) {
    if (is_opaque_where_the_other_is_not(there, here)) say_how_to_describe("the segment");
    if (is_opaque_where_the_other_is_not(here, there)) say_how_to_describe("this program");
    for (flat_field& mine : here) mine.is_alone = find(there, mine.path) == nullptr;
    for (const flat_field& old : there) {
      if (const flat_field* const mine = find(here, old.path)) {
        compare_field(old, *mine);
      } else if (const flat_field* const renamed = take_twin(here, old)) {
        say(title(old) + ": called " + title(*renamed) + " in this program (" + where(old) + ")");
      } else {
        say(title(old) + ": only in the segment (" + where(old) + ")");
      }
    }
    for (const flat_field& mine : here) {
      if (mine.is_alone) say(title(mine) + ": only in this program (" + where(mine) + ")");
    }
  }

  /// Whether one side knows only the size of a struct whose members the other side knows.
  static bool is_opaque_where_the_other_is_not(const std::vector<flat_field>& one,
                                               const std::vector<flat_field>& other) {
    return std::any_of(one.begin(), one.end(), [&](const flat_field& mine) {
      if (mine.what->type != field_type::opaque) return false;
      return std::any_of(other.begin(), other.end(), [&](const flat_field& theirs) {
        if (mine.path.empty()) return !theirs.path.empty();
        const std::size_t length = mine.path.size();
        return theirs.path.size() > length && theirs.path.substr(0, length) == mine.path &&
               (theirs.path[length] == '.' || theirs.path[length] == '[');
      });
    });
  }

  void say_how_to_describe(const char* side) {
    say(std::string(side) +
        " does not know the members of a struct: compile that program as C++20, or list them with "
        "BOOST_HANA_ADAPT_STRUCT");
  }

  void compare_field(const flat_field& old, const flat_field& mine) {
    if (old.type != mine.type || old.offset != mine.offset) {
      say(title(old) + ": " + where(old) + " in the segment, " + where(mine) + " in this program");
    }
    for (const enumerator& one : old.what->enumerators) {
      for (const enumerator& other : mine.what->enumerators) {
        if (one.name != other.name || one.value == other.value) continue;
        say(title(old) + ": " + printable(one.name, 64) + " is " + std::to_string(one.value) +
            " in the segment, " + std::to_string(other.value) + " in this program");
      }
    }
  }

  void compare_number(const char* what, std::size_t stored, std::size_t ours) {
    if (stored == ours) return;
    say(std::string(what) + ": " + std::to_string(stored) + " bytes in the segment, " +
        std::to_string(ours) + " in this program");
  }

  static const flat_field* find(const std::vector<flat_field>& fields, const std::string& path) {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&path](const flat_field& one) { return one.path == path; });
    return found == fields.end() ? nullptr : &*found;
  }

  /// The same type in the same place under another name: renamed, most likely.
  static const flat_field* take_twin(std::vector<flat_field>& candidates, const flat_field& old) {
    for (flat_field& one : candidates) {
      if (!one.is_alone || one.offset != old.offset || one.type != old.type) continue;
      one.is_alone = false;
      return &one;
    }
    return nullptr;
  }

  static std::string title(const flat_field& one) {
    return one.path.empty() ? "the value" : printable(one.path, 256);
  }
  static std::string where(const flat_field& one) {
    return printable(one.type, 128) + " at byte " + std::to_string(one.offset);
  }

  void say(const std::string& line) {
    if (++lines_ > max_lines) return;
    if (lines_ != 1) said_ += '\n';
    said_ += "  " + line;
  }

  std::string text() const {
    if (lines_ <= max_lines) return said_;
    return said_ + "\n  … and " + std::to_string(lines_ - max_lines) + " more";
  }

  std::string said_;       ///< the first lines
  std::size_t lines_ = 0;  ///< all of them
};

}  // namespace shm::detail

// ---- shm/format/any_length.hpp
// Any length: what the opener of an array expects that takes as many elements as it finds.

namespace shm::detail {

/// The schema of an array of that many elements, from the schema of an array of one.
inline schema schema_of_length(const schema& of_one, std::size_t elements) {
  const std::string_view text = of_one.format();
  return schema('(' + std::to_string(elements) + std::string(text.substr(text.find(')'))),
                elements * of_one.size(), of_one.alignment(), std::string(of_one.notes()));
}

/// The number of elements that the text of an array's schema begins with; 0 if there is none.
inline std::size_t elements_told_by(std::string_view format) noexcept {
  const char* const end = format.data() + format.size();
  std::size_t elements = 0;
  if (format.empty() || format.front() != '(') return 0;
  const auto [rest, problem] = std::from_chars(format.data() + 1, end, elements);
  return problem == std::errc() && rest != end && *rest == ')' ? elements : 0;
}

/// The plan of an opener that takes any number of elements, for as many as the schema in the
/// segment tells. Where that number makes no sense, it is a plan for one element, from which the
/// segment differs.
class plan_of_found_length {
 public:
  plan_of_found_length(const blueprint& of_one, const schema& stored)
      : plan_(of_one), type_(*of_one.type) {
    const std::size_t elements = elements_told_by(stored.format());
    const std::size_t payload_size = of_one.payload_size_of(elements);
    if (payload_size != 0) {
      type_ = schema_of_length(*of_one.type, elements);
      plan_.payload_size = payload_size;
    }
    plan_.type = &type_;
    plan_.payload_size_of = nullptr;
  }
  plan_of_found_length(const plan_of_found_length&) = delete;
  plan_of_found_length& operator=(const plan_of_found_length&) = delete;

  const blueprint& plan() const noexcept { return plan_; }

 private:
  blueprint plan_;
  schema type_;
};

}  // namespace shm::detail

// ---- shm/format/verify.hpp
// Verify: is the segment found what this program means by the name? Copied, checked, then used.

namespace shm::detail {

/// The constant part of the header, copied out of a segment of this library that is ready.
class verified_description {
 public:
  /// Copies and checks the header. Throws incompatible_layout, corrupt or name_collision.
  static verified_description read(const header& head, std::size_t segment_size, const key& which,
                                   const subject& about) {
    check_layout(head, segment_size, about);
    if (segment_size < sizeof(header)) refuse_corrupt(about, "it is shorter than its own header");
    verified_description found;
    load_shared<8>(&found.copy_, &head.fixed, sizeof found.copy_);
    found.check_bounds(segment_size, about);
    found.check_name(which, about);
    return found;
  }

  /// Whether a remover must leave the segment alone because two names only share a key. A header
  /// that cannot be understood, such as one of another layout, protects no name.
  static bool belongs_to_another_name(const header& head, std::size_t segment_size,
                                      const key& which, const subject& about) {
    try {
      read(head, segment_size, which, about);
    } catch (const error& refusal) {
      return refusal.code() == errc::name_collision;
    }
    return false;
  }

  /// Whether the header describes an object of that name, whatever its life word says.
  static bool makes_sense(const header& head, std::size_t segment_size, const key& which,
                          const subject& about) {
    try {
      read(head, segment_size, which, about).stored_schema(head, about);
    } catch (const error&) {
      return false;
    }
    return true;
  }

  /// The permits of a semaphore that is found without its set. Where the header cannot be
  /// understood, nobody can open the object, and nobody needs any.
  static unsigned permits_told(const header& head, std::size_t segment_size, const key& which,
                               const subject& about) {
    try {
      return read(head, segment_size, which, about).permits();
    } catch (const error&) {
      return 0;
    }
  }

  /// Checks that the segment holds what this program expects. Throws kind_mismatch, type_mismatch
  /// or corrupt.
  void check_content(const header& head, const blueprint& plan, const subject& about) const {
    check_kind(plan, about);
    if (plan.kind == segment_kind::semaphore) check_permits(plan, about);
    if (plan.payload_size_of != nullptr) {
      return check_content(head, plan_of_found_length(plan, stored_schema(head, about)).plan(),
                           about);
    }
    check_type(head, plan, about);
    check_places(plan, about);
  }

  /// Returns the schema stored in the segment. Throws corrupt.
  schema stored_schema(const header& head, const subject& about) const {
    const std::size_t schema_offset = sizeof(header) + copy_.seats * sizeof(seat_entry);
    std::string text(copy_.schema_length, '\0');
    load_shared<8>(text.data(),
                   static_cast<const std::byte*>(static_cast<const void*>(&head)) + schema_offset,
                   text.size());
    const std::size_t end = std::min(text.find('\n'), text.size());
    schema stored(text.substr(0, end), copy_.type_size, copy_.type_alignment,
                  text.substr(std::min(end + 1, text.size())));
    if (stored.fingerprint() != copy_.fingerprint) {
      refuse_corrupt(about, "fingerprint of the schema");
    }
    return stored;
  }

  std::string_view name() const noexcept { return {copy_.name, copy_.name_length}; }
  segment_kind kind() const noexcept { return static_cast<segment_kind>(copy_.kind); }
  unsigned seats() const noexcept { return copy_.seats; }
  bool until_last_detach() const noexcept { return copy_.until_last_detach != 0; }
  std::size_t payload_offset() const noexcept { return copy_.payload_offset; }
  std::size_t payload_size() const noexcept { return copy_.payload_size; }
  /// How many permits there are, free or taken; 0 of what is no semaphore.
  unsigned permits() const noexcept { return permits_of(kind(), copy_.type_size); }
  /// In bytes; of an array all elements together.
  std::size_t type_size() const noexcept { return copy_.type_size; }

 private:
  [[noreturn]] static void refuse_corrupt(const subject& about, const std::string& why) {
    refuse(errc::corrupt, about,
           "the segment's header makes no sense (" + why +
               "): somebody scribbled over it; remove it with shm::remove(name, shm::force)");
  }

  /// Comes first, because another layout may have a shorter header.
  static void check_layout(const header& head, std::size_t segment_size, const subject& about) {
    std::uint32_t number = 0;
    if (segment_size < offsetof(header, fixed) + sizeof number) {
      refuse_corrupt(about, "it is too short to say which memory layout it has");
    }
    static_assert(offsetof(description, layout) == 0);
    load_shared<4>(&number, &head.fixed, sizeof number);
    if (number == layout_number) return;
    refuse(errc::incompatible_layout, about,
           "made with memory layout " + std::to_string(number) + ", this program uses layout " +
               std::to_string(layout_number) +
               "; build all programs with the same version of the library, end the old ones, then "
               "shm::remove(name)");
  }

  void check_bounds(std::size_t segment_size, const subject& about) const {
    if (copy_.name_length == 0 || copy_.name_length > key::max_name_length) {
      refuse_corrupt(about, "length of the name");
    }
    if (copy_.seats == 0 || copy_.seats > max_seats) refuse_corrupt(about, "number of seats");
    if (copy_.schema_length > max_schema_length) refuse_corrupt(about, "length of the schema");
    const bool has_permits = copy_.type_size >= 1 && copy_.type_size <= most_permits;
    if (kind() == segment_kind::semaphore && !has_permits) {
      refuse_corrupt(about, "number of permits");
    }
    const std::size_t earliest_payload =
        sizeof(header) + copy_.seats * sizeof(seat_entry) + copy_.schema_length;
    if (copy_.payload_offset < earliest_payload || copy_.payload_offset > segment_size ||
        copy_.payload_size > segment_size - copy_.payload_offset) {
      refuse_corrupt(about, "place of the value");
    }
  }

  void check_name(const key& which, const subject& about) const {
    if (!which.is_named() || which.name() == name()) return;
    refuse(errc::name_collision, about,
           "the segment under this key belongs to another name, \"" + printable(name(), 64) +
               "\"; choose another name, or agree on a key with shm::key::from_value");
  }

  void check_kind(const blueprint& plan, const subject& about) const {
    const auto kind = static_cast<segment_kind>(copy_.kind);
    if (kind == plan.kind) return;
    refuse(errc::kind_mismatch, about,
           "this is " + std::string(name_of(kind)) + ", not " + std::string(name_of(plan.kind)) +
               "; open it as what it is, or choose another name");
  }

  void check_permits(const blueprint& plan, const subject& about) const {
    if (copy_.type_size == plan.type->size()) return;
    refuse(errc::type_mismatch, about,
           "its number of permits is " + std::to_string(copy_.type_size) +
               ", and this program asks for " + std::to_string(plan.type->size()) +
               "; have all programs ask for the same number, or end them and shm::remove(name)");
  }

  void check_type(const header& head, const blueprint& plan, const subject& about) const {
    const std::string difference =
        schema_difference::describe(stored_schema(head, about), *plan.type);
    if (difference.empty()) return;
    refuse(errc::type_mismatch, about,
           "the struct in the segment is not this program's:\n" + difference +
               "\nbuild all programs with the same struct, or end them and shm::remove(name)");
  }

  void check_places(const blueprint& plan, const subject& about) const {
    const segment_layout expected = segment_layout::of(copy_.seats, copy_.schema_length,
                                                       plan.payload_size, plan.payload_alignment);
    if (copy_.payload_size != plan.payload_size ||
        copy_.payload_offset != expected.payload_offset) {
      refuse_corrupt(about, "size of the value");
    }
  }

  description copy_{};
};

}  // namespace shm::detail

// ---- shm/os/futex.hpp
// Futex: words that threads of all processes sleep at, and are woken at.

namespace shm::detail {

using futex_word = std::atomic<std::uint32_t>;

/// A word, and the value for which a thread is ready to sleep there.
struct futex_seen {
  const void* word;
  std::uint32_t value;
};

/// The low half of a 64-bit word, which comes first.
inline futex_seen low_half(const std::atomic<std::uint64_t>& word, std::uint64_t seen) noexcept {
  return {&word, static_cast<std::uint32_t>(seen)};
}

/// Some words and what they held.
template <std::size_t Most>
class futex_list {
 public:
  void add(futex_seen one) noexcept { words_[size_++] = one; }
  std::size_t size() const noexcept { return size_; }
  const futex_seen* begin() const noexcept { return words_.data(); }
  const futex_seen* end() const noexcept { return begin() + size_; }

 private:
  std::array<futex_seen, Most> words_{};
  std::size_t size_ = 0;
};

/// Every function works through a read-only attachment, too.
class futex {
 public:
  /// Wakes all threads that sleep at the word.
  static void wake_all(const futex_word& word) noexcept {
    // Fails only for an address that is not mapped.
    static_cast<void>(::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0));
  }

  /// Sleeps at one word. EAGAIN: it holds another value. ETIMEDOUT, EINTR.
  static status wait(futex_seen at, const deadline& until) noexcept {
    const timespec span = to_timespec(until.remaining());
    return status::of(
        static_cast<int>(::syscall(SYS_futex, at.word, FUTEX_WAIT, at.value, &span, nullptr, 0)));
  }

  /// Whether a sleep failed for a reason that will stay.
  static bool is_refused(int error_number) noexcept {
    return error_number != 0 && error_number != EAGAIN && error_number != ETIMEDOUT &&
           error_number != EINTR;
  }

  /// Sleeps at several words. Returns the place in the list of a word that it was woken at; the
  /// last one, if it was woken at several. The kernel queues the thread at one word after the
  /// other, and compares each before it goes on to the next. EAGAIN: a word holds another value.
  /// ETIMEDOUT, EINTR. ENOSYS: the kernel is older than 5.16. Another error: a sandbox.
  template <std::size_t Most>
  static result<std::size_t> wait_any(const futex_list<Most>& list,
                                      const deadline& until) noexcept {
    std::array<waiter, Most> waiters;
    waiter* next = waiters.data();
    for (const futex_seen& one : list) {
      // NOLINTNEXTLINE: the kernel's way to be told an address
      *next++ = {one.value, reinterpret_cast<std::uintptr_t>(one.word), of_32_bits, 0};
    }
    // The standard library's steady clock is the monotonic one.
    const timespec moment =
        to_timespec(deadline::clock::now().time_since_epoch() + until.remaining());
    const long woken = ::syscall(futex_waitv, waiters.data(), static_cast<unsigned>(list.size()),
                                 0u, &moment, CLOCK_MONOTONIC);
    if (woken < 0) return {0, errno};
    return {static_cast<std::size_t>(woken), 0};
  }

 private:
  // Older headers lack these.
  static constexpr long futex_waitv = 449;
  static constexpr std::uint32_t of_32_bits = 2;
  struct waiter {
    std::uint64_t value;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
  };
};

}  // namespace shm::detail

// ---- shm/os/quiet_thread.hpp
// Quiet thread: a thread of this library's own, with a small stack, that handles no signals.

namespace shm::detail {

class quiet_thread {
 public:
  using job = void* (*)(void* argument);

  /// The signals of the program are for the program's threads. EAGAIN: there are too many threads.
  static result<pthread_t> start(job run, void* argument) noexcept {
    pthread_attr_t small;
    result<pthread_t> started{};
    started.error_number = ::pthread_attr_init(&small);
    if (!started.ok()) return started;
    ::pthread_attr_setstacksize(&small, stack_size);
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    started.error_number = ::pthread_create(&started.value, &small, run, argument);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&small);
    return started;
  }

 private:
  static constexpr std::size_t stack_size = 256 * 1024;
};

}  // namespace shm::detail

// ---- shm/os/alarm_on_death.hpp
// Alarm on death: the kernel wakes a sleeper at a word if this thread is killed meanwhile.

namespace shm::detail {

/// While it lives, the death of the calling thread, in whatever way, makes the kernel wake one
/// thread that sleeps at the word. The word must be 0, and stay so; the kernel writes nothing.
///
/// The C library registers a list of robust mutexes for each thread. Its head says which mutex the
/// thread is just taking or releasing, and the kernel wakes a sleeper at the word of that mutex
/// when the thread dies. This class lends that member, and gives it back, so it may be used inside
/// the C library's own mutex functions, in signal handlers. Where the C library registers no list
/// (musl), it does nothing.
class alarm_on_death {
 public:
  explicit alarm_on_death(const futex_word& alarm) noexcept
      : list_(list_of_this_thread()), before_(list_.list_op_pending) {
    set(entry_of(alarm, list_.futex_offset));
  }
  alarm_on_death(const alarm_on_death&) = delete;
  alarm_on_death& operator=(const alarm_on_death&) = delete;
  ~alarm_on_death() { set(before_); }

  /// Whether the kernel does so, for this thread. The first call in a process tries it, with a
  /// thread that ends.
  static bool works() noexcept {
    if (&list_of_this_thread() == &no_list_) return false;
    // Relaxed: the answer is the same in every thread, and guards nothing.
    verdict known = known_.load(std::memory_order_relaxed);
    if (known == verdict::unknown) {
      known = trial::hold();
      known_.store(known, std::memory_order_relaxed);
    }
    return known == verdict::works;
  }

 private:
  enum class verdict { unknown, works, fails };

  /// Asked once: the list stays where it is, and fork() registers it again in the child. (A raw
  /// clone() does not: other threads find out within a second what such a child's death leaves.)
  static robust_list_head& list_of_this_thread() noexcept {
    if (list_of_thread_ == nullptr) ask_kernel();
    return *list_of_thread_;
  }

  [[gnu::cold, gnu::noinline]] static void ask_kernel() noexcept {
    robust_list_head* found = nullptr;
    std::size_t size = 0;
    const long asked = ::syscall(SYS_get_robust_list, 0, &found, &size);
    const bool is_there = asked == 0 && found != nullptr && size == sizeof *found;
    list_of_thread_ = is_there ? found : &no_list_;
  }

  /// The kernel looks at the word that lies `offset` bytes behind the entry.
  static robust_list* entry_of(const futex_word& word, long offset) noexcept {
    // NOLINTNEXTLINE: arithmetic beyond the object, which nobody dereferences
    return reinterpret_cast<robust_list*>(reinterpret_cast<std::uintptr_t>(&word) -
                                          static_cast<std::uintptr_t>(offset));
  }

  /// The kernel reads it in this very thread, when that dies: only the compiler has to keep the
  /// order.
  void set(robust_list* entry) const noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    *const_cast<robust_list* volatile*>(&list_.list_op_pending) = entry;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  /// A thread ends with the pointer set, and nothing else wakes the sleeper.
  class trial {
   public:
    /// Unknown if no thread can be made now, or a signal came.
    static verdict hold() noexcept {
      // A thread that is cancelled in a function that must not throw takes the program with it.
      int before = 0;
      ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
      const verdict found = hold_uncancelled();
      ::pthread_setcancelstate(before, nullptr);
      return found;
    }

   private:
    static verdict hold_uncancelled() noexcept {
      trial words;
      const result<pthread_t> dying = quiet_thread::start(end_with_alarm, &words);
      if (!dying.ok()) return verdict::unknown;
      const status slept = futex::wait({&words.room_, 0}, deadline::after(longest_trial));
      // Relaxed: only ends the loop of the thread.
      words.is_over_.store(true, std::memory_order_relaxed);
      ::pthread_join(dying.value, nullptr);
      if (slept.ok()) return words.is_refused_ ? verdict::fails : verdict::works;
      return slept.error_number == ETIMEDOUT ? verdict::fails : verdict::unknown;
    }

    static constexpr std::chrono::seconds longest_trial{1};

    static void* end_with_alarm(void* which) noexcept {
      trial& words = *static_cast<trial*>(which);
      // Moves the sleeper to the other word, which tells that it sleeps.
      for (long moved = 0; moved != 1; ::sched_yield()) {
        moved = ::syscall(SYS_futex, &words.room_, FUTEX_CMP_REQUEUE, 0, 1, &words.alarm_, 0);
        words.is_refused_ = moved < 0;
        if (words.is_refused_) futex::wake_all(words.room_);
        if (words.is_over_.load(std::memory_order_relaxed)) return nullptr;
      }
      robust_list_head& list = list_of_this_thread();
      list.list_op_pending = entry_of(words.alarm_, list.futex_offset);
      return nullptr;
    }

    futex_word room_{0};
    futex_word alarm_{0};
    std::atomic<bool> is_over_{false};
    bool is_refused_ = false;  ///< by a sandbox; read after the thread has ended
  };

  static inline std::atomic<verdict> known_{verdict::unknown};
  static inline thread_local robust_list_head* list_of_thread_ = nullptr;  // not known yet
  static inline thread_local robust_list_head no_list_{};  // where the kernel knows of none

  robust_list_head& list_;
  robust_list* before_;
};

}  // namespace shm::detail

// ---- shm/lifecycle/bell.hpp
// Bell: wakes all threads of all processes that wait for a change of an object.

namespace shm::detail {

/// Precondition: the change is stored.
inline void ring(header& head) noexcept {
  // Release: a thread that sees this number, and so does not sleep, sees the change.
  head.bell.fetch_add(1, std::memory_order_release);
  crash_point("bell: counted");
  futex::wake_all(head.bell);
  crash_point("bell: rung");
}

/// Like ring(), for a change whose publisher died or can go no further. Writes nothing, so it works
/// through a read-only attachment.
inline void ring_for_another(const header& head) noexcept {
  futex::wake_all(head.bell);
}

}  // namespace shm::detail

// ---- shm/lifecycle/life.hpp
// Life: changes of the life word, each by compare-and-swap from the word that was read.

namespace shm::detail {

/// Precondition: the process holds the door of a set, and is attached. The life word names the set
/// behind whose door it was last changed. A semaphore set can be removed while a process is inside
/// its door (ipcrm, RemoveIPC). That process does not notice, and others make a new set. So a
/// failed change means that this process came too late: it leaves everything and starts again.
class life {
 public:
  /// `here`: the mark of the set whose door this process holds.
  life(header& head, set_mark here) noexcept
      // Sequentially consistent, after attaching: see retire_if_unused().
      : head_(head), here_(here), seen_(head.life.load(std::memory_order_seq_cst)) {}

  /// The word as it was read, or as this object last changed it.
  life_word seen() const noexcept { return seen_; }
  life_state state() const noexcept { return seen_.state(); }
  /// Whether it was last changed behind the very door that this process holds.
  bool was_changed_here() const noexcept {
    return seen_.mark() == here_ || seen_.is_of_layout_1();  // which does not say
  }

  /// Returns false if another process has changed the word since it was read. Wakes threads that
  /// wait for a change of the object, if it is removed.
  [[nodiscard]] bool change_to(life_state next) noexcept {
    const alarm_on_death if_killed(head_.alarm);
    std::uint64_t expected = seen_.bits();
    const life_word word = seen_.followed_by(next, here_);
    // Sequentially consistent: ready publishes what was constructed, removing comes before the
    // count of those who are attached, and removed before the removal of the segment.
    if (!head_.life.compare_exchange_strong(expected, word.bits(), std::memory_order_seq_cst)) {
      return false;
    }
    seen_ = word;
    wake_if_removed();
    return true;
  }

  /// Stores removed, whatever the word says by now, and wakes threads that wait for a change.
  /// Precondition: this process may remove the segment.
  void end() noexcept {
    const alarm_on_death if_killed(head_.alarm);
    seen_ = seen_.followed_by(life_state::removed, here_);
    // Sequentially consistent: all who are attached can see it before the segment goes.
    head_.life.store(seen_.bits(), std::memory_order_seq_cst);
    wake_if_removed();
  }

 private:
  void wake_if_removed() noexcept {
    if (state() != life_state::removed) return;
    crash_point("life: removed");
    ring(head_);
  }

  header& head_;
  set_mark here_;
  life_word seen_;
};

inline life_word life_of(const header& head) noexcept {
  // Sequentially consistent, after attaching: see retire_if_unused().
  return life_word(head.life.load(std::memory_order_seq_cst));
}

inline bool is_removed(const header& head) noexcept {
  // Relaxed: the word says only whether to go on, and orders nothing.
  return life_word(head.life.load(std::memory_order_relaxed)).state() == life_state::removed;
}

}  // namespace shm::detail

// ---- shm/lifecycle/find.hpp
// Find: what lies under a key, and whether it is ours and trusted; attaches, but joins nothing.

namespace shm::detail {

/// The user and the purpose that an object is looked up for.
struct search {
  const key& which;
  access who;
  purpose why;
};

inline void check_trust(const ownership& found, const search& wanted, const char* what,
                        const subject& about) {
  const bool lets_in_more = !found.lets_in_no_more_than(wanted.who);
  if (!lets_in_more && found.is_trusted(wanted.who, wanted.why)) return;
  refuse(errc::untrusted_owner, about, distrust(what, found, lets_in_more));
}

struct found_set {
  semaphore_set set;    ///< without its mark, which is certain only inside the door
  bool is_new = false;  ///< nobody has marked it as a set of this library yet
  ownership owner;
};

/// Returns nothing if there is no set. Throws foreign_segment or untrusted_owner.
inline std::optional<found_set> find_set(const search& wanted, subject& about) {
  const result<semaphore_set> found = semaphore_set::find(wanted.which.set_key());
  if (found.error_number == ENOENT) return std::nullopt;
  if (!found.ok()) refuse_set_call("semget", found.error_number, about);
  about.set_id = found.value.id();

  const result<set_status> now = found.value.stat();
  if (means_gone(now.error_number)) return std::nullopt;
  if (!now.ok()) refuse_set_call("semctl(IPC_STAT)", now.error_number, about);
  const auto foreign = [&](const std::string& why) {
    refuse(errc::foreign_segment, about,
           "the semaphore set under key " + hex(wanted.which.set_key()) +
               " is not of this library (" + why + "); it stays untouched; choose another name");
  };
  const unsigned semaphores = now.value.semaphores;
  if (semaphores <= semaphore::first_seat || semaphores > semaphore::first_seat + max_seats) {
    foreign("it has " + std::to_string(semaphores) + " semaphores");
  }
  const result<int> ours = found.value.value(semaphore::ours);
  if (means_gone(ours.error_number)) return std::nullopt;
  if (!ours.ok()) refuse_set_call("semctl(GETVAL)", ours.error_number, about);
  bool is_new = ours.value != semaphore::ours_value;
  if (is_new) {
    const result<set_values> values = found.value.with_semaphores(semaphores).values();
    if (means_gone(values.error_number)) return std::nullopt;
    if (!values.ok()) refuse_set_call("semctl(GETALL)", values.error_number, about);
    // Another opener may have been first since: only these values are of one moment.
    is_new = values.value[semaphore::ours] != semaphore::ours_value;
    bool all_zero = true;
    for (unsigned i = 0; i < semaphores; ++i) all_zero = all_zero && values.value[i] == 0;
    // Every user of ours says first of all that it is ours; so it has not been used, or not by us.
    if (is_new && !(all_zero && now.value.never_used)) foreign("its mark is missing");
  }
  check_trust(now.value.owner, wanted, "semaphore set", about);
  return found_set{found.value.with_semaphores(semaphores), is_new, now.value.owner};
}

/// Says that the set is ours, before it is used in any other way: a used set that does not say so
/// is foreign. Returns false if the set is gone.
inline bool mark_as_ours(const found_set& found, const subject& about) {
  if (!found.is_new) return true;
  const status said = found.set.say_ours();
  crash_point("find: set is ours");
  // EAGAIN: another opener was first. The next process that looks checks what it stored.
  if (said.ok() || said.error_number == EAGAIN) return true;
  if (means_gone(said.error_number)) return false;
  refuse_set_call("semop(mark)", said.error_number, about);
}

[[noreturn]] inline void refuse_foreign_segment(const subject& about) {
  refuse(
      errc::foreign_segment, about,
      "the segment under this key is not of this library; it stays untouched; choose another name, "
      "or look who made it with: ipcs -m -p");
}

[[noreturn]] inline void refuse_not_found(const subject& about) {
  refuse(errc::not_found, about,
         "there is no object of that name; start the program that creates it, or open it with "
         "shm::open_or_create");
}

[[noreturn]] inline void refuse_half_made(const subject& about) {
  refuse(errc::not_found, about,
         "its creator died before it was ready; the next program that opens it read-write with "
         "shm::open_or_create completes it");
}

[[noreturn]] inline void refuse_scribbled_life(const subject& about) {
  refuse(errc::corrupt, about,
         "its first bytes are zero although it holds an object: somebody scribbled over the "
         "segment; end the processes that use it, and remove it with shm::remove(name, "
         "shm::force)");
}

struct attached_segment {
  segment where;
  segment_status before;  ///< as it was before this process attached
  attachment memory;

  header& head() const noexcept { return header_at(memory); }
};

enum class looking { there, nothing, changed };

/// Attaches the segment under the key without judging it. Returns `nothing` if there is no segment,
/// and `changed` if it was removed meanwhile: then the caller looks again.
inline looking attach_segment(const key& which, attach_mode mode, attached_segment& found,
                              subject& about) {
  const result<segment> existing = segment::find(which.segment_key());
  if (existing.error_number == ENOENT) return looking::nothing;
  if (!existing.ok()) refuse_segment_call("shmget", existing.error_number, about);
  found.where = existing.value;
  about.segment_id = existing.value.id();
  const result<segment_status> now = existing.value.stat();
  if (means_gone(now.error_number)) return looking::changed;
  if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about);
  found.before = now.value;
  result<attachment> memory = attachment::not_inherited(existing.value, mode, now.value.size);
  if (means_gone(memory.error_number)) return looking::changed;
  if (!memory.ok()) refuse_segment_call("shmat", memory.error_number, about);
  found.memory = std::move(memory.value);
  return looking::there;
}

/// The same, read-only.
inline looking look_at_segment(const key& which, attached_segment& found, subject& about) {
  return attach_segment(which, attach_mode::read_only, found, about);
}

/// Whether the first `size` bytes of the segment are zero. Reading them allocates their pages. A
/// creator that comes meanwhile is seen in the life word, if the caller reads it afterwards.
inline bool holds_only_zeros(const attached_segment& found, std::size_t size) {
  std::array<std::byte, 4096> copy;
  bool is_zero = true;
  for (std::size_t at = 0; is_zero && at < size; at += copy.size()) {
    const std::size_t length = std::min(size - at, copy.size());
    load_shared<8>(copy.data(), found.memory.address() + at, length);
    const auto end = copy.begin() + static_cast<std::ptrdiff_t>(length);
    is_zero = std::all_of(copy.begin(), end, [](std::byte one) { return one == std::byte{0}; });
  }
  // Acquire fence: were any byte of a creator's seen above, its life word would be seen below.
  std::atomic_thread_fence(std::memory_order_acquire);
  return is_zero;
}

/// Whether a segment that begins with zeros may be of this library. A creator makes its set first,
/// and says there that it is ours; then the segment, which is all zeros until it is attached and
/// under construction. The creator may have died in between, or be just there; and the set can be
/// lost meanwhile. Returns false if the caller has to look again. Throws foreign_segment, or
/// corrupt.
inline bool may_be_blank_of_ours(const attached_segment& found, const key& which,
                                 bool beside_our_set, bool others_attached, bool is_last_try,
                                 const subject& about) {
  const bool begins_with_zeros =
      holds_only_zeros(found, std::min(found.before.size, sizeof(header)));
  if (!life_of(found.head()).is_blank()) return false;
  if (!begins_with_zeros &&
      verified_description::makes_sense(found.head(), found.before.size, which, about)) {
    refuse_scribbled_life(about);
  }
  if (!begins_with_zeros || !segment_layout::has_size_of_ours(found.before.size)) {
    refuse_foreign_segment(about);
  }
  if (beside_our_set && !others_attached) return true;
  if (!is_last_try) return false;
  if (others_attached) refuse_foreign_segment(about);
  return true;
}

/// How many are attached now, this process included.
inline unsigned long count_attached(const segment& where, const subject& about) {
  const result<segment_status> now = where.stat();
  if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about);
  return now.value.attached;
}

/// Like may_be_blank_of_ours(), for a segment that the caller will construct in or remove: another
/// program's data may begin further on, so all bytes must be zero. Precondition: this process has
/// attached the segment once.
inline bool is_blank_of_ours(const attached_segment& found, const key& which, bool beside_our_set,
                             bool is_last_try, const subject& about) {
  const auto others_attached = [&] { return count_attached(found.where, about) > 1; };
  if (!may_be_blank_of_ours(found, which, beside_our_set, others_attached(), is_last_try, about)) {
    return false;
  }
  const bool is_zero = holds_only_zeros(found, found.before.size);
  // The scan takes time. A process that has attached meanwhile may be about to write.
  if (!life_of(found.head()).is_blank() || others_attached()) return false;
  if (!is_zero) refuse_foreign_segment(about);
  return true;
}

/// What lies under a key that has no set: a segment of ours whose set was lost, or nothing. Asked
/// before a set is made, which would be a stray one beside another program's segment. Throws
/// foreign_segment.
inline looking look_without_set(const search& wanted, bool is_last_try, attached_segment& found,
                                subject& about) {
  const looking seen = look_at_segment(wanted.which, found, about);
  if (seen != looking::there) return seen;
  const life_word word = life_of(found.head());
  if (word.is_blank()) {
    // A creator makes its set before the segment, maybe after we looked for it.
    if (semaphore_set::find(wanted.which.set_key()).ok()) return looking::changed;
    if (!is_blank_of_ours(found, wanted.which, false, is_last_try, about)) {
      return looking::changed;
    }
  } else if (!word.is_ours()) {
    refuse_foreign_segment(about);
  }
  return looking::there;
}

}  // namespace shm::detail

// ---- shm/lifecycle/door.hpp
// Door: one process at a time creates, joins or removes; killed inside, it leaves it open.

namespace shm::detail {

class door {
 public:
  door() = default;

  /// Blocks until the door is free, at most until the deadline; then throws errc::timed_out and
  /// names the process inside. Returns a door that was not entered if the set is gone, or if the id
  /// names another set.
  static door enter(const semaphore_set& set, const deadline& until, const subject& about);

  struct entry;
  /// Like enter(), but returns the error. EAGAIN: the deadline passed. EIDRM: the id names another
  /// set by now.
  static entry try_enter(const semaphore_set& set, const deadline& until) noexcept;

  door(door&& other) noexcept
      : set_(other.set_),
        values_(std::move(other.values_)),
        inside_(std::exchange(other.inside_, false)) {}
  door& operator=(door&&) = delete;

  ~door() { leave(); }

  /// Fails only when the set is gone, and then there is no door to leave.
  void leave() noexcept {
    if (!std::exchange(inside_, false)) return;
    static_cast<void>(set_.leave_door(process::short_incarnation()));
    crash_point("door: left");
  }

  /// With its mark.
  const semaphore_set& set() const noexcept { return set_; }
  /// The values at the moment when this process entered. A seat that was free then is free still:
  /// nobody sits down outside the door.
  const set_values& values() const noexcept { return values_; }
  bool is_entered() const noexcept { return inside_; }

  /// Returns false if the set was removed, and the door with it. Other processes may be inside the
  /// door of a new set.
  bool is_held(const subject& about) const {
    const result<bool> same = set_.is_itself();
    if (!same.ok() && !means_gone(same.error_number)) {
      refuse_set_call("semctl(GETVAL)", same.error_number, about);
    }
    return same.value;
  }

  /// Whether anybody sat here when this process entered.
  bool somebody_sat() const noexcept { return values_.somebody_sits(set_.semaphores()); }

  [[noreturn]] static void refuse_timed_out(const semaphore_set& set, const subject& about) {
    refuse(errc::timed_out, about,
           process_name(set.last_process(semaphore::door)) +
               " is creating, opening or removing this object and does not finish; look at that "
               "process, or wait longer with options::open_timeout");
  }

 private:
  explicit door(const semaphore_set& set) noexcept : set_(set.with_mark(0)), inside_(true) {}

  /// Random enough: two sets of one name must not have the same mark, and nobody gains by guessing
  /// one.
  static set_mark draw_mark(int set_id) noexcept {
    const auto now = deadline::clock::now().time_since_epoch().count();
    std::uint64_t mixed = process::incarnation() + static_cast<std::uint64_t>(now) +
                          (static_cast<std::uint64_t>(set_id) << 32);
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31;
    const auto mark = static_cast<set_mark>(mixed) & ((1u << set_mark_bits) - 1);
    return (mark & ((1u << mark_low_bits) - 1)) == 0 ? mark + 1 : mark;
  }

  /// Opens the door if a program that this process ran before an exec left it closed: one thread
  /// called exec while another was inside. The value of the semaphore tells the program.
  static void let_out_program_before_exec(const semaphore_set& set) noexcept {
    const result<int> pid = set.last_process(semaphore::door);
    if (!pid.ok() || pid.value != ::getpid()) return;
    const result<int> program = set.value(semaphore::door);
    if (!program.ok() || program.value == 0) return;
    // Another thread of ours; or of a copy of this library with layout 1, which enters by 1.
    if (program.value == process::short_incarnation() || program.value == 1) return;
    // EAGAIN: another thread of ours did it.
    static_cast<void>(set.leave_door(static_cast<short>(program.value)));
  }

  semaphore_set set_;
  set_values values_;
  bool inside_ = false;
};

struct door::entry {
  door inside;
  int error_number = 0;
  const char* call = "";  ///< that failed

  bool ok() const noexcept { return error_number == 0; }
};

inline door::entry door::try_enter(const semaphore_set& set, const deadline& until) noexcept {
  if (set.mark() != 0) {
    // In another IPC namespace the id can be a stranger's set, which stays untouched.
    const result<bool> same_set = set.is_itself();
    if (!same_set.ok()) return {{}, same_set.error_number, "semctl(GETVAL)"};
    if (!same_set.value) return {{}, EIDRM, "semctl(GETVAL)"};
  }
  status entered = set.try_enter_door(process::short_incarnation());
  if (entered.error_number == EAGAIN && !until.passed()) {
    let_out_program_before_exec(set);
    entered = set.enter_door(process::short_incarnation(), until);
  }
  if (!entered.ok()) return {{}, entered.error_number, "semtimedop(door)"};
  crash_point("door: entered");
  door inside(set);  // leaves it unless all goes well
  result<set_values> now = set.values();
  if (!now.ok()) return {{}, now.error_number, "semctl(GETALL)"};
  // Only inside the door is it certain which set the id names: other processes remove the set only
  // in here.
  set_mark mark = now.value.mark();
  if (set.mark() != 0 && set.mark() != mark) return {{}, EIDRM, "semctl(GETALL)"};
  if (mark == 0) {
    mark = draw_mark(set.id());
    const status put = set.put_mark(mark);
    if (!put.ok()) return {{}, put.error_number, "semop(mark)"};
    crash_point("door: mark drawn");
  }
  inside.set_ = set.with_mark(mark);
  inside.values_ = std::move(now.value);
  return {std::move(inside)};
}

inline door door::enter(const semaphore_set& set, const deadline& until, const subject& about) {
  entry found = try_enter(set, until);
  if (found.ok()) return std::move(found.inside);
  if (means_gone(found.error_number)) return {};
  if (found.error_number == EAGAIN) refuse_timed_out(set, about);
  refuse_set_call(found.call, found.error_number, about);
}

}  // namespace shm::detail

// ---- shm/lifecycle/seat.hpp
// Seat: the proof that a handle lives, kept by the kernel, with a generation that makes it unique.

namespace shm::detail {

/// Generation and seat: they identify a handle among all that ever were. Never 0, unless
/// without a seat. The low 23 bits are free for other data: the thread in the lock word, the
/// process in the handle.
class seat_identity {
 public:
  static constexpr unsigned free_bits = 23;
  static constexpr unsigned seat_bits = 11;
  static constexpr std::uint32_t generation_mask = (1u << 30) - 1;

  /// Without a seat.
  seat_identity() = default;

  seat_identity(std::uint32_t generation, unsigned seat) noexcept
      : bits_(std::uint64_t{generation} << (free_bits + seat_bits) | std::uint64_t{seat}
                                                                         << free_bits) {}

  /// The identity in a word whose low bits hold something else.
  static seat_identity in(std::uint64_t word) noexcept {
    return seat_identity(word & ~((std::uint64_t{1} << free_bits) - 1));
  }

  bool has_seat() const noexcept { return bits_ != 0; }
  std::uint64_t bits() const noexcept { return bits_; }
  std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> (free_bits + seat_bits));
  }
  unsigned seat() const noexcept {
    return static_cast<unsigned>(bits_ >> free_bits) & ((1u << seat_bits) - 1);
  }

 private:
  explicit seat_identity(std::uint64_t bits) noexcept : bits_(bits) {}

  std::uint64_t bits_ = 0;
};

enum class seat_verdict { alive, dead, set_is_gone };

/// The seats of one object. The semaphores tell whether a seat is taken, and the entries in the
/// header tell by whom.
class seats {
 public:
  /// The header has `entries` seats, and each needs a semaphore, too. A set that was lost and made
  /// anew may have fewer than the header.
  seats(const header& head, unsigned entries, const semaphore_set& set) noexcept
      : entries_of_(seats_of(head)),
        entries_(entries),
        set_(set),
        count_(std::min(entries, set.seats())) {}

  unsigned count() const noexcept { return count_; }

  /// Never blocks. A dead owner never returns: nobody else is given its generation. An error is not
  /// a death.
  seat_verdict judge(seat_identity who, const subject& about) const {
    if (who.seat() >= entries_) {
      refuse(errc::corrupt, about,
             "the lock names seat " + std::to_string(who.seat()) + " of " +
                 std::to_string(entries_) +
                 ": somebody scribbled over the segment; remove it with shm::remove(name, "
                 "shm::force)");
    }
    // A seat that the set does not have was one of a set that was lost.
    bool alive = who.seat() < count_;
    if (alive) {
      const result<int> taken = set_.value(index(who.seat()));
      if (!taken.ok()) return gone(taken.error_number, about);
      // Acquire: pairs with sit_down(), although a missed change would only mean one more round.
      const std::uint32_t occupant =
          entries_of_[who.seat()].generation.load(std::memory_order_acquire);
      alive = taken.value >= 1 && occupant == who.generation();
    }
    if (alive) return seat_verdict::alive;
    // Of another set, which has the same id by now or in this IPC namespace, the value tells
    // nothing.
    const result<bool> same_set = set_.is_itself();
    if (!same_set.ok()) return gone(same_set.error_number, about);
    return same_set.value ? seat_verdict::dead : seat_verdict::set_is_gone;
  }

  /// Whether a live process, or a handle that was closed while it held the lock, holds it. Asks
  /// only what is known inside the door.
  bool is_lock_held(const header& head, const door& inside) const noexcept {
    // Relaxed: a handle that sits cannot be judged dead in here, and nobody sits down.
    const std::uint64_t word = head.lock.load(std::memory_order_relaxed);
    const seat_identity who = seat_identity::in(word);
    return word != 0 && who.seat() < count_ && inside.values()[index(who.seat())] != 0 &&
           entries_of_[who.seat()].generation.load(std::memory_order_acquire) == who.generation();
  }

  /// Returns false also if the set is gone.
  bool is_taken(unsigned seat) const noexcept {
    const result<int> taken = set_.value(index(seat));
    return taken.ok() && taken.value != 0;
  }

  /// The process on a seat that is taken, as the kernel tells it. 0 if it is not known.
  int process_on(unsigned seat) const noexcept { return set_.last_process(index(seat)).value; }

  /// Precondition: the caller is `inside` the door. Returns an identity without a seat if the set
  /// is gone.
  seat_identity sit_down(header& head, const door& inside, const subject& about) const {
    const unsigned given_back = give_back_leftovers(inside);
    for (unsigned seat = 0; seat < count_; ++seat) {
      if (inside.values()[index(seat)] != 0 && seat != given_back) continue;
      seat_entry& entry = seats_of(head)[seat];
      // Before the seat is taken: an exec of another thread may end this program in between, and
      // the next one has to find that the seat is its own process'.
      entry.process.store(::getpid(), std::memory_order_relaxed);
      crash_point("seat: process stored");
      status taken = set_.take_seat(seat);
      if (taken.error_number == ERANGE) {
        // 32767 tokens: make room. So many are left that nobody sleeps beside a free lock.
        static_cast<void>(set_.drain_wake_tokens(harmless_tokens));
        crash_point("seat: room made");
        taken = set_.take_seat(seat);
      }
      if (taken.ok()) {
        crash_point("seat: taken");
        return occupy(head, entry, seat, inside.values()[semaphore::wake]);
      }
      if (means_gone(taken.error_number)) return {};
      if (taken.error_number != EAGAIN) refuse_set_call("semop(seat)", taken.error_number, about);
    }
    if (!inside.is_held(about)) return {};
    refuse(
        errc::no_free_seat, about,
        "all " + std::to_string(count_) + " seats are taken by " + occupants(set_, count_) +
            "; close handles that are not needed, read through shm::object<const T>, which needs "
            "no seat, or create the object with a larger options::seats");
  }

  /// Always posts a token: a thread of this process may have been about to wake a waiter, and
  /// another process may wait for a lock that this handle was taken to hold.
  static void leave(const semaphore_set& set, unsigned seat) noexcept {
    // ERANGE: 32767 tokens, because nobody slept: make room.
    if (set.leave_seat(seat).error_number == ERANGE) {
      static_cast<void>(set.drain_wake_tokens(1));
      // Any other failure means that the set is gone, and the seat with it.
      static_cast<void>(set.leave_seat(seat));
    }
    crash_point("seat: left");
  }

 private:
  static constexpr int harmless_tokens = 8;  // each costs one sleeper one more look

  static unsigned short index(unsigned seat) noexcept {
    return static_cast<unsigned short>(semaphore::first_seat + seat);
  }

  static seat_verdict gone(int error_number, const subject& about) {
    if (means_gone(error_number)) return seat_verdict::set_is_gone;
    refuse_set_call("semctl(GETVAL)", error_number, about);
  }

  seat_identity occupy(header& head, seat_entry& entry, unsigned seat, int tokens) const noexcept {
    entry.incarnation.store(process::incarnation(), std::memory_order_relaxed);
    crash_point("seat: incarnation stored");
    // Relaxed: inside the door no other process draws a generation.
    std::uint32_t generation = 0;
    while (generation == 0) {
      generation = (head.last_generation.fetch_add(1, std::memory_order_relaxed) + 1) &
                   seat_identity::generation_mask;
    }
    crash_point("seat: generation drawn");
    // Release: a process that sees the generation sees the incarnation before it.
    entry.generation.store(generation, std::memory_order_release);
    crash_point("seat: generation stored");
    drain(tokens);
    // A waiter that saw the entry of the occupant before this one took a dead owner for alive. It
    // has to look again.
    static_cast<void>(set_.post_wake_token());
    crash_point("seat: token posted");
    return {generation, seat};
  }

  /// Removes surplus tokens. Deaths and closed handles leave tokens where nobody sleeps, and at
  /// 32767 nobody could sit down any more. But a token may be meant for a process that is about to
  /// sleep. So only a process that has a seat drains: it posts one token afterwards, and if it dies
  /// first, the kernel does.
  void drain(int tokens) const noexcept {
    if (tokens <= harmless_tokens) return;
    // EAGAIN: others took tokens meanwhile.
    static_cast<void>(set_.drain_wake_tokens(tokens - 1));
    crash_point("seat: tokens drained");
  }

  /// An exec keeps the undo records: a seat of this very process that another program took is
  /// unused, and so is a lock that it holds. Returns one of those seats, or count() if there is
  /// none.
  unsigned give_back_leftovers(const door& inside) const noexcept {
    unsigned given_back = count_;
    for (unsigned seat = 0; seat < count_; ++seat) {
      if (inside.values()[index(seat)] == 0) continue;
      const seat_entry& found = entries_of_[seat];
      const std::int32_t hint = found.process.load(std::memory_order_relaxed);
      // 0: taken while the object was being made, and the next creator cleared the header.
      if ((hint != 0 && hint != ::getpid()) ||
          found.incarnation.load(std::memory_order_relaxed) == process::incarnation()) {
        continue;
      }
      // The entry only says where to look; the kernel says whose it is.
      const result<int> pid = set_.last_process(index(seat));
      if (!pid.ok() || pid.value != ::getpid()) continue;
      leave(set_, seat);
      given_back = seat;
    }
    return given_back;
  }

  const seat_entry* entries_of_;
  unsigned entries_;
  semaphore_set set_;
  unsigned count_;
};

}  // namespace shm::detail

// ---- shm/store/journalled_array.hpp
// Journalled array: contiguous elements, each changed as a whole although there is but one copy.

namespace shm::detail {

/// A power of two.
constexpr std::size_t stripes_for(std::size_t elements) noexcept {
  constexpr std::size_t most = 256;  // 2 KiB of counters
  std::size_t stripes = 1;
  while (stripes < elements && stripes < most) stripes *= 2;
  return stripes;
}

/// What a journalled array of N elements T looks like in the payload. Constant initialised to zero.
template <class T, std::size_t N>
struct array_memory {
  static constexpr std::size_t count = N;
  static constexpr std::size_t element_size = sizeof(T);
  static constexpr std::size_t element_alignment = alignof(T);
  static constexpr std::size_t stripes = stripes_for(N);
  static constexpr std::size_t most_stripes = stripes;

  alignas(cache_line) std::atomic<std::uint64_t> bulk;  ///< odd while edited in place, or damaged
  std::atomic<std::uint64_t> journal_index;             ///< 0: empty; else 1 + the element's index
  alignas(cache_line) std::atomic<std::uint64_t> sequences[stripes];  ///< odd while one is written
  alignas(std::max(cache_line, alignof(T))) std::byte journal[sizeof(T)];
  alignas(std::max(cache_line, alignof(T))) std::byte elements[N * sizeof(T)];
};

/// Memory: an array_memory, or a run_time_array_memory. The writing functions are for the holder of
/// the lock alone.
template <class Memory>
class journalled_array_view {
 public:
  explicit journalled_array_view(Memory& memory) noexcept : memory_(memory) {}

  /// False: the element was changed meanwhile, the bytes are worthless.
  bool try_read(std::size_t i, void* to) const noexcept {
    return try_read_by(i, [&](const std::byte* from) {
      crash_points_in_copy(
          "read: a third copied", memory_.element_size, [&](std::size_t at, std::size_t size) {
            load_shared<alignment>(static_cast<std::byte*>(to) + at, from + at, size);
          });
    });
  }

  /// Like try_read(), for a caller that needs only parts of the element: copy(from) takes them,
  /// each once, and believes none of them before this returned true.
  template <class Copy>
  bool try_read_by(std::size_t i, Copy copy) const {
    const auto& sequence = sequence_of(i);
    // Acquire: even, the element is seen as that store left it; odd, the journal as it was filled
    // before and the index that was stored before.
    const std::uint64_t before = sequence.load(std::memory_order_acquire);
    const bool in_journal =
        is_odd(before) && memory_.journal_index.load(std::memory_order_relaxed) == i + 1;
    const std::byte* const from = in_journal ? memory_.journal : element(i);
    crash_point("read: journal looked up");
    copy(from);
    crash_point("read: copied");
    // Acquire fence: were any byte of a later change seen above, its sequence would be seen below.
    std::atomic_thread_fence(std::memory_order_acquire);
    return sequence.load(std::memory_order_relaxed) == before;
  }

  const std::byte* element(std::size_t i) const noexcept {
    return memory_.elements + i * memory_.element_size;
  }

  /// Returns how many elements were stored and edits in place made so far.
  std::uint64_t stores() const noexcept {
    // Acquire: what the caller reads next is not older than the number it was told.
    std::uint64_t sum = memory_.bulk.load(std::memory_order_acquire) / 2;
    for (std::size_t s = 0; s < memory_.stripes; ++s) sum += sequence(s) / 2;
    return sum;
  }

  std::uint64_t sequence(std::size_t stripe) const noexcept {
    return memory_.sequences[stripe].load(std::memory_order_acquire);
  }

  /// The words that a store or an edit in place changes before it is announced, as they are now. To
  /// be read before stores().
  futex_list<3> words_of_change() const noexcept {
    futex_list<3> words;
    // Acquire: the sequence is that of this store, or of a later one.
    const std::uint64_t index = memory_.journal_index.load(std::memory_order_acquire);
    words.add(low_half(memory_.journal_index, index));
    if (index != 0 && index <= memory_.count) {
      words.add(seen_sequence(static_cast<std::size_t>(index - 1)));
    }
    // Acquire: what is read next is not older.
    words.add(low_half(memory_.bulk, memory_.bulk.load(std::memory_order_acquire)));
    return words;
  }

  /// The sequence that a store of element i changes, as it is now.
  futex_seen seen_sequence(std::size_t i) const noexcept {
    const auto& word = sequence_of(i);
    // Acquire: what is read next is not older.
    return low_half(word, word.load(std::memory_order_acquire));
  }

  /// The number that commits a store of element i which begins with that sequence.
  static constexpr std::uint64_t committing(std::uint64_t sequence) noexcept {
    // Even it is, unless somebody scribbled; then a store makes it so again.
    return ((sequence + 1) & ~std::uint64_t{1}) + 2;
  }

  /// Each step in this order, and each release, keeps a reader or a repair from a half-made
  /// element. committed() is called while the journal still names the element.
  template <class Committed>
  void store(std::size_t i, const void* from, Committed committed) const noexcept {
    auto& sequence = sequence_of(i);
    const std::uint64_t even = committing(sequence.load(std::memory_order_relaxed));
    // Release fence: who sees the journal change sees the sequence of the store before it.
    std::atomic_thread_fence(std::memory_order_release);
    crash_point("array: before journal");
    copy_within("array: a third saved", memory_.journal, element(i));
    crash_point("array: journal filled");
    memory_.journal_index.store(i + 1, std::memory_order_relaxed);
    crash_point("array: index stored");
    // Release: who sees odd sees the index and the journal, and so does a repair.
    sequence.store(even - 1, std::memory_order_release);
    crash_point("array: sequence odd");
    // Release fence: who sees a byte of the new element sees that the sequence became odd.
    std::atomic_thread_fence(std::memory_order_release);
    std::byte* const target = memory_.elements + i * memory_.element_size;
    crash_points_in_copy(
        "array: a third written", memory_.element_size, [&](std::size_t at, std::size_t size) {
          store_shared<alignment>(target + at, static_cast<const std::byte*>(from) + at, size);
        });
    crash_point("array: element written");
    // Release: even commits, for readers and for a repair alike.
    sequence.store(even, std::memory_order_release);
    crash_point("array: sequence even");
    committed();
    // Release: an empty index means that the sequence is even, and that committed() has returned.
    memory_.journal_index.store(0, std::memory_order_release);
    crash_point("array: index cleared");
  }

  enum class repair_result { done, corrupt };

  /// Whether a holder died in a store. By the holder of the lock.
  bool needs_repair() const noexcept {
    return memory_.journal_index.load(std::memory_order_relaxed) != 0;
  }

  /// Precondition: needs_repair(). Killed at any step, the next one does it again. committed() is
  /// called for the element, whether it was stored or put back.
  template <class Committed>
  repair_result repair(Committed committed) const noexcept {
    const std::uint64_t index = memory_.journal_index.load(std::memory_order_relaxed);
    if (index > memory_.count) return repair_result::corrupt;
    const auto i = static_cast<std::size_t>(index - 1);
    auto& sequence = sequence_of(i);
    const std::uint64_t found = sequence.load(std::memory_order_relaxed);
    if (is_odd(found)) {
      crash_point("repair: before element");
      // Release fence: who sees a byte put back sees that the sequence became odd.
      std::atomic_thread_fence(std::memory_order_release);
      copy_within("repair: a third put back", memory_.elements + i * memory_.element_size,
                  memory_.journal);
      crash_point("repair: element put back");
      sequence.store(found + 1, std::memory_order_release);
      crash_point("repair: sequence even");
    }
    committed();
    memory_.journal_index.store(0, std::memory_order_release);
    crash_point("repair: index cleared");
    return repair_result::done;
  }

  static constexpr bool is_odd(std::uint64_t number) noexcept { return (number & 1) != 0; }

 private:
  static constexpr std::size_t alignment = Memory::element_alignment;

  void copy_within(const char* step, std::byte* to, const std::byte* from) const noexcept {
    crash_points_in_copy(step, memory_.element_size, [&](std::size_t at, std::size_t size) {
      move_shared<alignment>(to + at, from + at, size);
    });
  }

  auto& sequence_of(std::size_t i) const noexcept {
    return memory_.sequences[i & (memory_.stripes - 1)];
  }

  Memory& memory_;
};

}  // namespace shm::detail

// ---- shm/store/run_time_array.hpp
// Run-time array: the memory of a journalled array whose length only the segment's schema tells.

namespace shm::detail {

/// Where array_memory<T, N> has its parts; tests compare.
struct run_time_array_shape {
  constexpr run_time_array_shape(std::size_t elements, std::size_t size,
                                 std::size_t alignment) noexcept
      : stripes(stripes_for(elements)),
        part_alignment(std::max(cache_line, alignment)),
        journal(round_up(cache_line + stripes * sizeof(std::uint64_t), part_alignment)),
        elements_at(round_up(journal + size, part_alignment)),
        payload_size(round_up(elements_at + elements * size, part_alignment)) {}

  template <class T>
  static constexpr run_time_array_shape of(std::size_t elements) noexcept {
    return {elements, sizeof(T), alignof(T)};
  }

  std::size_t stripes;
  std::size_t part_alignment;
  std::size_t journal;
  std::size_t elements_at;
  std::size_t payload_size;
};

/// An element of which the schema alone tells the size. No more is known when compiling: small
/// elements are copied by bytes.
struct element_of_found_size {
  element_of_found_size(std::size_t size) noexcept : element_size(size) {}

  static constexpr std::size_t element_alignment = 1;
  std::size_t element_size;
};

/// An element whose type the program knows.
template <class T>
struct element_of {
  static constexpr std::size_t element_alignment = alignof(T);
  static constexpr std::size_t element_size = sizeof(T);
};

/// Byte: std::byte, or const std::byte where the segment is attached read-only. Element:
/// element_of_found_size, or element_of<T>.
template <class Byte, class Element = element_of_found_size>
struct run_time_array_memory : Element {
  using counter = std::conditional_t<std::is_const_v<Byte>, const std::atomic<std::uint64_t>,
                                     std::atomic<std::uint64_t>>;
  static constexpr std::size_t most_stripes = stripes_for(static_cast<std::size_t>(-1));

  run_time_array_memory(Byte* payload, const run_time_array_shape& shape,
                        std::size_t elements_in_it, Element one_element = {}) noexcept
      : Element(one_element),
        count(elements_in_it),
        stripes(shape.stripes),
        bulk(*counter_at(payload)),
        journal_index(*counter_at(payload + sizeof(std::uint64_t))),
        sequences(counter_at(payload + cache_line)),
        journal(payload + shape.journal),
        elements(payload + shape.elements_at) {}

  std::size_t count;
  std::size_t stripes;
  counter& bulk;
  counter& journal_index;
  counter* sequences;
  Byte* journal;
  Byte* elements;

 private:
  static counter* counter_at(Byte* place) noexcept {
    using untyped = std::conditional_t<std::is_const_v<Byte>, const void, void>;
    return static_cast<counter*>(static_cast<untyped*>(place));
  }
};

}  // namespace shm::detail

// ---- shm/schema/slot.hpp
// Slot: one place of a map, described like any struct, so that a mismatch names key and value.

namespace shm::detail {

enum class slot_state : std::uint32_t { free, used };

/// What begins a slot, whatever the key and the value are.
struct slot_head {
  std::uint32_t reach;  ///< how far behind this slot a key may lie whose lookup begins here
  slot_state state;     ///< may be no enumerator: anybody who may write can store anything
};

template <class Key, class Value>
struct slot {
  BOOST_HANA_DEFINE_STRUCT(slot, (std::uint32_t, reach), (slot_state, state), (Key, key),
                           (Value, value));
};

/// How many bytes at the start of a Key tell it from other keys; 0: its bytes do not.
template <class Key>
inline constexpr std::size_t identifying_bytes = std::has_unique_object_representations_v<Key>
                                                     ? sizeof(Key)
                                                     : 0;

/// Where in a slot its parts lie, as the compiler knows it.
template <class Key, class Value>
struct slot_shape {
  static constexpr std::size_t key_size = identifying_bytes<Key>;
  static constexpr std::size_t key_alignment = alignof(Key);
  static constexpr std::size_t key_at =
      (sizeof(slot_head) + alignof(Key) - 1) / alignof(Key) * alignof(Key);
  static constexpr std::size_t value_size = sizeof(Value);
  static constexpr std::size_t value_alignment = alignof(Value);
  static constexpr std::size_t value_at =
      (key_at + sizeof(Key) + alignof(Value) - 1) / alignof(Value) * alignof(Value);
};

}  // namespace shm::detail

// ---- shm/store/key_hash.hpp
// Key hash: from the bytes of a key to the slot of a map where its lookup begins.

namespace shm::detail {

__extension__ using product_of_words = unsigned __int128;

/// Both halves of the product, one folded over the other: each bit of either factor counts.
constexpr std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
  const product_of_words product = static_cast<product_of_words>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Part of the memory layout: never changes without a new layout number. Spreads keys that come up
/// by themselves. Keys can be crafted to collide; it is no cryptographic hash.
inline std::uint64_t hash_of_key(const std::byte* key, std::size_t size) noexcept {
  // The fractional parts of the square roots of 2, 3 and 5, made odd.
  constexpr std::uint64_t of_2 = 0x6a09e667f3bcc909, of_3 = 0xbb67ae8584caa73b,
                          of_5 = 0x3c6ef372fe94f82b;
  std::uint64_t hash = of_2 ^ size;
  std::uint64_t word = 0;
  for (; size > sizeof word; key += sizeof word, size -= sizeof word) {
    std::memcpy(&word, key, sizeof word);
    hash = folded_product(hash ^ word, of_3);
  }
  word = 0;
  std::memcpy(&word, key, size);
  return folded_product(folded_product(hash ^ word, of_3) ^ of_2, of_5);
}

/// The high bits decide: a multiplication, where a remainder would take a division.
constexpr std::size_t home_of_hash(std::uint64_t hash, std::size_t slots) noexcept {
  return static_cast<std::size_t>((static_cast<product_of_words>(hash) * slots) >> 64);
}

}  // namespace shm::detail

// ---- shm/store/table.hpp
// Table: keys and values in journalled slots, found without a lock beside changes and the dead.

namespace shm::detail {

/// One in three stays free, so that few keys lie far from where their lookup begins. Of each number
/// of slots it is known of how many entries.
constexpr std::size_t slots_for(std::size_t entries) noexcept {
  return entries + entries / 2;
}

/// The number of entries, and the change in progress. Once the slot of the change is committed, the
/// next size is the size, and the next version is the version, whether or not the writer lived to
/// store them.
struct table_counts {
  alignas(cache_line) std::atomic<std::uint64_t> size;
  std::atomic<std::uint64_t> next_size;
  std::atomic<std::uint64_t> next_version;
  std::atomic<std::uint64_t> committing;  ///< the sequence number that commits the change
  std::atomic<std::uint64_t> changing;    ///< 0: no change; else 1 + the slot
};

/// What a map of N entries looks like in the payload. Constant initialised to zero: empty.
template <class Key, class Value, std::size_t N>
struct table_memory {
  table_counts counts;
  array_memory<slot<Key, Value>, slots_for(N)> slots;
};

enum class lookup { found, absent, lapped };

/// Memory: a table_memory, or a run_time_table_memory. Shape: a slot_shape, or a
/// run_time_slot_shape. Never waits.
template <class Memory, class Shape>
class table_view {
 public:
  using array_type = decltype(Memory::slots);
  using slots_view = journalled_array_view<
      std::conditional_t<std::is_const_v<Memory>, const array_type, array_type>>;

  table_view(Memory& memory, const Shape& shape) noexcept
      : memory_(memory), slots_(memory.slots), shape_(shape) {}

  /// Looks at the slots that the key may lie in, and copies the value of that key, unless `to` is
  /// null. Gives up when writers changed slots meanwhile that often.
  lookup find(const std::byte* key, void* to, int most_laps) const noexcept {
    const std::size_t home = home_of(key);
    std::size_t reach = 0;
    for (std::size_t distance = 0; distance <= reach; ++distance) {
      slot_head head{};
      bool matches = false;
      while (!slots_.try_read_by(behind(home, distance), [&](const std::byte* from) {
        head = head_in(from);
        matches = head.state == slot_state::used && has_key(from, key);
        if (matches && to != nullptr) copy_value(to, from);
      })) {
        if (--most_laps == 0) return lookup::lapped;
      }
      if (matches) return lookup::found;
      if (distance == 0) reach = checked_reach(head);
    }
    return lookup::absent;
  }

  /// How many entries there are. False: a change began or ended meanwhile.
  bool try_size(std::uint64_t& size) const noexcept {
    return try_number(memory_.counts.size, memory_.counts.next_size, size);
  }

  /// How many changes there were; `stored` is the version in the header. False: a change began or
  /// ended meanwhile.
  bool try_version(const std::atomic<std::uint64_t>& stored,
                   std::uint64_t& version) const noexcept {
    return try_number(stored, memory_.counts.next_version, version);
  }

  /// The words that a change changes before it is announced, as they are now. To be read before the
  /// version.
  futex_list<3> words_of_change() const noexcept {
    futex_list<3> words;
    // Acquire: the sequence is that of this change, or of a later one.
    const std::uint64_t changing = memory_.counts.changing.load(std::memory_order_acquire);
    words.add(low_half(memory_.counts.changing, changing));
    if (changing != 0 && changing <= slots()) {
      words.add(slots_.seen_sequence(static_cast<std::size_t>(changing - 1)));
    }
    return words;
  }

  /// Calls take(slot) for each entry, whose bytes may change meanwhile. False: some did, so it was
  /// not one moment, and what was taken is worthless.
  template <class Take>
  bool try_take_all(Take take) const {
    std::uint64_t before[array_type::most_stripes];
    for (std::size_t s = 0; s < memory_.slots.stripes; ++s) before[s] = slots_.sequence(s);
    for (std::size_t i = 0; i < memory_.slots.count; ++i) {
      const bool is_whole = slots_.try_read_by(i, [&](const std::byte* from) {
        if (head_in(from).state == slot_state::used) take(from);
      });
      if (!is_whole) return false;
    }
    // try_read_by ends with an acquire fence: every slot was read before this second look.
    for (std::size_t s = 0; s < memory_.slots.stripes; ++s) {
      if (slots_.sequence(s) != before[s]) return false;
    }
    return true;
  }

 protected:
  static constexpr std::size_t alignment = array_type::element_alignment;

  /// Copied once; what it says is not checked.
  static slot_head head_in(const std::byte* slot) noexcept {
    slot_head head;
    load_shared<alignment>(&head, slot, sizeof head);
    return head;
  }

  std::size_t slots() const noexcept { return memory_.slots.count; }
  std::size_t home_of(const std::byte* key) const noexcept {
    return home_of_hash(hash_of_key(key, shape_.key_size), slots());
  }
  /// Behind the last slot comes the first.
  std::size_t behind(std::size_t home, std::size_t distance) const noexcept {
    const std::size_t i = home + distance;
    return i < slots() ? i : i - slots();
  }
  std::size_t checked_reach(slot_head head) const noexcept {
    return std::min<std::size_t>(head.reach, slots() - 1);
  }
  bool has_key(const std::byte* slot, const std::byte* key) const noexcept {
    return equals_shared<Shape::key_alignment>(slot + shape_.key_at, key, shape_.key_size);
  }
  std::uint64_t sequence_of(std::size_t i) const noexcept {
    return slots_.sequence(i % memory_.slots.stripes);
  }

  Memory& memory_;
  slots_view slots_;
  Shape shape_;

 private:
  using number = std::atomic<std::uint64_t>;

  struct change_seen {
    std::uint64_t changing, committing, now, next;

    friend bool operator==(const change_seen& a, const change_seen& b) noexcept {
      return a.changing == b.changing && a.committing == b.committing && a.now == b.now &&
             a.next == b.next;
    }
  };

  change_seen look_at_change(const number& now, const number& next) const noexcept {
    const table_counts& counts = memory_.counts;
    change_seen seen{};
    // Acquire: 0 comes with the number that the change before left; else the other words are of
    // that change, or of a later one.
    seen.changing = counts.changing.load(std::memory_order_acquire);
    seen.committing = counts.committing.load(std::memory_order_relaxed);
    // Acquire: what the caller reads next is not older than the number it was told.
    seen.now = now.load(std::memory_order_acquire);
    seen.next = next.load(std::memory_order_relaxed);
    return seen;
  }

  /// A number that counts from the commit of the slot on, and is stored later.
  bool try_number(const number& now, const number& next, std::uint64_t& found) const noexcept {
    const change_seen before = look_at_change(now, next);
    if (before.changing == 0 || before.changing > memory_.slots.count) {
      found = before.now;
      return true;
    }
    // Committed or not when this was read: the number was the one or the other then.
    const std::uint64_t sequence = sequence_of(static_cast<std::size_t>(before.changing - 1));
    crash_point("map: sequence of the change read");
    found = sequence == before.committing ? before.next : before.now;
    // Acquire fence: were a word of a later change seen above, that change would be seen below.
    std::atomic_thread_fence(std::memory_order_acquire);
    return look_at_change(now, next) == before;
  }

  void copy_value(void* to, const std::byte* slot) const noexcept {
    load_shared<Shape::value_alignment>(to, slot + shape_.value_at, shape_.value_size);
  }
};

}  // namespace shm::detail

// ---- shm/store/run_time_table.hpp
// Run-time table: the memory of a map whose key and value only the segment's schema tells.

namespace shm::detail {

/// Where in a slot its parts lie, as slot_shape has it; tests compare.
struct run_time_slot_shape {
  /// No more is known when compiling: copied and compared by bytes.
  static constexpr std::size_t key_alignment = 1;
  static constexpr std::size_t value_alignment = 1;

  std::size_t key_size = 0;
  std::size_t key_at = 0;
  std::size_t value_size = 0;
  std::size_t value_at = 0;

  /// Nothing when that is no slot of a map.
  static std::optional<run_time_slot_shape> of(const field& slot) {
    if (slot.type != field_type::structure || !slot.dimensions.empty()) return std::nullopt;
    const auto& members = slot.members;
    if (members.size() != 4 || !is_word(members[0], "reach", offsetof(slot_head, reach)) ||
        !is_word(members[1], "state", offsetof(slot_head, state)) || members[2].name != "key" ||
        members[3].name != "value") {
      return std::nullopt;
    }
    run_time_slot_shape shape;
    shape.key_size = bytes_until_padding(members[2]);
    shape.key_at = members[2].offset;
    shape.value_size = members[3].size * members[3].count();
    shape.value_at = members[3].offset;
    if (shape.key_size == 0 || shape.value_size == 0) return std::nullopt;
    return shape;
  }

 private:
  static bool is_word(const field& member, const char* name, std::size_t offset) {
    return member.name == name && member.type == field_type::uint32 && !member.big_endian &&
           member.dimensions.empty() && member.offset == offset;
  }

  /// Padding inside a key is refused when compiling; at its end there may be some of a
  /// static_string.
  static std::size_t bytes_until_padding(const field& key) {
    if (key.type != field_type::structure || !key.dimensions.empty() || key.members.empty()) {
      return key.size * key.count();
    }
    const field& last = key.members.back();
    return last.offset + bytes_until_padding(last);
  }
};

/// Where table_memory<Key, Value, N> has its parts; tests compare.
struct run_time_table_shape {
  run_time_table_shape(std::size_t entries, std::size_t size, std::size_t alignment) noexcept
      : slots(slots_for(entries)),
        slot_size(size),
        array(slots, size, alignment),
        array_at(round_up(sizeof(table_counts), array.part_alignment)),
        payload_size(array_at + array.payload_size) {}

  std::size_t slots;
  std::size_t slot_size;
  run_time_array_shape array;
  std::size_t array_at;
  std::size_t payload_size;
};

/// Byte: std::byte, or const std::byte where the segment is attached read-only.
template <class Byte>
struct run_time_table_memory {
  using counts_type = std::conditional_t<std::is_const_v<Byte>, const table_counts, table_counts>;
  using untyped = std::conditional_t<std::is_const_v<Byte>, const void, void>;

  run_time_table_memory(Byte* payload, const run_time_table_shape& shape)
      : counts(*static_cast<counts_type*>(static_cast<untyped*>(payload))),
        slots(payload + shape.array_at, shape.array, shape.slots, shape.slot_size) {}

  counts_type& counts;
  run_time_array_memory<Byte> slots;
};

/// Numbers of a map, for people. A change that ends meanwhile may count or not.
class table_about_now {
 public:
  explicit table_about_now(const run_time_table_memory<const std::byte>& memory) noexcept
      : table_(memory, {}) {}

  std::size_t entries(std::size_t most) const noexcept {
    std::uint64_t size = 0;
    static_cast<void>(table_.try_size(size));
    return static_cast<std::size_t>(std::min<std::uint64_t>(size, most));
  }
  /// `stored` is the version in the header.
  std::uint64_t version(const std::atomic<std::uint64_t>& stored) const noexcept {
    std::uint64_t version = 0;
    static_cast<void>(table_.try_version(stored, version));
    return version;
  }

 private:
  table_view<const run_time_table_memory<const std::byte>, run_time_slot_shape> table_;
};

}  // namespace shm::detail

// ---- shm/sync/announcement.hpp
// Announcement: how a change of an object wakes all that wait for one, whatever dies meanwhile.

namespace shm::detail {

/// Tells all that wait for a change. Must be made before any process can see the change: if the
/// thread is killed from then on, the kernel wakes one of those that wait, which rings for it.
class announcement {
 public:
  explicit announcement(header& head) noexcept : if_killed_(head.alarm), head_(head) {}

  /// Stores the version. The caller must hold the lock. Never blocks.
  void of(std::uint64_t version) noexcept {
    // Relaxed: only holders write the version, and the lock orders holders.
    const std::uint64_t before = head_.version.load(std::memory_order_relaxed);
    // Release: a reader that sees the version sees the change.
    head_.version.store(version, std::memory_order_release);
    wake_if_watched(before);
  }
  void of_next() noexcept { of(head_.version.load(std::memory_order_relaxed) + 1); }

  /// Like of_next(), for a caller that need not hold the lock: of several at once each counts.
  void of_one_more() noexcept {
    // Release: a thread that sees the number sees what the caller wrote before.
    const std::uint64_t before = head_.version.fetch_add(1, std::memory_order_release);
    wake_if_watched(before);
  }

 private:
  void wake_if_watched(std::uint64_t before) noexcept {
    crash_point("announce: version stored");
    // A thread that waits does the opposite: it raises `watched`, and then looks at the version.
    process::order_store_before_load();
    // Relaxed: ordered by the barrier. Not compared with the new version, which may be several
    // further.
    if (head_.watched.load(std::memory_order_relaxed) > before) wake(head_);
  }

  [[gnu::cold, gnu::noinline]] static void wake(header& head) noexcept { ring(head); }

  alarm_on_death if_killed_;
  header& head_;
};

}  // namespace shm::detail

// ---- shm/store/versioned_cell.hpp
// Versioned cell: a value kept in several copies, so that readers and crashes meet only whole ones.

namespace shm::detail {

/// With four copies a reader survives two updates while it copies; with three, as a large value has
/// for its memory's sake, one. With two it would survive none, and seldom get through beside a fast
/// writer.
constexpr std::size_t copies_for(std::size_t size) noexcept {
  return size <= 256 * 1024 ? 4 : 3;
}

/// Where the copies of a T lie, as the compiler knows it.
template <std::size_t Size, std::size_t Alignment>
struct cell_shape {
  static constexpr std::size_t size = Size;
  static constexpr std::size_t copies = copies_for(Size);
  static constexpr std::size_t alignment = std::max(cache_line, Alignment);
  static constexpr std::size_t stride = round_up(Size, alignment);
  static constexpr std::size_t payload_size = copies * stride;
};

/// The same, of a type that only the segment's schema tells.
struct run_time_cell_shape {
  run_time_cell_shape(std::size_t size_of_type, std::size_t alignment_of_type) noexcept
      : size(size_of_type),
        copies(copies_for(size)),
        alignment(std::max(cache_line, alignment_of_type)),
        stride(round_up(size, alignment)),
        payload_size(copies * stride) {}

  std::size_t size;
  std::size_t copies;
  std::size_t alignment;
  std::size_t stride;
  std::size_t payload_size;
};

/// Copy `version mod copies` is the value; the writer works on the next one. Killed at any
/// instruction it leaves the value before or the value after, and nothing to repair.
template <class Shape>
class versioned_cell : public Shape {
 public:
  using Shape::copies;
  using Shape::size;
  using Shape::stride;

  versioned_cell() = default;
  explicit versioned_cell(const Shape& shape) noexcept : Shape(shape) {}

  static std::byte* initial_copy(std::byte* payload) noexcept { return payload; }

  /// False: lapped by a writer meanwhile, the bytes are worthless.
  bool try_read(const std::atomic<std::uint64_t>& version, const std::byte* payload,
                void* to) const noexcept {
    return try_read_by(version, payload,
                       [&](const std::byte* from, std::uint64_t) { copy_out(from, to); });
  }

  /// Like try_read(), for a caller that needs only a part of the value: copy(from, version) takes
  /// it, and does not believe it before this returned true.
  template <class Copy>
  bool try_read_by(const std::atomic<std::uint64_t>& version, const std::byte* payload,
                   const Copy& copy) const noexcept {
    // Acquire: the copy is seen as it was when this version was published.
    const std::uint64_t before = version.load(std::memory_order_acquire);
    const std::byte* const from = copy_of(payload, before);
    crash_point("read: version seen");
    copy(from, before);
    crash_point("read: copied");
    // Acquire fence: were any byte of a later value seen above, its version would be seen below.
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t after = version.load(std::memory_order_relaxed);
    return after - before <= copies - 2;
  }

  /// The whole value, out of one of its copies.
  void copy_out(const std::byte* from, void* to) const noexcept {
    crash_points_in_copy("read: a third copied", size, [&](std::size_t at, std::size_t part) {
      load_shared<cache_line>(static_cast<std::byte*>(to) + at, from + at, part);
    });
  }

  /// The copy that is the value. By the holder of the lock.
  const std::byte* current(const std::atomic<std::uint64_t>& version,
                           const std::byte* payload) const noexcept {
    // Relaxed: only holders write the version, and the lock orders holders.
    return copy_of(payload, version.load(std::memory_order_relaxed));
  }

  /// By the holder of the lock.
  void read(const std::atomic<std::uint64_t>& version, const std::byte* payload,
            void* to) const noexcept {
    load_shared<cache_line>(to, current(version, payload), size);
  }

  /// By the holder of the lock. Wakes all that wait for a change.
  void publish(header& head, std::byte* payload, const void* from) const noexcept {
    // Relaxed: only holders write the version, and the lock orders holders.
    const std::uint64_t next = head.version.load(std::memory_order_relaxed) + 1;
    crash_point("cell: before copy");
    // Release fence: a reader that sees a byte of the new value here also sees every version up to
    // now, and so finds out that it was lapped.
    std::atomic_thread_fence(std::memory_order_release);
    std::byte* const target = payload + index_of(next) * stride;
    crash_points_in_copy("cell: a third copied", size, [&](std::size_t at, std::size_t part) {
      store_shared<cache_line>(target + at, static_cast<const std::byte*>(from) + at, part);
    });
    crash_point("cell: copied");
    announcement(head).of(next);
    crash_point("cell: published");
  }

  /// By the holder of the lock.
  bool equals(const std::atomic<std::uint64_t>& version, const std::byte* payload,
              const void* value) const noexcept {
    return std::memcmp(current(version, payload), value, size) == 0;
  }

 private:
  constexpr std::size_t index_of(std::uint64_t version) const noexcept {
    return static_cast<std::size_t>(version % copies);
  }
  const std::byte* copy_of(const std::byte* payload, std::uint64_t version) const noexcept {
    return payload + index_of(version) * stride;
  }
};

}  // namespace shm::detail

// ---- shm/store/run_time_type.hpp
// Run-time type: what a segment holds, as its own description tells; checked before it is believed.

namespace shm::detail {

struct run_time_type {
  segment_kind kind = segment_kind::mutex;
  schema type{std::string(), 0, 1};
  field value;            ///< the object's, or one element's; of a mutex or semaphore nothing
  std::size_t count = 0;  ///< elements of an array, room in a map, 1 of an object, else 0
  std::size_t element_size = 0;  ///< bytes
  run_time_slot_shape entry;     ///< of a map

  /// Throws corrupt.
  static run_time_type in(const header& head, const verified_description& facts,
                          const subject& about) {
    run_time_type found;
    found.kind = facts.kind();
    found.type = facts.stored_schema(head, about);
    if (!found.is_consistent(facts.payload_size())) {
      refuse(errc::corrupt, about,
             "the segment's description makes no sense: somebody scribbled over it; remove it with "
             "shm::remove(name, shm::force)");
    }
    facts.check_content(head, found.plan(), about);
    // Its size told the number of its permits.
    if (found.kind == segment_kind::semaphore) found.type = schema(std::string(), 0, 1);
    return found;
  }

  run_time_cell_shape cell_shape() const noexcept { return {element_size, type.alignment()}; }
  run_time_array_shape array_shape() const noexcept {
    return {count, element_size, type.alignment()};
  }
  run_time_table_shape table_shape() const noexcept {
    return {count, element_size, type.alignment()};
  }

  /// For opening only: it constructs nothing.
  blueprint plan() const noexcept {
    const std::size_t alignment = std::max(cache_line, type.alignment());
    switch (kind) {
      case segment_kind::object:
        return {kind, &type, cell_shape().payload_size, alignment, nullptr, nullptr};
      case segment_kind::array:
        return {kind, &type, array_shape().payload_size, alignment, nullptr, nullptr};
      case segment_kind::map:
        return {kind, &type, table_shape().payload_size, alignment, nullptr, nullptr};
      case segment_kind::mutex:
      case segment_kind::semaphore: break;
    }
    return {kind, &type, 0, 1, nullptr, nullptr};
  }

 private:
  bool is_consistent(std::size_t payload_size) {
    const std::size_t alignment = type.alignment();
    const bool aligned = alignment != 0 && alignment <= 4096 && (alignment & (alignment - 1)) == 0;
    if (kind == segment_kind::mutex) return type.size() == 0 && alignment == 1;
    if (kind == segment_kind::semaphore) return type.format().empty() && alignment == 1;
    // From here on every size is at most that of the payload, and no sum of a few can overflow.
    if (!aligned || type.size() == 0 || type.size() > payload_size) return false;
    std::optional<parsed_format> parsed = parse(type);
    if (!parsed) return false;
    value = std::move(parsed->value);
    const std::uint64_t elements = parsed->elements.value_or(1);
    const std::uint64_t one = value.size * value.count();
    if (elements * one != type.size()) return false;
    if (kind == segment_kind::array || kind == segment_kind::map) {
      count = elements;
      element_size = one;
      return parsed->elements.has_value() && (kind == segment_kind::array || is_slot());
    }
    if (parsed->elements) value.dimensions.insert(value.dimensions.begin(), elements);
    count = 1;
    element_size = type.size();
    return kind == segment_kind::object;
  }

  /// The members of a slot that the library keeps for itself are not part of the value.
  bool is_slot() {
    const std::optional<run_time_slot_shape> found = run_time_slot_shape::of(value);
    if (!found || count > std::size_t{1} << 31) return false;
    entry = *found;
    value.members.erase(value.members.begin(), value.members.begin() + 2);
    return true;
  }
};

}  // namespace shm::detail

// ---- shm/sync/lock_word.hpp
// Lock word: one 64-bit value that says who holds a lock, down to the thread.

namespace shm::detail {

/// generation (30 bits) | seat (11) | thread (22) | 0. All zeros: free.
class lock_word {
 public:
  explicit lock_word(std::uint64_t bits) noexcept : bits_(bits) {}
  lock_word(seat_identity who, std::uint32_t thread) noexcept
      : bits_(who.bits() | std::uint64_t{thread & thread_mask} << 1) {}

  std::uint64_t bits() const noexcept { return bits_; }
  bool is_free() const noexcept { return bits_ == 0; }
  seat_identity holder() const noexcept { return seat_identity::in(bits_); }
  /// The kernel's id of the thread, in the PID namespace of the holder: to be shown to people.
  std::uint32_t thread() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 1) & thread_mask;
  }

 private:
  static constexpr std::uint32_t thread_mask = (1u << 22) - 1;

  std::uint64_t bits_;
};

}  // namespace shm::detail

// ---- shm/inspect.hpp
// Inspect: what an object tells of itself and its users to a process that may read it.

namespace shm {

enum class object_kind { unknown, object, array, mutex, map, semaphore };
enum class object_state { ready, half_made, removing, removed };
enum class lock_state { unknown, free, held, owner_died };

/// A read-write handle that is open. The process is 0 if it is in another PID namespace.
struct seat_info {
  unsigned seat;
  int process;
};

struct object_info {
  std::string name;  ///< as it is stored; any bytes but NUL
  int key = 0;
  int segment_id = -1;
  int set_id = -1;  ///< -1: it has no semaphore set
  object_kind kind = object_kind::unknown;
  object_state state = object_state::half_made;
  std::string format;         ///< of the schema
  std::string notes;          ///< of the schema
  std::size_t size = 0;       ///< bytes of the value, of all elements together
  std::size_t count = 0;      ///< elements, room in a map, permits; 1 of an object, 0 of a mutex
  std::size_t entries = 0;    ///< of a map
  std::size_t available = 0;  ///< permits of a semaphore that are free; 0 without a set
  std::size_t segment_size = 0;
  unsigned mode = 0;
  unsigned owner = 0;          ///< user id
  unsigned creator = 0;        ///< user id
  unsigned group = 0;          ///< group id
  unsigned creator_group = 0;  ///< group id
  unsigned long attached = 0;  ///< how often, over all processes
  unsigned most_seats = 0;
  std::vector<seat_info> seats;  ///< taken ones
  lock_state lock = lock_state::unknown;
  int lock_process = 0;       ///< 0: unknown
  unsigned lock_thread = 0;   ///< in the PID namespace of the holder
  bool needs_repair = false;  ///< a holder died, and nobody has called mark_repaired()
  std::uint64_t version = 0;  ///< values published; of an array, elements stored
  bool until_last_detach = false;
  std::time_t changed = 0;  ///< made, or given another mode or owner
  std::string problem;      ///< why it cannot be read as a whole; "" when it can
};

namespace detail {

class inspection {
 public:
  /// Adds what it tells, unless it is not of this library, may not be read, or is gone.
  static void add(const counted_segment& seen, std::vector<object_info>& into) {
    if (key::is_reserved(seen.key)) return;
    inspection look(seen);
    if (!look.attach()) return;
    look.read();
    into.push_back(std::move(look.info_));
  }

 private:
  explicit inspection(const counted_segment& seen) : key_(key::from_value(seen.key)) {
    info_.key = seen.key;
    info_.segment_id = seen.id;
    info_.segment_size = seen.size;
    info_.mode = seen.owner.mode;
    info_.owner = seen.owner.owner;
    info_.creator = seen.owner.creator;
    info_.group = seen.owner.group;
    info_.creator_group = seen.owner.creator_group;
    info_.attached = seen.attached;
    info_.changed = seen.changed;
  }

  /// Attaches it only if it is likely to be ours: some programs refuse to start while anybody is
  /// attached to their old segment.
  bool attach() {
    find_set();
    const bool is_likely =
        set_ ? !set_->is_new : segment_layout::has_size_of_ours(info_.segment_size);
    if (!is_likely) return false;
    subject about{key_.name(), info_.key};
    try {
      if (look_at_segment(key_, found_, about) != looking::there) return false;
    } catch (const error& refusal) {
      if (is_by_sandbox(refusal)) throw;
      return false;  // may not be read, or has no memory
    }
    if (about.segment_id != info_.segment_id) return false;
    const life_word word = life_of(head());
    if (word.is_blank() ? !set_ : !word.is_ours()) return false;
    note(word.state());
    return true;
  }

  void note(life_state state) {
    switch (state) {
      case life_state::ready: info_.state = object_state::ready; return;
      case life_state::removing: info_.state = object_state::removing; return;
      case life_state::removed: info_.state = object_state::removed; return;
      case life_state::under_construction: return;
      case life_state::blank:
        info_.problem =
            "nothing is written in it: its creator died at its first step, or it is another "
            "program's";
        return;
    }
    info_.problem = "its state makes no sense: somebody scribbled over it";
  }

  void find_set() {
    try {
      subject about{key_.name(), info_.key};
      set_ = detail::find_set({key_, access::everyone, purpose::read}, about);
    } catch (const error& refusal) {
      info_.problem = refusal.what();
    }
    if (set_) info_.set_id = set_->set.id();
  }

  void read() {
    if (info_.state == object_state::half_made) return;
    const subject about{key_.name(), info_.key, info_.segment_id, info_.set_id};
    try {
      const auto facts = verified_description::read(head(), found_.before.size, key_, about);
      info_.name = facts.name();
      info_.most_seats = facts.seats();
      info_.until_last_detach = facts.until_last_detach();
      read_value(facts, about);
      if (!key_.may_be_called(info_.name)) info_.problem = "its name does not lead to its key";
      if (set_) read_users(facts, about);
    } catch (const error& refusal) {
      info_.problem = refusal.what();
    }
  }

  void read_value(const verified_description& facts, const subject& about) {
    const run_time_type held = run_time_type::in(head(), facts, about);
    info_.format = held.type.format();
    info_.notes = held.type.notes();
    info_.size = held.count * held.element_size;
    info_.count = held.count;
    // Relaxed throughout: numbers for people, of about now.
    const std::uint32_t section = head().section.load(std::memory_order_relaxed);
    info_.needs_repair = (section & section_bit::owner_died) != 0;
    switch (held.kind) {
      case segment_kind::object:
        info_.kind = object_kind::object;
        info_.version = head().version.load(std::memory_order_relaxed);
        break;
      case segment_kind::array: {
        info_.kind = object_kind::array;
        const auto* payload = found_.memory.address() + facts.payload_offset();
        const run_time_array_memory<const std::byte> memory(payload, held.array_shape(), held.count,
                                                            held.element_size);
        info_.version = journalled_array_view(memory).stores();
        break;
      }
      case segment_kind::map: {
        info_.kind = object_kind::map;
        const auto* payload = found_.memory.address() + facts.payload_offset();
        const run_time_table_memory<const std::byte> memory(payload, held.table_shape());
        info_.entries = table_about_now(memory).entries(held.count);
        info_.version = table_about_now(memory).version(head().version);
        break;
      }
      case segment_kind::mutex: info_.kind = object_kind::mutex; break;
      case segment_kind::semaphore:
        info_.kind = object_kind::semaphore;
        info_.count = facts.permits();
        break;
    }
  }

  void read_users(const verified_description& facts, const subject& about) {
    const seats users(head(), facts.seats(), set_->set.with_mark(life_of(head()).mark()));
    for (unsigned seat = 0; seat < users.count(); ++seat) {
      if (users.is_taken(seat)) info_.seats.push_back({seat, users.process_on(seat)});
    }
    if (facts.permits() != 0) {
      info_.available = static_cast<std::size_t>(set_->set.value(semaphore::permits).value);
    }
    const lock_word holder(head().lock.load(std::memory_order_relaxed));
    if (holder.is_free()) {
      info_.lock = lock_state::free;
      return;
    }
    info_.lock_thread = holder.thread();
    switch (users.judge(holder.holder(), about)) {
      case seat_verdict::alive: info_.lock = lock_state::held; break;
      case seat_verdict::dead: info_.lock = lock_state::owner_died; return;
      case seat_verdict::set_is_gone: return;  // only a set that the object does not name is there
    }
    const unsigned its_seat = holder.holder().seat();
    if (users.is_taken(its_seat)) info_.lock_process = users.process_on(its_seat);
  }

  const header& head() const noexcept { return found_.head(); }

  key key_;
  object_info info_;
  attached_segment found_;
  std::optional<found_set> set_;
};

}  // namespace detail

/// Returns all objects of this library in this IPC namespace that this user may read. Never blocks.
/// Modifies no byte and no semaphore. Attaches for a moment each segment that is likely to be an
/// object: the kernel notes that in the times of the segment, and counts it as attached meanwhile;
/// a child that another thread forks does not inherit it. Segments of other programs are attached
/// only if they have a size that ends in 8 beyond a multiple of 64. Throws shm::error with the
/// kernel's errno.
inline std::vector<object_info> list() {
  const detail::result<std::vector<detail::counted_segment>> all = detail::census::segments();
  if (!all.ok()) {
    throw error(std::error_code(all.error_number, std::system_category()),
                "shm: list: shmctl(SHM_STAT_ANY): " + detail::refused_by_sandbox(all.error_number));
  }
  std::vector<object_info> ours;
  for (const detail::counted_segment& one : all.value) detail::inspection::add(one, ours);
  return ours;
}

}  // namespace shm

// ---- shm/schema/field_path.hpp
// Field path: finds what a person means by wheels[2].pressure in a described value.

namespace shm {

/// Part of a value: a field, or one element of it.
struct field_place {
  const field* what;       ///< in the description that was searched
  std::uint64_t offset;    ///< from the start of the value
  std::size_t dimensions;  ///< how many of what->dimensions an index has chosen from

  /// Whether it is one element, and no array.
  bool is_single() const noexcept { return dimensions == what->dimensions.size(); }
};

namespace detail {

/// [2]: none when that is no index, or none of this array.
inline std::optional<std::uint64_t> take_index(std::string_view& path, std::uint64_t end) {
  const std::size_t close = path.find(']');
  if (close == path.npos || close < 2 || close > 20) return std::nullopt;
  std::uint64_t index = 0;
  for (const char digit : path.substr(1, close - 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    index = index * 10 + static_cast<std::uint64_t>(digit - '0');
    if (index >= end) return std::nullopt;
  }
  path.remove_prefix(close + 1);
  return index;
}

inline const field* member_named(const field& of, std::string_view name) {
  const auto found = std::find_if(of.members.begin(), of.members.end(),
                                  [name](const field& member) { return member.name == name; });
  return found == of.members.end() || name.empty() ? nullptr : &*found;
}

}  // namespace detail

/// engine.rpm, wheels[2].pressure, grid[1][2]; "" is the value itself, [3] an element of one that
/// is an array. An index may also choose from a vector, whatever its size is at the moment, and a
/// name from the value of an optional. Nothing when there is no such field or element. Never
/// throws.
inline std::optional<field_place> find_field(const field& value, std::string_view path) {
  field_place at{&value, 0, 0};
  while (!path.empty()) {
    if (path.front() == '[') {
      if (at.is_single() && at.what->meaning == field_meaning::vector) {
        at = {&at.what->members[1], at.offset + at.what->members[1].offset, 0};
      }
      if (at.is_single()) return std::nullopt;
      const std::uint64_t end = at.what->dimensions[at.dimensions];
      const auto index = detail::take_index(path, end);
      if (!index) return std::nullopt;
      ++at.dimensions;
      std::uint64_t stride = at.what->size;
      for (std::size_t d = at.dimensions; d < at.what->dimensions.size(); ++d) {
        stride *= at.what->dimensions[d];
      }
      at.offset += *index * stride;
      continue;
    }
    if (!at.is_single()) return std::nullopt;
    if (at.what != &value || at.dimensions != 0) {
      if (path.front() != '.') return std::nullopt;
      path.remove_prefix(1);
    }
    const std::string_view name = path.substr(0, path.find_first_of(".["));
    const field* found = detail::member_named(*at.what, name);
    if (found == nullptr && at.what->meaning == field_meaning::optional) {
      at = {&at.what->members[0], at.offset + at.what->members[0].offset, 0};
      found = at.is_single() ? detail::member_named(*at.what, name) : nullptr;
    }
    if (found == nullptr) return std::nullopt;
    path.remove_prefix(name.size());
    at = {found, at.offset + found->offset, 0};
  }
  return at;
}

}  // namespace shm

// ---- shm/os/pause.hpp
// Pause: gives the processor away for a while; no thread is cancelled meanwhile.

namespace shm::detail {

/// Sleeping is a cancellation point. A thread that is cancelled in a destructor, or inside a
/// function that must not throw, would take the whole program with it.
inline void pause_for(std::chrono::microseconds span) noexcept {
  int before = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  timespec left = to_timespec(span);
  while (::nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
  ::pthread_setcancelstate(before, nullptr);
}

}  // namespace shm::detail

// ---- shm/lifecycle/await_creation.hpp
// Await creation: opens again and again until there is an object, where options say so.

namespace shm::detail {

/// Pauses for a millisecond, and on until there is a segment under the key or the deadline has
/// passed. Looks only for the segment: an opener that enters the door of a set without a segment
/// would be in the way of the creator.
inline void pause_until_segment(const key& which, const deadline& until) noexcept {
  do {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(until.remaining());
    pause_for(std::min(std::chrono::microseconds(1000), left + std::chrono::microseconds(1)));
    crash_point("await: looked");
  } while (!until.passed() && segment::find(which.segment_key()).error_number == ENOENT);
}

/// Returns what `open` returns. If that throws not_found, calls it again when there may be an
/// object, until options::await_creation has passed. Any other refusal goes on at once.
template <class Open>
auto await_creation(const key& which, const options& how, Open open) {
  const auto until = deadline::after(how.await_creation);
  for (;;) {
    try {
      return open();
    } catch (const error& refusal) {
      if (refusal.code() != errc::not_found || how.await_creation.count() <= 0) throw;
    }
    if (until.passed()) {
      refuse(errc::not_found, {which.name(), which.segment_key()},
             "waited " + std::to_string(how.await_creation.count()) +
                 " ms (options::await_creation) for an object of that name, and there is none, or "
                 "its creator died before it was ready; start the program that creates it, or wait "
                 "longer");
    }
    pause_until_segment(which, until);
  }
}

}  // namespace shm::detail

// ---- shm/session/closed_handles.hpp
// Closed handles: kept for some time, because another thread of the process may still use them.

namespace shm::detail {

/// How a handle was closed.
enum class closing {
  done,
  beside_thread_inside  ///< a thread holds the lock through it, or waits for the lock
};

/// exit() closes static handles while other threads run. A thread that still uses a closed handle
/// must die of SIGSEGV. It would reach another object instead if the next segment got the same
/// addresses, or the next handle the same memory. So a closed handle is kept, and its addresses
/// with it. A kept handle takes a few hundred bytes.
class closed_handles {
 public:
  using destroy = void (*)(void* handle) noexcept;

  /// Keeps the handle until `most` later handles, or later handles with `most_bytes` of addresses,
  /// have been closed; at least until the next one is closed.
  static void keep(void* handle, std::size_t bytes, destroy end) noexcept {
    const fork_guard one_thread_at_a_time;
    while (number_ == most || (number_ != 0 && bytes_ + bytes > most_bytes)) end_oldest();
    kept_[(first_ + number_++) % most] = {handle, bytes, end};
    bytes_ += bytes;
  }

 private:
  struct closed {
    void* handle;
    std::size_t bytes;
    destroy end;
  };
  static constexpr std::size_t most = 64;
  static constexpr std::size_t most_bytes = std::size_t{1} << 30;

  static void end_oldest() noexcept {
    const closed oldest = kept_[first_];
    first_ = (first_ + 1) % most;
    --number_;
    bytes_ -= oldest.bytes;
    oldest.end(oldest.handle);
  }

  static inline std::array<closed, most> kept_{};  // a queue
  static inline std::size_t first_ = 0;
  static inline std::size_t number_ = 0;
  static inline std::size_t bytes_ = 0;
};

/// Ends the life of what a handle holds.
template <class Handle>
struct closer {
  void operator()(Handle* handle) const noexcept {
    // The thread may use it until the process ends.
    if (handle->close() == closing::beside_thread_inside) return;
    if (!process::may_have_threads()) {
      delete handle;
      return;
    }
    closed_handles::keep(handle, handle->address_bytes(),
                         [](void* kept) noexcept { delete static_cast<Handle*>(kept); });
  }
};

template <class Handle>
using open_handle = std::unique_ptr<Handle, closer<Handle>>;

}  // namespace shm::detail

// ---- shm/lifecycle/create.hpp
// Create: makes the set and the segment, and constructs the content; a death on the way shows.

namespace shm::detail {

/// The seats and the permissions that a set is made with.
struct set_plan {
  unsigned seats;
  unsigned mode;
  bool replaces_lost_set = false;
  ownership segment_owner = {};  ///< of the segment that lost its set

  static set_plan of(const options& how) noexcept { return {how.seats, permissions(how.access)}; }

  /// An object whose set was lost keeps the seats and the permissions that its creator chose.
  /// `seats_if_unknown` is used where the header does not tell a valid number.
  static set_plan replacing_lost_set_of(const attached_segment& found,
                                        unsigned seats_if_unknown) noexcept {
    std::uint32_t seats = 0;
    if (found.before.size >= sizeof(header)) {
      load_shared<4>(&seats, &found.head().fixed.seats, sizeof seats);
    }
    const bool is_known = seats >= 1 && seats <= max_seats;
    return {is_known ? seats : seats_if_unknown, found.before.owner.mode, true, found.before.owner};
  }
};

/// Whether the users of the segment could use a set that this process makes.
inline bool may_serve_all_users_of(const ownership& segment_owner) {
  if (segment_owner.is_uncertain()) return false;  // no number to give the set to
  return segment_owner.creator_group == ::getegid() || ::geteuid() == 0 ||
         segment_owner.is_trusted(access::owner, purpose::read_and_write) ||
         (segment_owner.mode & 0006) != 0;
}

/// Makes a set. Returns nothing if another opener was first. Throws limit_reached, or EPERM.
inline std::optional<found_set> make_set(const key& which, const set_plan& plan, subject& about) {
  if (plan.replaces_lost_set && !may_serve_all_users_of(plan.segment_owner)) {
    refuse_call(
        "semget", EPERM, about,
        "the object's semaphores were removed (ipcrm, or logind's RemoveIPC), and new ones of "
        "this process would belong to another group; let its owner open it first, or a "
        "process whose group is " +
            std::to_string(plan.segment_owner.creator_group));
  }
  const result<semaphore_set> made = semaphore_set::create(which.set_key(), plan.seats, plan.mode);
  switch (made.error_number) {
    case 0: break;
    case EEXIST: return std::nullopt;  // another opener was first
    case ENOSPC:
    case ENOMEM:
      refuse(errc::limit_reached, about,
             "semget: no more semaphore sets; remove what nobody needs (ipcs -s) or raise the "
             "limits: sysctl kernel.sem");
    case EINVAL:
      refuse(errc::limit_reached, about,
             "semget: " + std::to_string(plan.seats) +
                 " seats are more semaphores than a set may have; use fewer options::seats or "
                 "raise the first number of: sysctl kernel.sem");
    default: refuse_set_call("semget", made.error_number, about);
  }
  about.set_id = made.value.id();
  crash_point("open: set made");
  found_set found{made.value, true, ownership::of_new(plan.mode)};
  if (plan.replaces_lost_set) {
    const status given = found.set.give_to(plan.segment_owner);
    if (means_gone(given.error_number)) return std::nullopt;
    if (!given.ok()) refuse_set_call("semctl(IPC_SET)", given.error_number, about);
    crash_point("open: set given to owner");
  }
  return found;
}

/// Removes the set after a refusal, even of another maker, if nobody sits in it and no segment
/// under the key names it. If that cannot be known or done, the set stays for the next opener.
inline void remove_set_if_useless(const door& inside, const key& which) noexcept {
  const result<set_values> now = inside.set().values();
  if (!now.ok() || now.value.somebody_sits(inside.set().semaphores())) return;
  const result<segment> existing = segment::find(which.segment_key());
  if (existing.ok()) {
    const result<segment_status> status = existing.value.stat();
    if (!status.ok()) return;
    const result<attachment> memory =
        attachment::not_inherited(existing.value, attach_mode::read_only, status.value.size);
    if (!memory.ok()) return;
    const life_word word = life_of(header_at(memory.value));
    const bool names_it = word.mark() == inside.set().mark() || word.is_of_layout_1();
    if (!word.is_ours() || names_it) return;
  } else if (existing.error_number != ENOENT) {
    return;
  }
  static_cast<void>(inside.set().remove());
  crash_point("open: useless set removed");
}

/// Huge pages make an object faster, and none make it no less right; so this is a line on stderr,
/// and not an error.
inline void report_ordinary_pages(int error_number, const subject& about) {
  std::fprintf(stderr,
               "%s: no huge pages, using ordinary ones: shmget(SHM_HUGETLB): %s (see: sysctl "
               "vm.nr_hugepages)\n",
               describe(about).c_str(), std::strerror(error_number));
}

/// Returns EEXIST if the key was taken meanwhile. Throws limit_reached.
inline result<segment> make_segment(const key& which, std::size_t size, const options& how,
                                    const subject& about) {
  const unsigned mode = permissions(how.access);
  result<segment> made = segment::create(which.segment_key(), size, mode, how.huge_pages);
  if (how.huge_pages && !made.ok() && made.error_number != EEXIST) {
    report_ordinary_pages(made.error_number, about);
    made = segment::create(which.segment_key(), size, mode, false);
  }
  switch (made.error_number) {
    case 0:
    case EEXIST: return made;
    case EINVAL:
      refuse(errc::limit_reached, about,
             "shmget: " + std::to_string(size) +
                 " bytes are more than a segment may have; raise: sysctl kernel.shmmax");
    case ENOSPC:
      refuse(errc::limit_reached, about,
             "shmget: no more segments, or no more shared memory in all; remove what nobody needs "
             "(ipcs -m) or raise: sysctl kernel.shmmni kernel.shmall");
    default: refuse_segment_call("shmget", made.error_number, about);
  }
}

/// A new segment is all zeros. One that a dead creator left half-made may hold anything.
enum class found_memory { zeroed, half_made };

/// Precondition: this process has set the life word to under construction. The caller sets it to
/// ready when everything else is done.
inline void construct_segment(header& head, found_memory memory_is, const segment_layout& layout,
                              const key& which, const options& how, const blueprint& plan) {
  auto* const memory = static_cast<std::byte*>(static_cast<void*>(&head));
  // Release fence: a process that sees a byte of what follows sees that it is under construction.
  std::atomic_thread_fence(std::memory_order_release);
  crash_point("create: under construction");
  if (memory_is == found_memory::half_made) {
    std::memset(memory + sizeof head.life, 0, layout.total - sizeof head.life);
    crash_point("create: zeroed");
  }

  description& facts = head.fixed;
  facts.layout = layout_number;
  facts.kind = static_cast<std::uint32_t>(plan.kind);
  facts.until_last_detach =
      how.lifetime == lifetime::until_last_detach || which.is_anonymous() ? 1 : 0;
  facts.seats = how.seats;
  facts.name_length = static_cast<std::uint32_t>(which.name().size());
  facts.schema_length = static_cast<std::uint32_t>(plan.type->text().size());
  facts.type_size = plan.type->size();
  facts.type_alignment = plan.type->alignment();
  facts.fingerprint = plan.type->fingerprint();
  facts.payload_size = plan.payload_size;
  facts.payload_offset = layout.payload_offset;
  facts.wake_readers = wakes_readers(how) ? 1 : 0;
  // Relaxed: nobody reads it before the segment is ready. The highest number: each change wakes.
  if (wakes_readers(how)) head.watched.store(~std::uint64_t{0}, std::memory_order_relaxed);
  std::memcpy(facts.name, which.name().data(), which.name().size());
  std::memcpy(memory + layout.schema_offset, plan.type->text().data(), plan.type->text().size());
  crash_point("create: described");

  plan.construct(memory + layout.payload_offset, plan.initial);
  crash_point("create: constructed");
}

}  // namespace shm::detail

// ---- shm/lifecycle/permits.hpp
// Permits: put into the set of a semaphore behind its door, before anybody can take one.

namespace shm::detail {

// A semaphore keeps its free permits in one System V semaphore. A process that takes one leaves an
// undo record with the kernel, which gives the permit back when the process ends. A process can
// take one only through a handle, and a handle only joins a set that the life word names as ready.
// So the permits are put in before the life word says that, and until then nobody has any.

/// Makes `wanted` permits free; 0 for an object that is no semaphore. If the process is killed
/// before or after this, the next one that completes or adopts the object does it again.
/// Precondition: the caller is inside the door, and the life word does not say ready in this set.
/// Returns false if the set is gone, or was changed by hand.
inline bool put_permits(const door& inside, unsigned wanted, const subject& about) {
  const unsigned free = inside.values()[semaphore::permits];
  if (free == wanted) return true;  // put in by a process that died before it said ready
  const status put = inside.set().put_permits(free, wanted);
  crash_point("permits: put");
  if (put.ok()) return true;
  if (put.error_number == EAGAIN || means_gone(put.error_number)) return false;
  refuse_set_call("semop(permits)", put.error_number, about);
}

/// Makes the set behind whose door the caller stands that of an object which lost its own. A
/// semaphore has all of its permits again: nobody who took one is attached. Precondition: nobody
/// else is. Returns false if the caller has to look again.
inline bool adopt(life& word, unsigned permits, const door& inside, const subject& about) {
  if (!put_permits(inside, permits, about) || !word.change_to(life_state::ready)) return false;
  crash_point("open: set adopted");
  return true;
}

/// Whether a live process, or a handle that was closed beside a thread that used it, holds the lock
/// or has a permit. Asks only what is known inside the door.
inline bool is_held(const header& head, const verified_description& facts,
                    const door& inside) noexcept {
  return seats(head, facts.seats(), inside.set()).is_lock_held(head, inside) ||
         inside.values()[semaphore::permits] < facts.permits();
}

}  // namespace shm::detail

// ---- shm/lifecycle/retire.hpp
// Retire: ends the life of a segment, if nobody uses it, or by force.

namespace shm::detail {

enum class retirement {
  done,
  in_use,   ///< others are attached
  changed,  ///< another process changed the life word: start again
  reusable  ///< nobody is attached, but this user may not remove it: now under construction
};

/// The outcome, and the call that failed if there is an error.
struct ending {
  retirement value;
  int error_number = 0;
  const char* call = "";

  bool ok() const noexcept { return error_number == 0; }
};

[[noreturn]] inline void refuse_ending(const ending& failed, const subject& about) {
  refuse_segment_call(failed.call, failed.error_number, about);
}

inline constexpr const char* asking_for_the_right = "shmctl(IPC_SET), as before IPC_RMID";

// Precondition of each function here: the caller holds the door behind which `word` is changed, and
// is attached, so that the segment's id cannot name another one.

/// Precondition: the word says removed. If this process dies first, the next process that finds the
/// segment removes it.
inline ending remove_segment(const segment& where) noexcept {
  const status gone = where.remove();
  if (!gone.ok() && !means_gone(gone.error_number)) {
    return {retirement::done, gone.error_number, "shmctl(IPC_RMID)"};
  }
  crash_point("retire: segment gone");
  return {retirement::done};
}

/// Removes the segment in any state. If this user may not remove it, fails and changes nothing.
inline ending discard(life& word, const segment& where) noexcept {
  if (word.state() != life_state::removed) {
    const status right = where.may_remove();
    if (!right.ok()) return {retirement::in_use, right.error_number, asking_for_the_right};
    crash_point("retire: right asked");
    if (!word.change_to(life_state::removed)) return {retirement::changed};
    crash_point("retire: removed");
  }
  return remove_segment(where);
}

/// Removes the segment unless others are attached. Precondition: the word says ready or removing,
/// and was changed behind this door. If this process is killed at any step, the next one inside the
/// door goes on from what the word says. `may_reuse`: the caller is an opener that would construct
/// an object of the same size.
inline ending retire_if_unused(life& word, const segment& where, bool may_reuse) noexcept {
  // First removing, then the count. A reader attaches first and then reads the word, so either it
  // is counted, or it sees that it has to look again.
  if (!word.change_to(life_state::removing)) return {retirement::changed};
  crash_point("retire: removing");
  const result<segment_status> now = where.stat();
  crash_point("retire: counted");
  ending outcome{retirement::in_use, now.error_number, "shmctl(IPC_STAT)"};
  if (now.ok() && now.value.attached == 1) {
    outcome = discard(word, where);
    if (outcome.ok() || word.state() == life_state::removed) return outcome;
  }
  const bool reuse = may_reuse && outcome.error_number == EPERM;
  if (reuse) outcome = {retirement::reusable};
  if (!word.change_to(reuse ? life_state::under_construction : life_state::ready)) {
    return {retirement::changed};
  }
  crash_point("retire: given up");
  return outcome;
}

/// Attached processes find it at their next lock, load or wake-up.
inline ending retire_by_force(life& word, const segment& where) noexcept {
  const status right = where.may_remove();
  if (!right.ok()) return {retirement::in_use, right.error_number, asking_for_the_right};
  crash_point("force: right asked");
  word.end();
  crash_point("force: removed");
  return remove_segment(where);
}

/// The time given to processes that only look. They are attached for some microseconds, as `shm ls`
/// is, and nothing tells when they have gone. It begins when the first one is met. Nobody waits
/// inside the door meanwhile: the caller leaves it and starts again.
class grace {
 public:
  explicit grace(std::chrono::milliseconds span) noexcept : span_(span) {}

  bool is_over() noexcept {
    crash_point("retire: others attached");
    if (end_.is_never()) end_ = deadline::after(span_);
    return end_.passed();
  }

 private:
  std::chrono::milliseconds span_;
  deadline end_ = deadline::never();  ///< not begun
};

}  // namespace shm::detail

// ---- shm/lifecycle/judge.hpp
// Judge: what an opener inside the door has to do with the segment that it found.

namespace shm::detail {

enum class verdict {
  usable,      // ready: join it
  unfinished,  // under construction, by this process now: construct it in place
  again        // removed just now, or changed by somebody else: start again
};

/// What the opener expects, and what it may do.
struct expectation {
  const search& wanted;
  open_mode mode;
  const blueprint* plan;     ///< null: whatever is there
  std::size_t total_size;    ///< of the segment that it would create
  bool has_planned_options;  ///< whether seats and permissions are those that it would choose
  bool is_last_try;          ///< the deadline has passed
};

class judge {
 public:
  judge(const expectation& expected, const attached_segment& found, const door& inside,
        bool set_was_ours, grace& lookers, const subject& about) noexcept
      : expected_(expected),
        found_(found),
        inside_(inside),
        set_was_ours_(set_was_ours),
        lookers_(lookers),
        about_(about) {}

  /// Throws every refusal that the segment gives reason for.
  verdict of(life& word) const {
    if (word.seen().is_blank()) return of_blank(word);
    if (!word.seen().is_ours()) refuse_foreign_segment(about_);
    check_trust(found_.before.owner, expected_.wanted, "segment", about_);
    switch (word.state()) {
      case life_state::removed: return discarded(word);
      case life_state::under_construction: return of_unfinished(word);
      case life_state::ready:
      case life_state::removing: return of_ready(word);
      case life_state::blank: break;
    }
    refuse(errc::corrupt, about_,
           "its state makes no sense: somebody scribbled over the segment; remove it with "
           "shm::remove(name, shm::force)");
  }

 private:
  bool may_create() const noexcept { return detail::may_create(expected_.mode); }
  bool has_planned_size() const noexcept { return found_.before.size == expected_.total_size; }
  bool somebody_else_is_attached() const { return count_attached(found_.where, about_) > 1; }

  /// A creator makes and marks its set, then makes the segment, then attaches it. So beside a
  /// marked set, a blank segment may be a dead creator's.
  verdict of_blank(life& word) const {
    // A creator stores the life word before it sits down.
    if (set_was_ours_ && inside_.somebody_sat()) refuse_scribbled_life(about_);
    if (!is_blank_of_ours(found_, expected_.wanted.which, set_was_ours_, expected_.is_last_try,
                          about_)) {
      return verdict::again;
    }
    check_trust(found_.before.owner, expected_.wanted, "segment", about_);
    return of_unfinished(word);
  }

  /// The creator is dead, or has lost its set and will start again.
  verdict of_unfinished(life& word) const {
    const bool of_this_set = word.seen().is_blank() || word.was_changed_here();
    if (!of_this_set && !inside_.is_held(about_)) return verdict::again;
    if (!may_create()) {
      if (!of_this_set && !expected_.is_last_try) return verdict::again;
      refuse_half_made(about_);
    }
    const bool can_complete = of_this_set && has_planned_size();
    if (!can_complete || !expected_.has_planned_options) {
      const ending gone = discard(word, found_.where);
      const bool must_serve = can_complete && gone.error_number == EPERM;  // another user's
      if (!gone.ok() && !must_serve) refuse_ending(gone, about_);
      if (!must_serve) return verdict::again;
    }
    if (word.seen().is_blank() && !word.change_to(life_state::under_construction)) {
      return verdict::again;
    }
    return verdict::unfinished;
  }

  verdict of_ready(life& word) const {
    const auto facts = verified_description::read(found_.head(), found_.before.size,
                                                  expected_.wanted.which, about_);
    if (!word.was_changed_here()) {
      if (!inside_.is_held(about_)) return verdict::again;
      if (somebody_else_is_attached()) return of_lost_in_use(word, facts);
      // Nobody can hold the lock: adopt it.
      if (!adopt(word, facts.permits(), inside_, about_)) return verdict::again;
    } else if (word.state() == life_state::removing) {
      // A process that wanted to remove it died before doing so.
      if (!word.change_to(life_state::ready)) return verdict::again;
      crash_point("open: ready again");
    }
    const bool may_be_stale = facts.until_last_detach() && found_.before.attached == 0 &&
                              expected_.mode != open_mode::open_as_it_is;
    // By a process that is just dying: it is detached first, and then loses its seat. Or by a
    // handle that was closed while it held the lock.
    const bool is_used = is_held(found_.head(), facts, inside_);
    if (may_be_stale && is_used && !lookers_.is_over()) return verdict::again;
    if (may_be_stale && !is_used) {
      const bool may_reuse = may_create() && has_planned_size();
      const ending stale = retire_if_unused(word, found_.where, may_reuse);
      if (!stale.ok()) refuse_ending(stale, about_);
      if (stale.value == retirement::reusable) return verdict::unfinished;
      if (stale.value != retirement::in_use) return verdict::again;
      // Another process has attached since. It uses the object, and is to find the same one as this
      // opener.
    }
    check_content(facts);
    return verdict::usable;
  }

  void check_content(const verified_description& facts) const {
    if (expected_.mode == open_mode::create_only) {
      refuse(errc::already_exists, about_,
             "it exists; open it with shm::open_or_create, or take it away with shm::remove(name)");
    }
    if (expected_.plan != nullptr) {
      facts.check_content(found_.head(), *expected_.plan, about_);
    }
  }

  /// The set was lost, and others are attached. By the new set a live holder of the lock would be
  /// judged dead, so nobody can go on with this object.
  verdict of_lost_in_use(life& word, const verified_description& facts) const {
    check_content(facts);
    if (!lookers_.is_over()) return verdict::again;
    if (!may_create()) {
      refuse(errc::in_use, about_,
             "its semaphores were removed (ipcrm, or logind's RemoveIPC) while processes have "
             "it open; end all of them, then open it: the value is kept");
    }
    return discarded(word);
  }

  verdict discarded(life& word) const {
    const ending gone = discard(word, found_.where);
    if (!gone.ok()) refuse_ending(gone, about_);
    return verdict::again;
  }

  const expectation& expected_;
  const attached_segment& found_;
  const door& inside_;
  bool set_was_ours_;
  grace& lookers_;
  const subject& about_;
};

}  // namespace shm::detail

// ---- shm/lifecycle/visit.hpp
// Visit: looks at what lies under a key, again and again, until a try through its door succeeds.

namespace shm::detail {

/// What opening, reading and removing have in common.
class visitor {
 protected:
  visitor(const search& wanted, std::chrono::milliseconds timeout) noexcept
      : wanted_(wanted),
        until_(deadline::after(timeout)),
        about_{wanted.which.name(), wanted.which.segment_key()} {}

  /// Calls `attempt` until it returns something. An attempt returns nothing if what it found was
  /// removed or changed under it, or if another process has to go first. Throws timed_out.
  template <class Attempt>
  auto repeat(Attempt attempt) {
    constexpr unsigned enough_late_tries = 8;  // what this process clears away takes some, too
    for (unsigned tries = 0, late_tries = 0;; ++tries) {
      is_last_try_ = until_.passed();
      about_.segment_id = about_.set_id = -1;
      if (auto done = attempt()) return done;
      if (is_last_try_ && ++late_tries == enough_late_tries) {
        refuse(errc::timed_out, about_, "other processes keep creating or removing it");
      }
      if (tries > 0) pause_for(std::chrono::microseconds(100));
    }
  }

  /// Enters the door, and returns what `settle` returns there. Where there is no set, makes one by
  /// the plan that `plan_set` returns. Returns nothing without a plan, or if the set went
  /// meanwhile.
  template <class PlanSet, class Settle>
  auto inside_door(PlanSet plan_set, Settle settle)
      -> decltype(settle(std::declval<const found_set&>(), std::declval<const door&>())) {
    std::optional<found_set> found = find_set(wanted_, about_);
    if (!found) {
      crash_point("find: no set");
      // Without a set there is no door, and outside a door the state must not be changed.
      const std::optional<set_plan> plan = plan_set();
      if (plan) found = make_set(wanted_.which, *plan, about_);
    }
    if (!found || !mark_as_ours(*found, about_)) return {};
    const door inside = door::enter(found->set, until_, about_);
    if (!inside.is_entered()) return {};
    try {
      return settle(*found, inside);
    } catch (...) {
      remove_set_if_useless(inside, wanted_.which);
      throw;
    }
  }

  search wanted_;
  deadline until_;
  subject about_;
  bool is_last_try_ = false;  ///< the deadline has passed
  grace lookers_{std::chrono::milliseconds(10)};
};

}  // namespace shm::detail

// ---- shm/lifecycle/open.hpp
// Open: from a key to a ready, verified, typed place with a seat; creates it where that is allowed.

namespace shm::detail {

/// What an open handle refers to.
struct place {
  segment where;
  attachment memory;
  std::size_t size;  ///< of the segment
  semaphore_set set;
  verified_description facts;
  seat_identity seat = {};  ///< without a seat in a read-only handle
};

class opener : private visitor {
 public:
  /// A null `plan` opens whatever is there, and creates nothing.
  opener(const key& which, open_mode mode, const options& how, const blueprint* plan)
      : visitor({which, how.access, purpose::read_and_write}, how.open_timeout),
        mode_(mode),
        how_(how),
        plan_(plan) {}

  place open() {
    if (how_.seats == 0 || how_.seats > max_seats) {
      refuse_argument("options::seats is " + std::to_string(how_.seats) +
                      "; it must be from 1 to " + std::to_string(max_seats));
    }
    if (plan_ != nullptr && plan_->type->text().size() > max_schema_length) {
      refuse_argument("the type's description has " + std::to_string(plan_->type->text().size()) +
                      " bytes, and the segment has room for " + std::to_string(max_schema_length) +
                      "; give the type fewer members, or share it as several objects");
    }
    process::prepare();
    process::accept_barriers();
    return *repeat([this] {
      return inside_door(
          [this] { return plan_set(); },
          [this](const found_set& set, const door& inside) { return settle(set, inside); });
    });
  }

 private:
  using attempt_result = std::optional<place>;

  segment_layout layout() const noexcept {
    return segment_layout::of(how_.seats, plan_->type->text().size(), plan_->payload_size,
                              plan_->payload_alignment);
  }

  [[noreturn]] void refuse_argument(const std::string& why) const {
    throw error(std::make_error_code(std::errc::invalid_argument), describe(about_) + ": " + why);
  }

  /// Comes before a set is made, which would be a stray one beside a foreign segment, or beside
  /// none where nothing may be created. Returns nothing if the caller has to look again.
  std::optional<set_plan> plan_set() {
    attached_segment found;
    switch (look_without_set(wanted_, is_last_try_, found, about_)) {
      case looking::changed: return std::nullopt;
      case looking::nothing:
        if (!may_create(mode_)) refuse_not_found(about_);
        return set_plan::of(how_);
      case looking::there: break;
    }
    check_trust(found.before.owner, wanted_, "segment", about_);
    const life_state state = life_of(found.head()).state();
    if (state == life_state::ready || state == life_state::removing) {
      verified_description::read(found.head(), found.before.size, wanted_.which, about_);
    }
    return set_plan::replacing_lost_set_of(found, how_.seats);
  }

  attempt_result settle(const found_set& set, const door& inside) {
    attached_segment found;
    switch (attach_segment(wanted_.which, attach_mode::read_write, found, about_)) {
      case looking::changed: return std::nullopt;
      case looking::nothing:
        if (!may_create(mode_)) refuse_not_found(about_);
        return create(set, inside);
      case looking::there: break;
    }
    life word(found.head(), inside.set().mark());
    const expectation expected{
        wanted_,
        mode_,
        plan_,
        plan_ == nullptr ? 0 : layout().total,
        has_planned_options(set) && found.before.owner.mode == permissions(how_.access),
        is_last_try_};
    const judge opinion(expected, found, inside, !set.is_new, lookers_, about_);
    switch (opinion.of(word)) {
      case verdict::usable: return join(found, inside);
      case verdict::unfinished: return construct(word, found, found_memory::half_made, inside);
      case verdict::again: break;
    }
    return std::nullopt;
  }

  /// If not, the set is left over from an object with other permissions or another number of seats.
  bool has_planned_options(const found_set& set) const noexcept {
    return set.set.seats() == how_.seats && set.owner.mode == permissions(how_.access);
  }

  attempt_result create(const found_set& set, const door& inside) {
    // The segment was removed by hand (ipcrm -m). Removing the set wakes the processes that sleep
    // there.
    const bool orphaned = inside.somebody_sat();
    if (orphaned || !has_planned_options(set)) {
      const status removed = inside.set().remove();
      const bool must_serve = !orphaned && removed.error_number == EPERM;  // another user's
      if (!removed.ok() && !means_gone(removed.error_number) && !must_serve) {
        refuse_set_call("semctl(IPC_RMID)", removed.error_number, about_);
      }
      if (!must_serve) return std::nullopt;
    }
    const std::size_t size = layout().total;
    const result<segment> made = make_segment(wanted_.which, size, how_, about_);
    if (!made.ok()) return std::nullopt;
    about_.segment_id = made.value.id();
    crash_point("create: segment made");
    attached_segment found;
    found.where = made.value;
    found.before.size = size;
    found.before.owner = ownership::of_new(permissions(how_.access));
    result<attachment> memory =
        attachment::not_inherited(made.value, attach_mode::read_write, size);
    if (means_gone(memory.error_number)) return std::nullopt;
    if (!memory.ok()) refuse_unattachable(made.value, memory.error_number, inside);
    found.memory = std::move(memory.value);
    life word(found.head(), inside.set().mark());
    if (!word.seen().is_blank() || !word.change_to(life_state::under_construction)) {
      return std::nullopt;
    }
    return construct(word, found, found_memory::zeroed, inside);
  }

  /// Takes back the segment that this call made. Not attached, it cannot be marked as removed; but
  /// while this process holds the door, no other process makes an object of it.
  [[noreturn]] void refuse_unattachable(const segment& made, int error_number,
                                        const door& inside) const {
    try {
      refuse_segment_call("shmat", error_number, about_);
    } catch (...) {
      if (inside.is_held(about_)) static_cast<void>(made.remove());
      throw;
    }
  }

  attempt_result construct(life& word, attached_segment& found, found_memory memory_is,
                           const door& inside) {
    attempt_result done;
    try {
      construct_segment(found.head(), memory_is, layout(), wanted_.which, how_, *plan_);
      if (put_permits(inside, plan_->permits(), about_)) done = join(found, inside);
    } catch (...) {
      // If that is not possible either, the next opener finds the segment half-made, as after a
      // death.
      static_cast<void>(discard(word, found.where));
      throw;
    }
    if (!done) return std::nullopt;
    // Last, so that a failed creation can be taken back before any process has seen it.
    if (word.change_to(life_state::ready)) {
      crash_point("create: ready");
      return done;
    }
    seats::leave(inside.set(), done->seat.seat());
    return std::nullopt;
  }

  attempt_result join(attached_segment& found, const door& inside) {
    if (how_.lock_in_memory) {
      const status locked = found.where.lock_in_memory();
      if (!locked.ok()) {
        refuse_call(
            "shmctl(SHM_LOCK)", locked.error_number, about_,
            "the kernel does not let this user lock so much memory; raise ulimit -l, or open "
            "it without options::lock_in_memory");
      }
    }
    if (how_.prefault) found.memory.prefault(found.before.size);
    header& head = found.head();
    // Judged already, or just made; but what counts is the copy that is used from now on.
    const auto facts = verified_description::read(head, found.before.size, wanted_.which, about_);
    if (plan_ != nullptr) facts.check_content(head, *plan_, about_);
    const seat_identity seat =
        seats(head, facts.seats(), inside.set()).sit_down(head, inside, about_);
    if (!seat.has_seat()) return std::nullopt;
    found.memory.let_children_inherit(found.before.size);
    return place{found.where, std::move(found.memory), found.before.size, inside.set(), facts,
                 seat};
  }

  open_mode mode_;
  const options& how_;
  const blueprint* plan_;
};

}  // namespace shm::detail

// ---- shm/session/sleepers.hpp
// Sleepers: the threads of this process that sleep through one handle until the object changes.

namespace shm::detail {

/// When a sleeping thread dies, the kernel looks at the object's memory to wake another one. So the
/// memory stays attached where exit() closes a handle beside such a thread. A forked child's copy
/// counts from 0 again: the parent's threads are not there.
class sleepers {
 public:
  /// Counts the calling thread while it lives.
  class one {
   public:
    explicit one(sleepers& all) noexcept : all_(all), is_counted_(all.add()) {}
    one(const one&) = delete;
    one& operator=(const one&) = delete;
    ~one() {
      // Release: the thread is done with the memory.
      if (is_counted_) all_.word_.fetch_sub(1, std::memory_order_release);
    }

    /// False: the handle is being closed, and the memory may go at any moment.
    bool may_sleep() const noexcept { return is_counted_; }

   private:
    sleepers& all_;
    bool is_counted_;
  };

  bool is_closed() const noexcept {
    // Relaxed: a thread that reads the old value was counted before, or is not counted.
    return (word_.load(std::memory_order_relaxed) & closed) != 0;
  }

  /// From now on no thread may go to sleep. Returns whether any sleeps.
  bool close() noexcept {
    // Acquire: those that are no longer counted are done with the memory.
    const std::uint64_t before = word_.fetch_or(closed, std::memory_order_acquire);
    return epoch_in(before) == process::current() && (before & count_mask) != 0;
  }

 private:
  // process (32 bits) | closed (1) | count (31)
  static constexpr std::uint64_t closed = std::uint64_t{1} << 31;
  static constexpr std::uint64_t count_mask = closed - 1;
  static constexpr process_epoch epoch_in(std::uint64_t word) noexcept {
    return static_cast<process_epoch>(word >> 32);
  }

  bool add() noexcept {
    const process_epoch here = process::current();
    // Relaxed: see the exchange.
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen & closed) != 0) return false;
      const std::uint64_t fresh = std::uint64_t{here} << 32;
      const std::uint64_t next = (epoch_in(seen) == here ? seen : fresh) + 1;
      // Relaxed: the word alone tells whether this thread or the closing of the handle came first.
      if (word_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
    }
  }

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace shm::detail

// ---- shm/session/open_place.hpp
// Open place: what reading needs of an open handle, read-write or read-only.

namespace shm::detail {

/// How a handle waits for a semaphore to become 0.
enum class waiting {
  in_kernel,        ///< woken at once; leaves its process id and the time in the set
  by_looking_again  ///< every millisecond; leaves nothing in the set
};

class open_place {
 public:
  open_place(place&& where, attach_mode mode, key_t key_value, const options& how,
             waiting how_to_wait) noexcept
      : place_(std::move(where)),
        may_write_(mode == attach_mode::read_write),
        head_(&header_at(place_.memory)),
        payload_(place_.memory.address() + place_.facts.payload_offset()),
        key_value_(key_value),
        open_timeout_(how.open_timeout),
        how_to_wait_(how_to_wait) {}

  open_place(const open_place&) = delete;
  open_place& operator=(const open_place&) = delete;

  const header& head() const noexcept { return *head_; }
  const std::byte* payload() const noexcept { return payload_; }
  const semaphore_set& set() const noexcept { return place_.set; }
  const verified_description& facts() const noexcept { return place_.facts; }
  std::string_view name() const noexcept { return place_.facts.name(); }
  std::chrono::milliseconds open_timeout() const noexcept { return open_timeout_; }
  bool is_removed() const noexcept { return detail::is_removed(head()); }
  std::size_t address_bytes() const noexcept { return place_.size; }
  subject about() const noexcept {
    return {name(), key_value_, place_.where.id(), place_.set.id()};
  }

  /// Whether a live process holds the lock. Throws corrupt, removed.
  bool is_locked() const {
    // Relaxed: a hint; a holder that comes or goes since is met at the next look.
    const std::uint64_t word = head().lock.load(std::memory_order_relaxed);
    return word != 0 && is_alive(seat_identity::in(word));
  }
  /// Whether a process died that held the lock, and nobody has taken it over. Throws corrupt,
  /// removed.
  bool is_abandoned() const {
    // Relaxed: like is_locked().
    const std::uint64_t word = head().lock.load(std::memory_order_relaxed);
    return word != 0 && !is_alive(seat_identity::in(word));
  }

  /// Never blocks. Throws corrupt, removed.
  bool is_alive(seat_identity who) const {
    switch (seats(head(), facts().seats(), set()).judge(who, about())) {
      case seat_verdict::alive: return true;
      case seat_verdict::dead: return false;
      case seat_verdict::set_is_gone: break;
    }
    refuse_removed(about());
  }

  /// Throws removed where the id names another set by now, or in this IPC namespace.
  void require_own_set() const {
    const result<bool> same_set = set().is_itself();
    if (same_set.ok() && same_set.value) return;
    if (same_set.ok() || means_gone(same_set.error_number)) refuse_removed(about());
    refuse_set_call("semctl(GETVAL)", same_set.error_number, about());
  }

  /// Blocks while somebody edits in place, at most for a moment: then the caller has to look again
  /// whether the edit that it met is over. An exec inside an edit leaves the claim with the
  /// process. EAGAIN: not yet. EIDRM, EINVAL: the set is gone.
  status wait_a_moment_for_editor(const deadline& until) const {
    const deadline moment = until.or_earlier(deadline::after(std::chrono::milliseconds(100)));
    const status waited = wait_until_zero(set(), how_to_wait_, semaphore::raw, moment);
    if (!waited.ok() && waited.error_number != EAGAIN) return waited;
    // In another IPC namespace the id can name a set whose semaphore is never 0.
    const result<bool> same_set = set().is_itself();
    if (!same_set.ok()) return {same_set.error_number};
    return {same_set.value ? waited.error_number : EIDRM};
  }

  bool may_write() const noexcept { return may_write_; }

  /// Calls edit(header&). A read-only handle attaches the segment for writing meanwhile. Returns
  /// false if this user may not write.
  template <class Edit>
  bool edit_header(Edit edit) const {
    if (may_write_) {
      edit(*head_);
      return true;
    }
    // Relaxed: only spares the attempt.
    if (is_refused_.load(std::memory_order_relaxed)) return false;
    // In another IPC namespace the id can name a stranger's segment.
    const result<segment_status> now = place_.where.stat();
    if (!now.ok() || now.value.size != place_.size) return false;
    const result<attachment> memory =
        attachment::not_inherited(place_.where, attach_mode::read_write, place_.size);
    if (!memory.ok()) {
      const bool is_lasting = memory.error_number == EACCES || memory.error_number == EPERM;
      is_refused_.store(is_lasting, std::memory_order_relaxed);
      return false;
    }
    header& again = header_at(memory.value);
    if (life_of(again).bits() != life_of(*head_).bits()) return false;
    edit(again);
    return true;
  }

  /// The threads that sleep through this handle.
  sleepers& sleeping() const noexcept { return sleeping_; }

  static status wait_until_zero(const semaphore_set& set, waiting how, unsigned short which,
                                const deadline& until) {
    if (how == waiting::in_kernel) return set.wait_until_zero(which, until);
    for (;;) {
      const result<int> now = set.value(which);
      if (!now.ok()) return {now.error_number};
      if (now.value == 0) return {};
      if (until.passed()) return {EAGAIN};
      pause_for(std::chrono::milliseconds(1));
    }
  }

 protected:
  ~open_place() = default;

  /// Another thread of this process may still use the handle that is being closed. Returns false if
  /// the kernel refuses to take the memory from it.
  bool withdraw_memory() noexcept {
    return !process::may_have_threads() || place_.memory.withdraw(place_.size).ok();
  }

  /// For a handle that a thread uses until the process ends. In a list: leak checkers find it
  /// reachable.
  closing keep() noexcept {
    const fork_guard one_thread_at_a_time;
    kept_before_ = std::exchange(last_kept_, this);
    return closing::beside_thread_inside;
  }

  place place_;
  bool may_write_;
  header* head_;
  std::byte* payload_;
  key_t key_value_;
  std::chrono::milliseconds open_timeout_;
  waiting how_to_wait_;

 private:
  mutable sleepers sleeping_;
  mutable std::atomic<bool> is_refused_{false};  ///< this user may not write

  const open_place* kept_before_ = nullptr;
  static inline const open_place* last_kept_ = nullptr;
};

}  // namespace shm::detail

// ---- shm/session/observer.hpp
// Observer: an open read-only handle; it changes neither segment nor semaphores.

namespace shm::detail {

class observer : public open_place {
 public:
  /// Blocks while a live process creates or removes the object, at most options::open_timeout. A
  /// null `plan` opens whatever is there. Throws not_found, kind_mismatch, type_mismatch,
  /// foreign_segment, untrusted_owner, incompatible_layout, name_collision, corrupt, timed_out, or
  /// the kernel's errno.
  observer(const key& which, const options& how, const blueprint* plan, waiting how_to_wait)
      : open_place(await_creation(which, how,
                                  [&] { return search_for(which, how, plan, how_to_wait).open(); }),
                   attach_mode::read_only, which.segment_key(), how, how_to_wait) {}

  closing close() noexcept {
    withdraw_memory();
    if (sleeping().close()) return keep();
    if (!place_.memory.vacate()) place_.memory.detach();
    return closing::done;
  }

 private:
  class search_for : private visitor {
   public:
    search_for(const key& which, const options& how, const blueprint* plan,
               waiting how_to_wait) noexcept
        : visitor({which, how.access, purpose::read}, how.open_timeout),
          how_(how),
          plan_(plan),
          how_to_wait_(how_to_wait) {}

    place open() {
      process::prepare();
      return *repeat([this] { return attempt(); });
    }

   private:
    /// Returns nothing if the caller has to look again: the object changed meanwhile.
    std::optional<place> attempt() {
      const std::optional<found_set> found = find_set(wanted_, about_);
      crash_point("observe: set found");
      attached_segment here;
      switch (look_at_segment(wanted_.which, here, about_)) {
        case looking::changed: return std::nullopt;
        case looking::nothing: refuse_not_found(about_);
        case looking::there: break;
      }
      crash_point("observe: attached");
      const life_word word = life_of(here.head());
      if (word.is_blank()) {
        refuse_foreign_blank(here, found);
      } else if (!word.is_ours()) {
        refuse_foreign_segment(about_);
      }
      if (word.is_ours()) check_trust(here.before.owner, wanted_, "segment", about_);
      if (word.state() != life_state::ready && !is_as_good_as_ready(word, here.head(), found)) {
        here = attached_segment{};  // somebody inside the door may be counting who is attached
        wait_at_door(found);
        if (is_last_try_) refuse_unready(word);
        return std::nullopt;
      }
      const auto facts =
          verified_description::read(here.head(), here.before.size, wanted_.which, about_);
      if (plan_ != nullptr) facts.check_content(here.head(), *plan_, about_);
      if (how_.prefault) here.memory.prefault(here.before.size);
      here.memory.let_children_inherit(here.before.size);
      return place{here.where, std::move(here.memory), here.before.size, set_of(word, found),
                   facts};
    }

    void refuse_foreign_blank(const attached_segment& here,
                              const std::optional<found_set>& found) const {
      // A creator makes its set before the segment, maybe after we looked for it.
      const bool beside_our_set =
          found ? !found->is_new : semaphore_set::find(wanted_.which.set_key()).ok();
      // Ours or not known yet: either way it is not ready.
      static_cast<void>(may_be_blank_of_ours(here, wanted_.which, beside_our_set,
                                             here.before.attached > 0, is_last_try_, about_));
    }

    /// Whether the remover died. If the door is free now, the next remover counts this attachment,
    /// too. Only the door of the set that the word names tells.
    bool is_as_good_as_ready(const life_word& word, const header& head,
                             const std::optional<found_set>& found) const {
      if (!is_left_alone(word, found)) return false;
      const life_word again = life_of(head);
      if (again.state() == life_state::ready) return true;
      if (again.bits() != word.bits()) return false;
      if (word.state() == life_state::removing) return true;
      refuse_unready(word);
    }

    /// Whether nobody creates or removes it: the word names the set under the key, and nobody is
    /// inside the door of that set.
    bool is_left_alone(const life_word& word, const std::optional<found_set>& found) const {
      if (!found || found->is_new) return false;
      const result<set_values> now = found->set.values();
      if (means_gone(now.error_number)) return false;
      if (!now.ok()) refuse_set_call("semctl(GETALL)", now.error_number, about_);
      const bool names_it = word.is_blank() || word.mark() == now.value.mark();
      return names_it && now.value[semaphore::door] == 0;
    }

    [[noreturn]] void refuse_unready(const life_word& word) const {
      switch (word.state()) {
        case life_state::removed: refuse_not_found(about_);
        case life_state::blank:
        case life_state::under_construction: refuse_half_made(about_);
        case life_state::ready:
        case life_state::removing: break;
      }
      refuse(errc::timed_out, about_,
             "others keep creating or removing it while it is being opened");
    }

    /// Does not wait at an unmarked set: nobody is inside its door, and waiting would use it.
    /// Without a set, or beside one that the word does not name, an opener has to adopt the object
    /// first.
    void wait_at_door(const std::optional<found_set>& found) const {
      if (!found || found->is_new) return;
      const status waited =
          open_place::wait_until_zero(found->set, how_to_wait_, semaphore::door, until_);
      if (waited.error_number == EAGAIN) door::refuse_timed_out(found->set, about_);
      if (!waited.ok() && !means_gone(waited.error_number)) {
        refuse_set_call("semtimedop(door)", waited.error_number, about_);
      }
    }

    /// With the mark that the word names: of another set the semaphores tell nothing about this
    /// object.
    static semaphore_set set_of(const life_word& word, const std::optional<found_set>& found) {
      return found ? found->set.with_mark(word.mark()) : semaphore_set();
    }

    const options& how_;
    const blueprint* plan_;
    waiting how_to_wait_;
  };
};

/// Opens for reading, and waits in the kernel. Blocks and throws like the constructor.
inline open_handle<observer> observe(const key& which, const options& how, const blueprint& plan) {
  return open_handle<observer>(new observer(which, how, &plan, waiting::in_kernel));
}

}  // namespace shm::detail

// ---- shm/session/connection.hpp
// Connection: an open read-write handle: its seat in this process, and how it is closed.

namespace shm::detail {

class connection : public open_place {
 public:
  /// A null `plan` opens whatever is there, and creates nothing.
  connection(const key& which, open_mode mode, const options& how, const blueprint* plan)
      : open_place(
            await_creation(which, how, [&] { return opener(which, mode, how, plan).open(); }),
            attach_mode::read_write, which.segment_key(), how, waiting::in_kernel),
        opened_as_(place_.seat.bits() | process::current()),
        membership_(opened_as_) {}

  ~connection() { close(); }

  /// exit() can close a handle that another thread still uses. Other processes must not be harmed.
  /// So first the thread can no longer lock or store; then the seat goes, which proves that an
  /// owner lives.
  closing close() noexcept {
    if (!std::exchange(is_open_, false)) return closing::done;
    const bool is_withdrawn = withdraw_memory();
    crash_point("leave: read-only");
    const std::uint64_t mine = identity_bits_if_seated();
    const bool needs_seat = mine != 0 && (!is_withdrawn || holds_or_waits(mine));
    if (needs_seat) {
      // A guard can outlive the handle in a process with one thread, too.
      static_cast<void>(place_.memory.withdraw(place_.size));
      // A thread may have stored a version that it can no longer announce.
      ring_for_another(head());
    }
    // If a thread is inside and the kernel refuses, the memory stays attached and read-only.
    const bool has_sleepers = sleeping().close();
    if (!has_sleepers && !place_.memory.vacate() && !needs_seat) place_.memory.detach();
    crash_point("leave: detached");
    if (needs_seat || has_sleepers) return keep();  // the kernel takes the seat with the process
    if (facts().until_last_detach()) {
      leave_or_retire(mine);
    } else {
      leave_seat(mine);
    }
    return closing::done;
  }

  /// From here to end_use(), closing the handle leaves it its seat and its memory until the process
  /// ends. Precondition: the process sits here.
  void begin_use() noexcept {
    // Acquire fence: pairs with the store of the seat that this thread was told of.
    std::atomic_thread_fence(std::memory_order_acquire);
    // Sequentially consistent: the count comes before the first store of the thread to shared
    // memory.
    uses_.fetch_add(1, std::memory_order_seq_cst);
  }
  // Release: the token, or the permit, has been used or passed on.
  void end_use() noexcept { uses_.fetch_sub(1, std::memory_order_release); }

  /// Counts a thread on the slow way to the lock. The thread may take a wake token that is meant
  /// for another process. While it can, this handle keeps its seat, whose undo record posts one.
  class waiting_thread {
   public:
    explicit waiting_thread(connection& place) noexcept : place_(place) { place_.begin_use(); }
    waiting_thread(const waiting_thread&) = delete;
    waiting_thread& operator=(const waiting_thread&) = delete;
    ~waiting_thread() { place_.end_use(); }

   private:
    connection& place_;
  };

  header& head() const noexcept { return *head_; }
  std::byte* payload() const noexcept { return payload_; }

  /// The bits of identity() if the process has a seat, else 0. Never blocks.
  std::uint64_t identity_bits_if_seated() const noexcept {
    // Relaxed: only the number counts.
    return identity_bits_here(membership_.load(std::memory_order_relaxed));
  }

  /// Like identity_bits_if_seated(), but 0 in a forked child's copy of a handle that its parent
  /// opened, even if the child has sat down.
  std::uint64_t identity_bits_unless_inherited() const noexcept {
    return identity_bits_here(opened_as_);
  }

  /// The identity of this handle in the running process. A forked child has a copy of the handle,
  /// but no seat: it sits down at its first use, and throws what opening throws. Returns an
  /// identity without a seat if the deadline passed first.
  seat_identity identity(const deadline& until) {
    const std::uint64_t seated = identity_bits_if_seated();
    if (seated != 0) return seat_identity::in(seated);
    return sit_down_in_child(until);
  }

 private:
  /// 0 if the process is another one. Equal low bits cancel out and leave the identity.
  static std::uint64_t identity_bits_here(std::uint64_t membership) noexcept {
    const std::uint64_t bits = membership ^ process::current_or_zero();
    return (bits & process_epoch_mask) == 0 ? bits : 0;
  }

  [[gnu::cold, gnu::noinline]] seat_identity sit_down_in_child(const deadline& until) {
    const deadline patience = deadline::after(open_timeout());
    const door::entry found = door::try_enter(set(), until.or_earlier(patience));
    if (found.error_number == EAGAIN) {
      if (until.is_later_than(patience)) door::refuse_timed_out(set(), about());
      return {};
    }
    // The set is gone, or the process is in another IPC namespace, where the id names no set, or
    // another one.
    if (means_gone(found.error_number)) refuse_removed(about());
    if (!found.ok()) refuse_set_call(found.call, found.error_number, about());
    if (is_removed()) refuse_removed(about());
    process::accept_barriers();
    // Another thread of this child may have sat down meanwhile.
    if (const std::uint64_t seated = identity_bits_if_seated()) return seat_identity::in(seated);
    // After an ipcrm -m another object may stand under the key, and these seats may be its seats.
    const result<segment> under_key = segment::find(key_value_);
    const bool is_ours = under_key.ok() && under_key.value.id() == place_.where.id();
    if (!is_ours && (under_key.ok() || under_key.error_number == ENOENT)) refuse_removed(about());
    const seat_identity seat =
        seats(head(), facts().seats(), set()).sit_down(head(), found.inside, about());
    if (!seat.has_seat()) refuse_removed(about());
    // The parent's threads are not here, and its permits are not ours. Relaxed: see the next store.
    uses_.store(0, std::memory_order_relaxed);
    // Release: a thread that sees this seat counts itself after the count has begun anew.
    membership_.store(seat.bits() | process::current(), std::memory_order_release);
    return seat;
  }

  /// Whether this handle holds the lock or permits, or a thread waits for them. Precondition: no
  /// thread can store any more, or take the lock.
  bool holds_or_waits(std::uint64_t mine) const noexcept {
    // Relaxed: only this process stores its own identity, and mprotect orders the threads.
    const std::uint64_t holder = head().lock.load(std::memory_order_relaxed);
    if (seat_identity::in(holder).bits() == mine) return true;
    // Acquire: pairs with end_use().
    return uses_.load(std::memory_order_acquire) != 0;
  }

  /// `mine` is 0 in a forked child that never sat down.
  void leave_seat(std::uint64_t mine) const noexcept {
    if (mine != 0) seats::leave(set(), seat_identity::in(mine).seat());
  }

  /// Precondition: detached. Retires the object if this handle is the last. If that cannot be
  /// known, the next opener finds nobody attached and cleans up.
  void leave_or_retire(std::uint64_t mine) noexcept {
    grace lookers(std::chrono::milliseconds(1));
    for (;; pause_for(std::chrono::microseconds(50))) {
      const door::entry found = door::try_enter(set(), deadline::after(open_timeout()));
      if (!found.ok()) return leave_seat(mine);
      crash_point("leave: inside");
      const retirement outcome = somebody_else_uses_it(found.inside, mine)
                                     ? retirement::changed
                                     : retire_once(found.inside);
      if (outcome == retirement::done) return;
      // Others are attached; they may only look.
      if (outcome == retirement::in_use && !lookers.is_over()) continue;
      return leave_seat(mine);
    }
  }

  retirement retire_once(const door& inside) noexcept {
    const result<attachment> memory =
        attachment::not_inherited(place_.where, attach_mode::read_write, place_.size);
    if (!memory.ok()) return retirement::changed;
    // Between the detach and this attach the id could come to name another segment. The mark tells
    // that it does not.
    life word(header_at(memory.value), set().mark());
    const bool is_ready = word.state() == life_state::ready || word.state() == life_state::removing;
    if (!word.seen().is_ours() || !word.was_changed_here() || !is_ready) return retirement::changed;
    // By a handle that was closed while it held the lock: its seat stays as long as its process.
    const header& again = header_at(memory.value);
    if (is_held(again, facts(), inside)) return retirement::changed;
    const ending outcome = retire_if_unused(word, place_.where, false);
    if (!outcome.ok()) return retirement::changed;
    if (outcome.value != retirement::done) return outcome.value;
    // With the set go the seat and the door.
    if (!set().remove().ok()) return retirement::changed;
    crash_point("leave: set gone");
    return retirement::done;
  }

  /// Seats alone do not tell: a program that calls exec keeps them, and so does a handle that is
  /// just closing. Precondition: detached.
  bool somebody_else_uses_it(const door& inside, std::uint64_t mine) const noexcept {
    const result<segment_status> now = place_.where.stat();
    if (now.ok() && now.value.attached == 0) return false;
    for (unsigned seat = 0; seat < set().seats(); ++seat) {
      const bool is_mine = mine != 0 && seat_identity::in(mine).seat() == seat;
      if (!is_mine && inside.values()[semaphore::first_seat + seat] != 0) return true;
    }
    return false;
  }

  const std::uint64_t opened_as_;          // identity, and the process that sits there: at first,
  std::atomic<std::uint64_t> membership_;  // and now
  std::atomic<unsigned> uses_{0};          ///< threads that wait, and permits
  bool is_open_ = true;
};

}  // namespace shm::detail

// ---- shm/sync/spin.hpp
// Spin: a short, polite wait for a lock that is about to be free.

namespace shm::detail {

inline void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");  // on most of these cores a yield takes no time
#elif defined(__arm__)
  __asm__ volatile("yield");
#endif
}

/// Tries ever more rarely: each look takes the holder's cache line away, and a lock that changes
/// hands at every release is the slowest of all. In all about as long as it takes to be woken.
template <class Attempt>
bool spin_until(Attempt attempt) noexcept {
  constexpr int first = 16, last = 256;
  for (int pauses = first;; pauses *= 2) {
    if (attempt()) return true;
    if (pauses > last) return false;
    for (int i = 0; i < pauses; ++i) pause_briefly();
  }
}

}  // namespace shm::detail

// ---- shm/sync/robust_lock.hpp
// Robust lock: mutual exclusion that outlives its holder; the next one gets the lock and is told.

namespace shm::detail {

enum class acquisition {
  not_now,    ///< somebody alive holds it (until the deadline)
  taken,      ///< from a holder that released it
  taken_over  ///< from a holder that died
};

class robust_lock {
 public:
  explicit robust_lock(connection& place) noexcept : place_(place) {}

  /// Blocks until the deadline. Throws would_deadlock, removed, corrupt; then it is not held.
  acquisition acquire(deadline until) {
    if (take(word_if_known())) return confirmed(acquisition::taken);
    return acquire_slowly(place_, until);
  }

  /// Never blocks. Returns not_now if this very thread holds the lock; and in a forked child at its
  /// first use, if the door is closed.
  acquisition try_acquire() {
    if (take(word_if_known())) return confirmed(acquisition::taken);
    return try_acquire_slowly(place_);
  }

  bool is_held_by_this_thread() const noexcept {
    const std::uint64_t me = word_if_known();
    // Relaxed: the word is mine only if I stored it.
    return me != 0 && word().load(std::memory_order_relaxed) == me;
  }

  /// By the thread that locked, or that the guard was moved to, in the process that locked. Never
  /// blocks, never throws.
  void release() noexcept { release_as(place_.identity_bits_if_seated()); }

  /// Like release(), for a caller that knows its identity. Does nothing if that does not hold the
  /// lock: somebody scribbled.
  void release_as(std::uint64_t mine) noexcept {
    // Relaxed: the word is ours only if we stored it.
    const seat_identity holder = seat_identity::in(word().load(std::memory_order_relaxed));
    if (holder.bits() == mine) give_back();
  }

 private:
  void give_back() noexcept {
    crash_point("unlock: before");
    // Release: what was written inside is there for the next holder.
    word().store(0, std::memory_order_release);
    // This store comes before the look at the waiters: the barrier of the waiter, or else our own,
    // makes it so. (No exchange instead: a relaxed look may overtake its store.)
    process::order_store_before_load();
    crash_point("unlock: released");
    if (waiters().load(std::memory_order_relaxed) != 0) wake_one(place_);
  }

  /// The lock word of this thread, if no system call is needed to know it; else 0.
  std::uint64_t word_if_known() const noexcept {
    const std::uint64_t seated = place_.identity_bits_if_seated();
    const std::uint32_t thread = process::thread_id_if_cached(process::current_or_zero());
    return seated != 0 && thread != 0 ? lock_word(seat_identity::in(seated), thread).bits() : 0;
  }

  bool take(std::uint64_t me) noexcept {
    std::uint64_t free = 0;
    // Acquire: the holder before released what it wrote.
    return me != 0 && word().compare_exchange_strong(free, me, std::memory_order_acquire,
                                                     std::memory_order_relaxed);
  }

  /// A dead owner never returns under the same word, so this compare-and-swap has no ABA problem.
  bool take_over(lock_word dead, std::uint64_t me) noexcept {
    std::uint64_t expected = dead.bits();
    if (!word().compare_exchange_strong(expected, me, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return false;
    }
    crash_point("lock: taken over");
    remember_waiters();
    return true;
  }

  /// The token may have been meant for others that sleep: the release has to post the next one.
  /// Relaxed: the release reads it in this very thread.
  void remember_waiters() noexcept { waiters().store(1, std::memory_order_relaxed); }

  // The slow ways are static, and their arguments fit in registers: the fast way writes nothing to
  // the stack, where its locked instruction would wait for it.

  [[gnu::noinline]] static acquisition acquire_slowly(connection& place, deadline until) {
    return robust_lock(place).contend(until);
  }
  [[gnu::noinline]] static acquisition try_acquire_slowly(connection& place) {
    return robust_lock(place).look_closer();
  }

  /// Returns 0 in a forked child that has to sit down first and cannot before the deadline.
  std::uint64_t my_word(const deadline& until) {
    const seat_identity me = place_.identity(until);
    return me.has_seat() ? lock_word(me, process::thread_id()).bits() : 0;
  }

  acquisition contend(deadline until) {
    const std::uint64_t me = my_word(until);
    if (me == 0) return acquisition::not_now;
    if (take(me)) return confirmed(acquisition::taken);
    const connection::waiting_thread waiting(place_);
    if (word().load(std::memory_order_relaxed) == me) {
      refuse(errc::would_deadlock, place_.about(),
             "this thread holds the lock already, through this handle; release it first");
    }
    const acquisition how = spin_or_sleep(me, until);
    return how == acquisition::not_now ? how : confirmed(how);
  }

  acquisition look_closer() {
    const std::uint64_t me = my_word(deadline::now());
    if (me == 0) return acquisition::not_now;
    if (take(me)) return confirmed(acquisition::taken);
    const lock_word found(word().load(std::memory_order_relaxed));
    if (found.is_free() || found.bits() == me || place_.is_alive(found.holder())) {
      return acquisition::not_now;
    }
    return take_over(found, me) ? confirmed(acquisition::taken_over) : acquisition::not_now;
  }

  /// A waiter that consumes a token and does not get the lock must post it again: otherwise another
  /// waiter could sleep beside a free lock.
  class wake_debt {
   public:
    explicit wake_debt(robust_lock& lock) noexcept : lock_(lock) {}
    wake_debt(const wake_debt&) = delete;
    wake_debt& operator=(const wake_debt&) = delete;
    ~wake_debt() {
      if (owed_) lock_.post_token();
    }
    void incur() noexcept { owed_ = true; }
    /// The waiter got the lock: its release posts the token.
    void hand_over() noexcept {
      if (std::exchange(owed_, false)) lock_.remember_waiters();
    }

   private:
    robust_lock& lock_;
    bool owed_ = false;
  };

  acquisition spin_or_sleep(std::uint64_t me, deadline until) {
    wake_debt debt(*this);
    for (bool looked = false;; looked = true) {
      if (spin_until([&] { return word().load(std::memory_order_relaxed) == 0 && take(me); })) {
        debt.hand_over();
        return acquisition::taken;
      }
      // Not before the first look: a lock of a dead owner is taken over even without time to wait.
      if (looked && until.passed()) return acquisition::not_now;
      const bool ordered = announce_waiting();
      const lock_word holder(word().load(std::memory_order_relaxed));
      if (holder.is_free()) continue;
      // In this order: an owner that dies after this look leaves a token for the sleep below.
      if (!place_.is_alive(holder.holder())) {
        crash_point("lock: owner found dead");
        if (!take_over(holder, me)) continue;
        debt.hand_over();
        return acquisition::taken_over;
      }
      // In another IPC namespace the id can be a stranger's set, whose semaphores stay untouched.
      place_.require_own_set();
      crash_point("lock: before sleep");
      const status slept = place_.set().take_wake_token(slice_of(until, ordered));
      if (slept.error_number == EAGAIN) continue;
      if (means_gone(slept.error_number)) refuse_removed(place_.about());
      if (!slept.ok()) refuse_set_call("semtimedop(wake)", slept.error_number, place_.about());
      crash_point("lock: woken");
      debt.incur();
      if (place_.is_removed()) refuse_removed(place_.about());
    }
  }

  /// After this, either the release of the holder sees the flag, or this thread sees the release.
  /// Returns false if this process may not order the accesses of the holder: it may miss the
  /// release.
  bool announce_waiting() noexcept {
    // Sequentially consistent: seen by all before the look at the word that follows.
    waiters().exchange(1, std::memory_order_seq_cst);
    crash_point("lock: waiters set");
    return process::barrier_everywhere();
  }

  /// A process can be stopped, or its calls be refused by a sandbox, between releasing the lock and
  /// posting the token. Not ordered: a wake-up may be missed.
  static deadline slice_of(const deadline& until, bool ordered) noexcept {
    const auto a_moment = deadline::after(std::chrono::milliseconds(1));
    return until.or_earlier(ordered ? deadline::after(longest_sleep) : a_moment);
  }

  /// Precondition: the lock is held. Throws removed if the object was removed meanwhile, after
  /// releasing the lock.
  acquisition confirmed(acquisition how) {
    crash_point("lock: taken");
    if (place_.is_removed()) abandon(place_);
    return how;
  }

  [[noreturn, gnu::cold, gnu::noinline]] static void abandon(connection& place) {
    robust_lock(place).release();
    refuse_removed(place.about());
  }

  /// Wakes one waiter; when that releases the lock, it wakes the next.
  [[gnu::noinline]] static void wake_one(connection& place) noexcept {
    robust_lock lock(place);
    // Relaxed: the token is posted by a system call, which orders it.
    if (lock.waiters().exchange(0, std::memory_order_relaxed) == 0) return;
    crash_point("unlock: waiters cleared");
    lock.post_token();
  }

  void post_token() noexcept {
    // Fails if there is a token already, or if the set is gone, where nobody sleeps any more.
    static_cast<void>(place_.set().post_wake_token());
    crash_point("unlock: token posted");
  }

  std::atomic<std::uint64_t>& word() const noexcept { return place_.head().lock; }
  std::atomic<std::uint32_t>& waiters() const noexcept { return place_.head().waiters; }

  connection& place_;
};

}  // namespace shm::detail

// ---- shm/sync/held_lock.hpp
// Held lock: releases at the end of its scope, in any thread, but only in the process that took it.

namespace shm::detail {

class held_lock {
 public:
  /// Returns nothing if the deadline passed.
  static std::optional<held_lock> acquire(connection& place, const deadline& until) {
    acquisition how;
    return acquire(place, until, how);
  }
  /// Like the function above, and tells how the lock was acquired.
  static std::optional<held_lock> acquire(connection& place, const deadline& until,
                                          acquisition& how) {
    how = robust_lock(place).acquire(until);
    return of(place, how);
  }
  static held_lock acquire(connection& place) { return *acquire(place, deadline::never()); }
  static std::optional<held_lock> try_acquire(connection& place) {
    acquisition how;
    return try_acquire(place, how);
  }
  static std::optional<held_lock> try_acquire(connection& place, acquisition& how) {
    how = robust_lock(place).try_acquire();
    return of(place, how);
  }

  held_lock(held_lock&& other) noexcept
      : place_(std::exchange(other.place_, nullptr)), holder_(other.holder_) {}
  held_lock& operator=(held_lock&&) = delete;
  ~held_lock() {
    if (is_held()) robust_lock(*place_).release();
  }

  /// Returns false in a forked child's copy: the lock belongs to the parent.
  bool is_held() const noexcept { return place_ != nullptr && process::current() == holder_; }

  void require_held() const {
    Expects(place_ != nullptr);
    if (is_held()) return;
    throw error(std::make_error_code(std::errc::operation_not_permitted),
                describe(place_->about()) +
                    ": this lock was taken before fork() and belongs to the parent; the child has "
                    "to take the lock itself");
  }

 private:
  explicit held_lock(connection& place) noexcept : place_(&place), holder_(process::current()) {}

  static std::optional<held_lock> of(connection& place, acquisition how) {
    if (how == acquisition::not_now) return std::nullopt;
    return held_lock(place);
  }

  connection* place_;
  process_epoch holder_;
};

}  // namespace shm::detail

// ---- shm/base/extent.hpp
// Extent: how many elements an array has, by its type or found when it is opened.

namespace shm {

/// The N of an array whose number of elements is given when it is created, and found when it is
/// opened.
inline constexpr std::size_t dynamic = std::numeric_limits<std::size_t>::max();

template <class T, std::size_t N = dynamic>
class array;

/// The number of elements of an array, or of a guard of one.
template <std::size_t N>
class extent {
  static_assert(N > 0, "shm: an array has at least one element");

 public:
  /// N.
  static constexpr std::size_t size() noexcept { return N; }

 protected:
  /// @cond
  explicit constexpr extent(std::size_t) noexcept {}
  ~extent() = default;
  extent(const extent&) = default;
  extent& operator=(const extent&) = default;
  /// @endcond
};

/// The number of elements of an array that was opened, or of a guard of one.
template <>
class extent<dynamic> {
 public:
  /// Returns the number of elements, which never changes.
  std::size_t size() const noexcept { return size_; }

 protected:
  /// @cond
  explicit constexpr extent(std::size_t size) noexcept : size_(size) {}
  ~extent() = default;
  extent(const extent&) = default;
  extent& operator=(const extent&) = default;
  /// @endcond

 private:
  std::size_t size_;
};

}  // namespace shm

// ---- shm/store/array_parts.hpp
// Array parts: where the parts of an open array lie: by its type, or by what was found at opening.

namespace shm::detail {

/// Byte: std::byte, or const std::byte in an array that is attached read-only. T has been compared
/// with the schema in the segment.
template <class Byte, class T, std::size_t N>
class array_parts {
  using memory = array_memory<T, N>;
  static_assert(run_time_array_shape::of<T>(N).payload_size == sizeof(memory) &&
                    run_time_array_shape::of<T>(N).part_alignment == alignof(memory),
                "both kinds of array have the same layout");

 public:
  using memory_type = std::conditional_t<std::is_const_v<Byte>, const memory, memory>;

  array_parts(Byte*, const verified_description&) noexcept {}

  memory_type& in(Byte* payload) const noexcept {
    using untyped = std::conditional_t<std::is_const_v<Byte>, const void, void>;
    return *static_cast<memory_type*>(static_cast<untyped*>(payload));
  }
};

template <class Byte, class T>
class array_parts<Byte, T, dynamic> {
 public:
  using memory_type = const run_time_array_memory<Byte, element_of<T>>;

  /// The number of elements comes from the copy of the description that was checked, and whose size
  /// is that of so many T.
  array_parts(Byte* payload, const verified_description& facts) noexcept
      : array_parts(payload, facts.type_size() / sizeof(T)) {}

  memory_type& in(Byte*) const noexcept { return memory_; }

 private:
  array_parts(Byte* payload, std::size_t elements) noexcept
      : memory_(payload, run_time_array_shape::of<T>(elements), elements) {}

  memory_type memory_;
};

}  // namespace shm::detail

// ---- shm/schema/aggregate.hpp
// Aggregate: the members of a plain struct: how many they are, and of which types.

namespace shm::detail {

template <std::size_t N>
using number = std::integral_constant<std::size_t, N>;

template <class... T>
struct type_list {
  static constexpr std::size_t size = sizeof...(T);
  template <std::size_t I>
  using at = std::tuple_element_t<I, std::tuple<T...>>;
};

/// Converts to whatever a member is.
struct anything {
  template <class T>
  operator T() const {
    __builtin_unreachable();  // it is defined, because clang misses it for types without linkage
  }
};

// For each number of members from 1 to 70, three functions:
//  - accepts: whether a T can be initialised with that many pairs of braces, one for each member,
//    and with something Behind them;
//  - base_accepts: the same for what a T begins with, if that is a struct;
//  - members_of: references to the members; to a bit-field of a const T, a reference to a copy.
#define SHM_NAME(x) x
#define SHM_BRACES(x) \
  {}
#define SHM_1(f, x) f(x##0)
#define SHM_2(f, x) SHM_1(f, x), f(x##1)
#define SHM_3(f, x) SHM_2(f, x), f(x##2)
#define SHM_4(f, x) SHM_3(f, x), f(x##3)
#define SHM_5(f, x) SHM_4(f, x), f(x##4)
#define SHM_6(f, x) SHM_5(f, x), f(x##5)
#define SHM_7(f, x) SHM_6(f, x), f(x##6)
#define SHM_8(f, x) SHM_7(f, x), f(x##7)
#define SHM_9(f, x) SHM_8(f, x), f(x##8)
#define SHM_10(f, x) SHM_9(f, x), f(x##9)
#define SHM_TENS_0(f)
#define SHM_TENS_1(f) SHM_10(f, a),
#define SHM_TENS_2(f) SHM_TENS_1(f) SHM_10(f, b),
#define SHM_TENS_3(f) SHM_TENS_2(f) SHM_10(f, c),
#define SHM_TENS_4(f) SHM_TENS_3(f) SHM_10(f, d),
#define SHM_TENS_5(f) SHM_TENS_4(f) SHM_10(f, e),
#define SHM_TENS_6(f) SHM_TENS_5(f) SHM_10(f, g),
#define SHM_ALL(tens, ones, x, f) SHM_TENS_##tens(f) SHM_##ones(f, x)
#define SHM_FUNCTIONS(tens, ones, x)                                        \
  template <class T, class... Behind>                                       \
  auto accepts(number<10 * tens + ones>)                                    \
      ->decltype(T{SHM_ALL(tens, ones, x, SHM_BRACES), Behind()...}, true); \
  template <class T>                                                        \
  auto base_accepts(number<10 * tens + ones>)                               \
      ->decltype(T{{SHM_ALL(tens, ones, x, SHM_BRACES)}}, true);            \
  template <class T>                                                        \
  constexpr auto members_of(number<10 * tens + ones>, T& value) noexcept {  \
    auto& [SHM_ALL(tens, ones, x, SHM_NAME)] = value;                       \
    return std::tie(SHM_ALL(tens, ones, x, SHM_NAME));                      \
  }
#define SHM_ROW(tens, x)    \
  SHM_FUNCTIONS(tens, 1, x) \
  SHM_FUNCTIONS(tens, 2, x) \
  SHM_FUNCTIONS(tens, 3, x) \
  SHM_FUNCTIONS(tens, 4, x) \
  SHM_FUNCTIONS(tens, 5, x) \
  SHM_FUNCTIONS(tens, 6, x) \
  SHM_FUNCTIONS(tens, 7, x) \
  SHM_FUNCTIONS(tens, 8, x) \
  SHM_FUNCTIONS(tens, 9, x) \
  SHM_FUNCTIONS(tens, 10, x)
SHM_ROW(0, a)
SHM_ROW(1, b)
SHM_ROW(2, c)
SHM_ROW(3, d)
SHM_ROW(4, e)
SHM_ROW(5, g)
SHM_ROW(6, h)
#undef SHM_NAME
#undef SHM_BRACES
#undef SHM_1
#undef SHM_2
#undef SHM_3
#undef SHM_4
#undef SHM_5
#undef SHM_6
#undef SHM_7
#undef SHM_8
#undef SHM_9
#undef SHM_10
#undef SHM_TENS_0
#undef SHM_TENS_1
#undef SHM_TENS_2
#undef SHM_TENS_3
#undef SHM_TENS_4
#undef SHM_TENS_5
#undef SHM_TENS_6
#undef SHM_ALL
#undef SHM_FUNCTIONS
#undef SHM_ROW

/// Whether a T, or a base class that it begins with, has at least N members. A class with members
/// that cannot be initialised with empty braces seems to have none.
template <class T, std::size_t N, class = void>
inline constexpr bool has_at_least = false;
template <class T, std::size_t N>
inline constexpr bool has_at_least<T, N, std::void_t<decltype(accepts<T>(number<N>()))>> = true;

/// Whether there is a member behind the first N, which {} does not initialise.
template <class T, std::size_t N, class = void>
inline constexpr bool hides_more_than = false;
template <class T, std::size_t N>
inline constexpr bool
    hides_more_than<T, N, std::void_t<decltype(accepts<T, anything>(number<N>()))>> = true;

template <class T, std::size_t N, class = void>
inline constexpr bool base_has_at_least = false;
template <class T, std::size_t N>
inline constexpr bool base_has_at_least<T, N, std::void_t<decltype(base_accepts<T>(number<N>()))>> =
    true;

/// So many members are seen; of more it is only known that they are more.
inline constexpr std::size_t most_members_seen = 69;

/// Converts to any base class of T, and to nothing else.
template <class T>
struct any_base_of {
  template <class Base,
            class = std::enable_if_t<std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>>>
  operator Base() const;
};
/// Converts to nothing: a first member that takes it takes everything, and is no base class.
struct nothing_of_interest {};

template <class T, class First, class = void>
inline constexpr bool can_begin_with = false;
template <class T, class First>
inline constexpr bool can_begin_with<T, First, std::void_t<decltype(T{First()})>> = true;
template <class T>
inline constexpr bool has_base =
    can_begin_with<T, any_base_of<T>> && !can_begin_with<T, nothing_of_interest>;

template <class T, class = void>
inline constexpr bool is_tuple_like = false;
template <class T>
inline constexpr bool is_tuple_like<T, std::void_t<decltype(std::tuple_size<T>::value)>> = true;

/// Whether it has at least that many members is asked by bisection.
template <template <std::size_t> class HasAtLeast, std::size_t Low = 0,
          std::size_t High = most_members_seen + 1>
constexpr std::size_t count_members() {
  if constexpr (Low == High) {
    return Low;
  } else {
    constexpr std::size_t middle = (Low + High + 1) / 2;
    if constexpr (HasAtLeast<middle>::value) {
      return count_members<HasAtLeast, middle, High>();
    } else {
      return count_members<HasAtLeast, Low, middle - 1>();
    }
  }
}

template <class T>
struct members_of_type {
  template <std::size_t N>
  using at_least = std::bool_constant<has_at_least<T, N>>;
  template <std::size_t N>
  using at_least_in_base = std::bool_constant<base_has_at_least<T, N>>;
};

/// Of a class without constructors and private members: how many members it has, each base class
/// counted as one. 0 where it cannot be known.
template <class T>
inline constexpr std::size_t member_count_by_braces =
    count_members<members_of_type<T>::template at_least>();
template <class T>
inline constexpr std::size_t member_count =
    hides_more_than<T, member_count_by_braces<T>> ? 0 : member_count_by_braces<T>;
template <class T>
inline constexpr std::size_t member_count_of_base =
    count_members<members_of_type<T>::template at_least_in_base>();

template <class T>
inline constexpr bool is_plain_struct =
    std::is_class_v<T>&& std::is_aggregate_v<T> && !std::is_empty_v<T> && !is_tuple_like<T>;

/// Whether the types of all members can be seen.
template <class T>
constexpr bool shows_members() {
  if constexpr (is_plain_struct<T>) {
    return !has_base<T> && member_count<T> > 0 && member_count<T> <= most_members_seen;
  } else {
    return false;
  }
}

template <class... T>
type_list<std::remove_const_t<T>...> types_behind(const std::tuple<T&...>&);

/// The types of the members, without const. A const T has references to its bit-fields, too.
template <class T>
using member_types =
    decltype(types_behind(members_of(number<member_count<T>>(), std::declval<const T&>())));

}  // namespace shm::detail

// ---- shm/schema/type_name.hpp
// Type name: what the compiler calls a type; tells types whose headers would cost compile time.

namespace shm::detail {

template <class T>
constexpr const char* signature_with_type() noexcept {
  return __PRETTY_FUNCTION__;
}

template <class T>
constexpr std::string_view name_of_type() noexcept {
  const std::string_view signature = signature_with_type<T>();
  const std::size_t begin = signature.find("T = ") + 4;
  return signature.substr(begin, signature.size() - 1 - begin);
}

/// The name alone, which all compilers write alike: without namespaces and template arguments.
template <class T>
constexpr std::string_view name_without_scope() noexcept {
  std::string_view name = name_of_type<T>();
  name = name.substr(0, name.find('<'));
  return name.substr(name.rfind(':') + 1);  // npos + 1 is 0
}

/// "complex" for std::complex<double>, "thread::id" for std::thread::id, "" for a type that is not
/// of namespace std. The inline namespaces of standard libraries (__1, _V2) are left out.
template <class T>
constexpr std::string_view name_in_std() noexcept {
  std::string_view name = name_of_type<T>();
  if (name.substr(0, 5) != "std::") return {};
  name = name.substr(5, name.find('<') - 5);
  const std::size_t inside = name.find("::");
  const bool is_inline_namespace = name.front() == '_' && inside != name.npos;
  return is_inline_namespace ? name.substr(inside + 2) : name;
}

}  // namespace shm::detail

// ---- shm/schema/described.hpp
// Described: standard types that are more than their bytes: what they consist of, and mean.

namespace shm::detail {

template <class T>
std::string format_of();

/// Of a type that is described: its format; its meaning, "" for one that the format tells alone;
/// what it holds, whose rules are its own; and, if that may mean something itself, the name of the
/// member that it is in the format.
template <class T, class = void>
struct described {
  static constexpr bool is = false;
};

struct as_a_scalar {
  static constexpr bool is = true;
  static constexpr const char* inner_name = nullptr;
};

inline std::string padding(std::size_t bytes) {
  if (bytes == 0) return {};
  return bytes == 1 ? "x" : std::to_string(bytes) + "x";
}

/// The format of a struct of two members, both of which lie where a compiler puts them.
template <class First, class Second>
std::string format_of_pair(const std::string& first, const std::string& second, std::size_t size) {
  const std::size_t gap = (alignof(Second) - sizeof(First) % alignof(Second)) % alignof(Second);
  return "T{" + first + padding(gap) + second +
         padding(size - sizeof(First) - gap - sizeof(Second)) + '}';
}

/// `(4)` before the format of an element; two dimensions are one list: (2,3), not (2)(3).
inline std::string format_of_several(std::size_t count, const std::string& element) {
  const std::string begin = '(' + std::to_string(count);
  return element.front() == '(' ? begin + ',' + element.substr(1) : begin + ')' + element;
}

/// A ratio of seconds, as `1/1000`.
template <class Period>
std::string period_text() {
  return std::to_string(Period::num) + '/' + std::to_string(Period::den);
}

template <class Clock>
constexpr std::string_view name_of_clock() noexcept {
  if constexpr (std::is_same_v<Clock, std::chrono::system_clock>) {
    return "system";
  } else if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    return "steady";
  } else {
    return name_without_scope<Clock>();
  }
}

template <class Rep, class Period>
struct described<std::chrono::duration<Rep, Period>> : as_a_scalar {
  using parts = type_list<Rep>;
  static std::string format() { return format_of<Rep>(); }
  static std::string meaning() { return "duration " + period_text<typename Period::type>(); }
};

template <class Clock, class Duration>
struct described<std::chrono::time_point<Clock, Duration>> : as_a_scalar {
  using parts = type_list<Duration>;
  static std::string format() { return format_of<Duration>(); }
  static std::string meaning() {
    return "time " + period_text<typename Duration::period>() + ' ' +
           std::string(name_of_clock<Clock>());
  }
};

template <template <class> class Complex, class T>
struct described<Complex<T>, std::enable_if_t<std::is_floating_point_v<T> &&
                                              name_in_std<Complex<T>>() == "complex">>
    : as_a_scalar {
  using parts = type_list<T>;
  static std::string format() {
    std::string text = format_of<T>();
    return text.insert(1, "Z");
  }
  static std::string meaning() { return ""; }
};

template <template <std::size_t> class Bitset, std::size_t N>
struct described<Bitset<N>, std::enable_if_t<N != 0 && name_in_std<Bitset<N>>() == "bitset">>
    : as_a_scalar {
  static constexpr std::size_t words = (N + 63) / 64;
  static_assert(sizeof(Bitset<N>) == words * sizeof(std::uint64_t));
  using parts = type_list<>;
  static std::string format() {
    return "T{" + format_of_several(words, format_of<std::uint64_t>()) + ":words:}";
  }
  static std::string meaning() { return "bits " + std::to_string(N); }
};

template <class T>
struct described<std::optional<T>> {
  static constexpr bool is = true;
  static constexpr const char* inner_name = "value";
  using inner = T;
  using parts = type_list<T>;
  static std::string format() {
    return format_of_pair<T, bool>(
        format_of<T>() + ":value:", format_of<bool>() + ":engaged:", sizeof(std::optional<T>));
  }
  static std::string meaning() { return "optional"; }
};

}  // namespace shm::detail

// ---- shm/schema/reflect.hpp
// Reflect: what the members of a plain struct are called, as the compiler names their addresses.

namespace shm::detail {

/// Whether names can be read: an address that is a template argument needs C++20.
#if __cplusplus >= 202002L
inline constexpr bool names_are_known = true;
#else
inline constexpr bool names_are_known = false;
#endif

/// A T that is never constructed: only the addresses of its members are of interest.
template <class T>
union unconstructed {
  constexpr unconstructed() noexcept : nothing() {}
#if __cplusplus >= 202002L
  constexpr ~unconstructed() {}
#endif
  char nothing;
  T value;
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
/// Declared and never defined, of which clang warns: a program with one would contain a whole T.
template <class T>
struct ghost_of {
  static const unconstructed<T> whole;
};
/// For constant expressions alone, which take the addresses of its members.
template <class T>
constexpr const T& ghost() noexcept {
  return ghost_of<T>::whole.value;
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

/// Gives the member with that number of a plain struct.
template <std::size_t I>
struct member_number {
  template <class T>
  constexpr auto& operator()(T& value) const noexcept {
    return std::get<I>(members_of(number<member_count<std::remove_const_t<T>>>(), value));
  }
};

/// Forming the references is what can fail. Their addresses are not compared with null: under UBSan
/// g++ takes that for no constant expression.
template <class... Members>
constexpr bool have_addresses(const std::tuple<Members&...>&) {
  return true;
}

/// Whether a plain struct has bit-fields. A reference to one is a reference to a copy, which a
/// constant expression cannot make of a value that was never constructed.
template <class T, class = void>
inline constexpr bool has_bit_fields = true;
template <class T>
inline constexpr bool has_bit_fields<
    T, std::enable_if_t<have_addresses(members_of(number<member_count<T>>(), ghost<T>()))>> = false;

#if __cplusplus >= 202002L

/// Clang takes the address of a member as a template argument only inside a class.
template <class Pointer>
struct address {
  Pointer value;
};

/// The text of this function's own signature ends with `…::speed)}]` or `….speed}]`.
template <address Member>
constexpr auto name_in_signature() {
  constexpr std::string_view signature = __PRETTY_FUNCTION__;
  constexpr std::size_t brace = signature.rfind('}');
  constexpr std::size_t end = signature[brace - 1] == ')' ? brace - 1 : brace;
  constexpr std::size_t begin = signature.find_last_of(".:", end - 1) + 1;
  std::array<char, end - begin + 1> name{};
  for (std::size_t i = begin; i < end; ++i) name[i - begin] = signature[i];
  return name;
}

template <class T, std::size_t I>
inline constexpr auto member_name =
    name_in_signature<address<decltype(std::addressof(member_number<I>()(ghost<T>())))>{
        std::addressof(member_number<I>()(ghost<T>()))}>();

/// Calls visit(name, accessor) for each member of a plain struct, in their order.
template <class T, class Visit>
constexpr void for_each_reflected_member(Visit& visit) {
  const auto visit_all = [&visit]<std::size_t... I>(std::index_sequence<I...>) {
    (static_cast<void>(visit(member_name<T, I>.data(), member_number<I>())), ...);
  };
  visit_all(std::make_index_sequence<member_count<T>>());
}

#endif

}  // namespace shm::detail

// ---- shm/schema/members.hpp
// Members: the names, types and order of a struct's members, by a list or by reflection.

namespace shm::detail {

/// Whether a list of its members was written for Boost.Hana.
template <class T>
inline constexpr bool has_list = boost::hana::Struct<T>::value;

/// Whether the members of a plain struct without a list are known by reflection.
template <class T>
constexpr bool can_be_reflected() {
  if constexpr (names_are_known && !has_list<T>) {
    if constexpr (shows_members<T>()) return !has_bit_fields<T>;
  }
  return false;
}

/// Whether names, types and order of the members are known: by a list, or by reflection.
template <class T>
inline constexpr bool has_members = has_list<T> || can_be_reflected<T>();

/// Calls visit(name, accessor) for each member, in their order.
template <class T, class Visit>
constexpr void for_each_member(Visit&& visit) {
  if constexpr (has_list<T>) {
    boost::hana::unpack(boost::hana::accessors<T>(), [&visit](auto... member) {
      (static_cast<void>(visit(boost::hana::first(member).c_str(), boost::hana::second(member))),
       ...);
    });
  } else {
#if __cplusplus >= 202002L
    for_each_reflected_member<T>(visit);
#endif
  }
}

template <class T, class Accessor>
using member_type = std::remove_cv_t<
    std::remove_reference_t<decltype(std::declval<Accessor>()(std::declval<T&>()))>>;

/// One dimension of a C array or std::array.
template <class T>
struct dimension {
  static constexpr bool is_array = false;
};
template <class T, std::size_t N>
struct dimension<T[N]> {
  static constexpr bool is_array = true;
  static constexpr std::size_t count = N;
  using element = std::remove_cv_t<T>;
};
template <class T, std::size_t N>
struct dimension<std::array<T, N>> {
  static constexpr bool is_array = true;
  static constexpr std::size_t count = N;
  using element = std::remove_cv_t<T>;
};

}  // namespace shm::detail

// ---- shm/schema/enumerators.hpp
// Enumerators: what the values of an enum are called, as the compiler names them.

namespace shm::detail {

/// Enumerators are looked for among the values from 0 to this one.
inline constexpr int greatest_enumerator = 127;

/// Its own signature, which ends with `Values = {gear::neutral, (gear)1}]`, or with angle brackets:
/// a value without a name is written as a cast.
template <class E, E... Values>
constexpr const char* signature_with_values() noexcept {
  return __PRETTY_FUNCTION__;
}

/// Takes the first value of such a list away. Commas inside brackets or quotes separate nothing,
/// and brackets in quotes are none.
constexpr std::string_view take_value(std::string_view& list) noexcept {
  std::size_t end = 0, depth = 0;
  for (; end < list.size() && (depth != 0 || list[end] != ','); ++end) {
    if (list[end] == '\'') {  // 'x', '\x'
      const std::size_t escape = list.substr(end + 1, 1) == "\\" ? 3 : 2;
      end = std::min(list.find('\'', end + escape), list.size() - 1);
    } else if (list[end] == '(' || list[end] == '<') {
      ++depth;
    } else if (list[end] == ')' || list[end] == '>') {
      --depth;
    }
  }
  const std::string_view first = list.substr(0, end);
  list.remove_prefix(std::min(end + 2, list.size()));
  return first;
}

/// What a value is called; "" for a cast.
constexpr std::string_view name_of_value(std::string_view written) noexcept {
  const std::size_t begin = written.find_last_of(":)>'") + 1;  // npos + 1 is 0
  const bool is_cast = begin != 0 && written[begin - 1] != ':';
  return is_cast ? std::string_view() : written.substr(begin);
}

/// Whether that value can be one of E: an enum without a fixed type has only the bits that its
/// enumerators need. Compilers warn of other values, and here one asks for them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
template <class E, int Value, class = void>
inline constexpr bool is_value_of = false;
template <class E, int Value>
inline constexpr bool
    is_value_of<E, Value, std::void_t<std::integral_constant<E, static_cast<E>(Value)>>> =
        static_cast<std::underlying_type_t<E>>(Value) == Value;

/// 127, or as far as E goes.
template <class E, int Greatest = greatest_enumerator>
constexpr int greatest_value() noexcept {
  if constexpr (Greatest == 0 || is_value_of<E, Greatest>) {
    return Greatest;
  } else {
    return greatest_value<E, Greatest / 2>();
  }
}

/// `neutral=0,reverse=1`, in the order of their values; "" where none is found.
template <class E, int... Values>
std::string enumerators_of(std::integer_sequence<int, Values...>) {
  std::string_view list = signature_with_values<E, static_cast<E>(Values)...>();
  list.remove_prefix(list.rfind("Values = ") + 10);
  list.remove_suffix(2);
  std::string found;
  for (const int value : {Values...}) {
    const std::string_view name = name_of_value(take_value(list));
    if (name.empty()) continue;
    if (!found.empty()) found += ',';
    found += std::string(name) + '=' + std::to_string(value);
  }
  return found;
}
template <class E>
std::string enumerators_of() {
  return enumerators_of<E>(std::make_integer_sequence<int, greatest_value<E>() + 1>());
}
#pragma GCC diagnostic pop

}  // namespace shm::detail

// ---- shm/schema/notes.hpp
// Notes: what a program adds to its fields for people and tools: unit, range, text.

namespace shm {

/// What there is to say of one member of a struct. Programs that differ in it open each other's
/// objects all the same; tools refuse to set what is out of range.
struct note {
  std::string_view field;
  std::string_view unit = {};
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  std::string_view text = {};
};

/// Specialise it to add notes to a struct:
///
///     template <>
///     struct shm::notes<telemetry> {
///       static constexpr std::array value{shm::note{"speed", "m/s", 0, 90, "over ground"},
///                                         shm::note{"fuel", "l"}};
///     };
///
/// Compilation stops if a note names no member.
template <class T>
struct notes {};

namespace detail {

template <class T, class = void>
inline constexpr bool has_notes = false;
template <class T>
inline constexpr bool has_notes<T, std::void_t<decltype(notes<T>::value)>> = true;

constexpr bool is_printable(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

template <class T>
constexpr bool names_a_member(std::string_view name) {
  bool found = false;
  for_each_member<T>([&](const char* member, auto) { found = found || name == member; });
  return found;
}

/// Stops compilation where the notes of a T cannot be meant so.
template <class T>
constexpr void check_notes() {
  static_assert(has_members<T>,
                "shm: notes<T> is for a struct whose members are known: list them with Boost.Hana, "
                "or compile as C++20");
  constexpr auto all_of = [](auto is_right) {
    for (const note& one : notes<T>::value) {
      if (!is_right(one)) return false;
    }
    return true;
  };
  static_assert(all_of([](const note& one) { return names_a_member<T>(one.field); }),
                "shm: a note of notes<T> names a field that is no member of T");
  static_assert(all_of([](const note& one) { return one.least <= one.most; }),
                "shm: in a note of notes<T> the least value is greater than the most");
  static_assert(
      all_of([](const note& one) { return is_printable(one.unit) && is_printable(one.text); }),
      "shm: a note of notes<T> contains a tab, a newline or another control character");
}

/// The note on that member; null where there is none.
template <class T>
const note* note_on(std::string_view member) {
  if constexpr (has_notes<T>) {
    for (const note& one : notes<T>::value) {
      if (one.field == member) return &one;
    }
  }
  return nullptr;
}

/// The bits of an IEEE 754 double in hexadecimal: neither rounding nor a locale changes them.
inline std::string bits_of(double value) {
  std::uint64_t bits = 0;
  static_assert(sizeof bits == sizeof value);
  std::memcpy(&bits, &value, sizeof bits);
  std::string text;
  for (unsigned shift = 64; shift != 0; shift -= 4) {
    text += "0123456789abcdef"[bits >> (shift - 4) & 0xf];
  }
  return text;
}

/// Adds a line to the notes of a schema, if there is anything to say.
inline void add_line(std::string& lines, const std::string& path, const std::string& meaning,
                     const std::string& enumerators, const note* by_program) {
  if (meaning.empty() && enumerators.empty() && by_program == nullptr) return;
  const note nothing{};
  const note& more = by_program == nullptr ? nothing : *by_program;
  const bool has_range = more.least != nothing.least || more.most != nothing.most;
  if (!lines.empty()) lines += '\n';
  lines += path + '\t' + meaning + '\t' + enumerators + '\t' + std::string(more.unit) + '\t' +
           (has_range ? bits_of(more.least) : "") + '\t' + (has_range ? bits_of(more.most) : "") +
           '\t' + std::string(more.text);
}

/// The same notes, for a struct whose enumerators would take too much room.
inline std::string without_enumerators(std::string_view lines) {
  std::string shorter;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t names = line.find('\t', line.find('\t') + 1) + 1;
    const std::string_view behind = line.substr(line.find('\t', names));
    const bool says_more = line[names - 2] != '\t' || behind.find_first_not_of('\t') != behind.npos;
    if (!says_more) continue;
    if (!shorter.empty()) shorter += '\n';
    shorter += std::string(line.substr(0, names)) + std::string(behind);
  }
  return shorter;
}

/// The path of what is inside a struct at `path`, up to its name.
inline std::string path_inside(const std::string& path, bool is_several) {
  return path.empty() ? "" : path + (is_several ? "[]." : ".");
}

/// The notes on a T at `path`, and on all that it consists of.
template <class T>
void add_notes(std::string& lines, const std::string& path, const note* by_program = nullptr,
               bool is_several = false) {
  if constexpr (has_notes<T>) check_notes<T>();
  if constexpr (dimension<T>::is_array) {
    add_notes<typename dimension<T>::element>(lines, path, by_program, true);
  } else if constexpr (described<T>::is) {
    add_line(lines, path, described<T>::meaning(), "", by_program);
    if constexpr (described<T>::inner_name != nullptr) {
      add_notes<typename described<T>::inner>(
          lines, path_inside(path, is_several) + described<T>::inner_name, by_program);
    }
  } else if constexpr (has_members<T>) {
    add_line(lines, path, "", "", by_program);
    for_each_member<T>([&](const char* name, auto accessor) {
      add_notes<member_type<T, decltype(accessor)>>(lines, path_inside(path, is_several) + name,
                                                    note_on<T>(name));
    });
  } else if constexpr (std::is_enum_v<T>) {
    add_line(lines, path, "", enumerators_of<T>(), by_program);
  } else {
    add_line(lines, path, "", "", by_program);
  }
}

}  // namespace detail
}  // namespace shm

// ---- shm/schema/list.hpp
// List: whether a Boost.Hana list names the members that a struct really has.

namespace shm::detail {

/// The types of the members listed, as they are declared.
template <class T>
constexpr auto listed_types() {
  return boost::hana::unpack(boost::hana::accessors<T>(), [](auto... member) {
    return type_list<
        std::remove_reference_t<decltype(boost::hana::second(member)(std::declval<T&>()))>...>();
  });
}

template <class T>
constexpr std::size_t count_listed() {
  std::size_t listed = 0;
  for_each_member<T>([&listed](const char*, auto) { ++listed; });
  return listed;
}

/// Whether an accessor that BOOST_HANA_DEFINE_STRUCT made gives a member of another class.
template <class T, class Accessor>
inline constexpr bool is_of_another_class = true;
template <class T, class Member, Member T::*Pointer>
inline constexpr bool
    is_of_another_class<T, boost::hana::struct_detail::member_ptr<Member T::*, Pointer>> = false;

template <class T>
constexpr bool lists_another_class() {
  bool another = false;
  for_each_member<T>([&another](const char*, auto accessor) {
    another = another || is_of_another_class<T, decltype(accessor)>;
  });
  return another;
}

/// Whether the list is that of a base class. (BOOST_HANA_DEFINE_STRUCT puts a class of that name
/// into the struct.)
template <class T, class = void>
inline constexpr bool inherits_list = false;
template <class T>
inline constexpr bool inherits_list<T, std::void_t<typename T::hana_accessors_impl>> =
    std::is_same_v<decltype(boost::hana::accessors<T>()),
                   decltype(T::hana_accessors_impl::apply())>&&
    lists_another_class<T>();

/// A name that is found in two base classes is ambiguous, whether or not it may be used.
struct named_like_a_list {
  struct hana_accessors_impl;
};
template <class T>
struct beside_the_name : T, named_like_a_list {};
template <class T, class = void>
inline constexpr bool has_name_of_a_list = true;
template <class T>
inline constexpr bool
    has_name_of_a_list<T, std::void_t<typename beside_the_name<T>::hana_accessors_impl>> = false;

/// Whether there is a list in a private section, where Hana does not find it.
template <class T>
constexpr bool hides_list() {
  if constexpr (std::is_class_v<T> && !std::is_final_v<T> && !has_list<T>) {
    return has_name_of_a_list<T>;
  } else {
    return false;
  }
}

/// How many members T has at least: nothing tells of those of a class with a constructor, or of
/// other base classes than the first.
template <class T>
constexpr std::size_t least_members() {
  if constexpr (!is_plain_struct<T>) {
    return 0;
  } else if constexpr (has_base<T>) {
    return member_count<T> - 1 + member_count_of_base<T>;
  } else {
    return member_count<T>;
  }
}

/// Whether the members listed fill the type, as a compiler lays them out, and none is left out that
/// lies in padding.
template <class T>
constexpr bool lists_all_members() {
  if (count_listed<T>() < least_members<T>()) return false;
  std::size_t end = 0, bytes = 0;
  for_each_member<T>([&](const char*, auto accessor) {
    using member = member_type<T, decltype(accessor)>;
    end = (end + alignof(member) - 1) / alignof(member) * alignof(member) + sizeof(member);
    bytes += sizeof(member);
  });
  end = (end + alignof(T) - 1) / alignof(T) * alignof(T);
  if (bytes == sizeof(T)) return true;  // packed, perhaps
  // A type without padding has no gap between the members listed.
  if (bytes < sizeof(T) && std::has_unique_object_representations_v<T>) return false;
  // What follows a base class may lie behind the padding of that.
  if (is_plain_struct<T> && has_base<T>) return end <= sizeof(T);
  return std::max(end, std::size_t{1}) == sizeof(T);
}

/// Both in one object. Clang calls this comparison unspecified between members of different types,
/// and evaluates it only where asked whether it could.
constexpr bool lies_before(const void* a, const void* b) {
  return __builtin_constant_p(a < b) ? a < b : a < b;
}

/// Whether the members are listed in the order in which they lie.
template <class T>
constexpr bool lists_in_order() {
  bool in_order = true;
  bool is_first = true;
  const void* before = nullptr;
  for_each_member<T>([&](const char*, auto accessor) {
    const void* const address = std::addressof(accessor(ghost<T>()));
    in_order = in_order && (is_first || lies_before(before, address));
    is_first = false;
    before = address;
  });
  return in_order;
}

}  // namespace shm::detail

// ---- shm/schema/process_bound.hpp
// Process-bound: types that mean nothing in another process: what holds an address, and locks.

namespace shm::detail {

/// A lambda's type. Compilers give it a name that ends like no other: g++ with `<lambda(int)>`,
/// clang with `(lambda at file.cpp:1:2)`.
template <class T>
constexpr bool is_lambda() noexcept {
  const std::string_view name = name_of_type<T>();
  const std::size_t of_gcc = name.rfind("<lambda("), of_clang = name.rfind("(lambda at ");
  if (of_clang != name.npos) return name.find(')', of_clang) == name.size() - 1;
  if (of_gcc == name.npos || name.back() != '>') return false;
  // Not as an argument of a template, or with something of the lambda's own behind it.
  std::size_t open = 0;
  for (const char c : name.substr(0, of_gcc)) {
    if (c == '<') ++open;
    if (c == '>') --open;
  }
  return open == 0 && name.find("::", of_gcc) == name.npos;
}

/// Without the arguments of a template: the part of a name before `<`.
template <class T>
constexpr std::string_view name_of_template() noexcept {
  return name_of_type<T>().substr(0, name_of_type<T>().find('<'));
}

constexpr bool is_one_of(std::string_view name, std::initializer_list<std::string_view> known) {
  for (const std::string_view one : known) {
    if (name == one) return true;
  }
  return false;
}

/// A type of a library that holds an address which its members do not show.
template <class T>
constexpr bool is_view_or_handle() noexcept {
  return is_one_of(name_in_std<T>(),
                   {"basic_string_view", "span", "reference_wrapper", "initializer_list",
                    "error_code", "error_condition", "type_index", "thread::id", "source_location",
                    "coroutine_handle", "stacktrace_entry", "_Bind", "_Bind_result", "_Mem_fn",
                    "_Not_fn", "pmr::polymorphic_allocator"}) ||
         is_one_of(name_of_template<T>(), {"gsl::span", "gsl::not_null", "gsl::strict_not_null",
                                           "boost::basic_string_view", "boost::basic_string_ref",
                                           "boost::iterator_range", "__jmp_buf_tag"});
}

/// A lock or something else that one process alone, or the library that made it, can work with.
template <class T>
constexpr bool is_lock() noexcept {
  return is_one_of(
             name_in_std<T>(),
             {"atomic", "atomic_flag", "atomic_ref", "mutex", "recursive_mutex", "timed_mutex",
              "recursive_timed_mutex", "shared_mutex", "shared_timed_mutex", "condition_variable",
              "condition_variable_any", "once_flag", "counting_semaphore", "latch", "barrier"}) ||
         is_one_of(name_of_type<T>(), {"sem_t", "pthread_mutex_t", "pthread_cond_t",
                                       "pthread_rwlock_t", "pthread_barrier_t", "pthread_attr_t",
                                       "pthread_mutexattr_t", "mtx_t", "cnd_t"});
}

/// Only classes are asked: iterator_traits of a void* is an error.
template <class T, bool IsClass = std::is_class_v<T>, class = void>
inline constexpr bool is_iterator = false;
template <class T>
inline constexpr bool
    is_iterator<T, true, std::void_t<typename std::iterator_traits<T>::iterator_category>> = true;

/// A range whose elements lie outside of it, as std::span's do.
template <class T>
inline constexpr bool is_borrowed =
#if __cplusplus >= 202002L
    std::ranges::enable_borrowed_range<T>;
#else
    false;
#endif

/// Whether a T holds an address, as far as its type tells.
template <class T>
inline constexpr bool refers_elsewhere = std::is_pointer_v<T> || std::is_reference_v<T> ||
                                         std::is_member_pointer_v<T> || std::is_null_pointer_v<T> ||
                                         is_iterator<T> ||
                                         is_lambda<T>() || is_borrowed<T> || is_view_or_handle<T>();
}  // namespace shm::detail

// ---- shm/schema/shareable.hpp
// Shareable: which types may live in shared memory, and for the others the rule that they break.

namespace shm {

namespace detail {

enum class sharing_rule {
  none_broken,
  by_a_member,
  no_address,
  no_lock,
  trivially_copyable,
  not_volatile,
  no_array,
  hidden_members,
  few_members,
  no_bit_field,
  all_members,
  in_order,
  public_list,
  own_list
};

/// What a T holds: the elements of an array, the alternatives of a variant, the members of a
/// struct.
template <class T, class = void>
struct parts_of {
  static constexpr auto find() {
    if constexpr (described<T>::is) {
      return typename described<T>::parts();
    } else if constexpr (has_list<T>) {
      return listed_types<T>();
    } else if constexpr (shows_members<T>()) {
      return member_types<T>();
    } else {
      return type_list<>();
    }
  }
  using types = decltype(find());
};
/// What a type of the standard library holds that does not show its members.
template <template <class...> class Holder, class... T>
struct parts_of<Holder<T...>, std::enable_if_t<name_in_std<Holder<T...>>() == "variant" ||
                                               name_in_std<Holder<T...>>() == "tuple" ||
                                               name_in_std<Holder<T...>>() == "pair">> {
  using types = type_list<T...>;
};

template <class T>
constexpr sharing_rule find_broken_rule();

/// Found once for each type, however often it is a member: compilers count the steps.
template <class T>
inline constexpr sharing_rule broken_rule = find_broken_rule<T>();

/// The number of the first part that breaks a rule, or how many parts there are.
template <class... T>
constexpr std::size_t first_broken(type_list<T...>) {
  std::size_t at = 0;
  static_cast<void>(((broken_rule<T> == sharing_rule::none_broken && ++at != 0) && ...));
  return at;
}

template <class T>
constexpr sharing_rule find_rule_broken_as_a_whole() {
  if constexpr (refers_elsewhere<T>) {
    return sharing_rule::no_address;
  } else if constexpr (is_lock<T>()) {
    return sharing_rule::no_lock;
  } else if constexpr (std::is_volatile_v<T>) {
    return sharing_rule::not_volatile;
  } else if constexpr (!std::is_trivially_copyable_v<T>) {
    return sharing_rule::trivially_copyable;
  } else if constexpr (has_list<T>) {
    if constexpr (inherits_list<T>) return sharing_rule::own_list;
    if constexpr (!lists_all_members<T>()) return sharing_rule::all_members;
    return lists_in_order<T>() ? sharing_rule::none_broken : sharing_rule::in_order;
  } else if constexpr (hides_list<T>()) {
    return sharing_rule::public_list;
  } else if constexpr (is_plain_struct<T>) {
    if constexpr (member_count < T >> most_members_seen) return sharing_rule::few_members;
    if constexpr (member_count<T> == 0) return sharing_rule::hidden_members;
    if constexpr (shows_members<T>()) {
      if constexpr (has_bit_fields<T>) return sharing_rule::no_bit_field;
    }
    return sharing_rule::none_broken;
  } else {
    return sharing_rule::none_broken;
  }
}

template <class T>
constexpr sharing_rule find_broken_rule() {
  if constexpr (dimension<T>::is_array) {
    return broken_rule<typename dimension<T>::element>;
  } else if constexpr (std::is_const_v<T>) {
    return broken_rule<std::remove_const_t<T>>;
  } else {
    using types = typename parts_of<T>::types;
    if constexpr (types::size != 0) {
      if constexpr (first_broken(types()) != types::size) return sharing_rule::by_a_member;
    }
    return find_rule_broken_as_a_whole<T>();
  }
}

/// Whether that many T fit into an address space, with what the library keeps beside them: several
/// copies of an object's value, or an array's journal.
template <class T>
constexpr bool fits_in_memory(std::size_t count) noexcept {
  constexpr std::size_t most = std::size_t{1} << 57;  // no 64-bit machine has more
  return sizeof(T) <= most && count <= most / sizeof(T);
}

/// Stops compilation. Holder is the struct in which Member was found, and Name what it is called.
template <class Member, class Name, class Holder>
constexpr void refuse_member() {
  constexpr sharing_rule broken = broken_rule<Member>;
  static_assert(broken != sharing_rule::no_address,
                "shm: this member is or holds an address (a pointer, reference, view, iterator or "
                "lambda), which means nothing in another process; store the value itself, an index "
                "or an offset");
  static_assert(broken != sharing_rule::hidden_members,
                "shm: this struct has a reference, or a member that {} does not initialise, which "
                "hides its members: list them with BOOST_HANA_ADAPT_STRUCT, or give it a default");
  static_assert(broken != sharing_rule::no_lock,
                "shm: this member is a lock, a semaphore or an atomic: its bytes are copied, and "
                "wake nobody; use shm::mutex, or the lock that every shm::object has");
  static_assert(broken != sharing_rule::trivially_copyable,
                "shm: this type must be trivially copyable, with all its members: it is copied as "
                "bytes between processes; use shm::static_string<N> or "
                "shm::static_vector<T, N> in place of strings and vectors");
  static_assert(broken != sharing_rule::not_volatile,
                "shm: this type must not be volatile: the library orders accesses itself");
  static_assert(broken != sharing_rule::few_members,
                "shm: of a struct without a list 69 members are seen; group members into structs");
  static_assert(broken != sharing_rule::no_bit_field,
                "shm: this struct has a bit-field, which has no address, or is packed; use a whole "
                "integer, std::bitset, or #pragma pack in place of the attribute");
  static_assert(broken != sharing_rule::all_members,
                "shm: this struct has members or bytes that its Boost.Hana list leaves out: list "
                "every member, without alignas");
  static_assert(broken != sharing_rule::in_order,
                "shm: the members of this struct must be listed in the order of their declaration");
  static_assert(broken != sharing_rule::public_list,
                "shm: the Boost.Hana list of this class is private: move it to a public section");
  static_assert(broken != sharing_rule::own_list,
                "shm: the Boost.Hana list of this struct is inherited from a base class: list all "
                "members in the struct itself");
}

/// What a message calls a part.
template <char... Letters>
struct called;
struct whole_value;

template <class T, std::size_t I>
constexpr auto name_of_part() {
  if constexpr (has_list<T>) {
    return boost::hana::first(boost::hana::at_c<I>(boost::hana::accessors<T>()));
#if __cplusplus >= 202002L
  } else if constexpr (shows_members<T>()) {
    return []<std::size_t... At>(std::index_sequence<At...>) {
      return static_cast<called<member_name<T, I>[At]...>*>(nullptr);
    }
    (std::make_index_sequence<member_name<T, I>.size() - 1>());
#endif
  } else {
    return number<I>();
  }
}

template <class T>
inline constexpr T constructed{};

/// Asked only of a struct that has a bit-field: a reference to that is one to a copy, which ends
/// with its scope, and no constant expression can use it.
template <class T, std::size_t I, class = void>
inline constexpr bool has_address = false;
template <class T, std::size_t I>
inline constexpr bool has_address<
    T, I, std::enable_if_t<std::addressof(member_number<I>()(constructed<T>)) != nullptr>> = true;

/// No bit-field tells its name: which member the first one is, counted from 0.
template <class T, std::size_t I = 0>
constexpr auto number_of_bit_field() {
  if constexpr (I + 1 < member_count<T> && has_address<T, I>) {
    return number_of_bit_field<T, I + 1>();
  } else {
    return number<I>();
  }
}

/// Goes down to the member that breaks a rule.
template <class T, class Name, class Holder>
constexpr void refuse_part() {
  if constexpr (dimension<T>::is_array) {
    refuse_part<typename dimension<T>::element, Name, Holder>();
  } else if constexpr (std::is_const_v<T>) {
    refuse_part<std::remove_const_t<T>, Name, Holder>();
  } else if constexpr (broken_rule<T> == sharing_rule::by_a_member) {
    using types = typename parts_of<T>::types;
    constexpr std::size_t at = first_broken(types());
    refuse_part<typename types::template at<at>, decltype(name_of_part<T, at>()), T>();
  } else if constexpr (broken_rule<T> == sharing_rule::no_bit_field) {
    refuse_member<T, decltype(number_of_bit_field<T>()), T>();
  } else {
    refuse_member<T, Name, Holder>();
  }
}

/// Stops compilation with the rule that T breaks.
template <class T>
constexpr void check_shareable() {
  if constexpr (broken_rule<T> != sharing_rule::none_broken) {
    refuse_part<T, whole_value, whole_value>();
  } else {
    static_assert(fits_in_memory<T>(1), "shm: T is larger than an address space");
    static_assert(alignof(T) <= 4096, "shm: T must not be aligned more strictly than a page");
  }
}

}  // namespace detail

/// Whether a T may be shared: trivially copyable; no address, lock or atomic where that can be seen
/// (through arrays, std::optional, std::variant and the members of a struct); and a Boost.Hana
/// list, if there is one, that names every member in order.
template <class T>
inline constexpr bool is_shareable_v = detail::broken_rule<T> == detail::sharing_rule::none_broken;

}  // namespace shm

// ---- shm/schema/describe.hpp
// Describe: the schema of a T, written from its members.

namespace shm {

namespace detail {

inline constexpr bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

/// The PEP 3118 letter of an integer of that many bytes; 0: there is none.
constexpr char integer_code(std::size_t bytes, bool is_signed) noexcept {
  switch (bytes) {
    case 1: return is_signed ? 'b' : 'B';
    case 2: return is_signed ? 'h' : 'H';
    case 4: return is_signed ? 'i' : 'I';
    case 8: return is_signed ? 'q' : 'Q';
    default: return 0;
  }
}

template <class T>
constexpr char scalar_code() noexcept {
  if constexpr (std::is_enum_v<T>) {
    return scalar_code<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return '?';
  } else if constexpr (std::is_same_v<T, char>) {
    return 'c';
  } else if constexpr (std::is_integral_v<T>) {
    return integer_code(sizeof(T), std::is_signed_v<T>);
  } else if constexpr (std::is_same_v<T, float>) {
    return 'f';
  } else if constexpr (std::is_same_v<T, double>) {
    return 'd';
  } else if constexpr (std::is_same_v<T, long double>) {
    return 'g';
  } else {
    return 0;
  }
}

/// What a long double looks like is the machine's own affair: native, as PEP 3118 has it.
inline std::string byte_order_of(char code, std::size_t size) {
  if (code == 'g') return "@";
  if (size == 1) return "";
  return little_endian ? "<" : ">";
}

/// A T that is nowhere: only the distances between its members are asked for, and nothing is read
/// or written. A real one would make the program, or its memory, larger by sizeof(T).
template <class T>
const T& imagined() noexcept {
  std::uintptr_t address = std::uintptr_t{1} << 20;  // aligned for every T that may be shared
  __asm__("" : "+r"(address));                       // compilers warn of constant addresses
  return *reinterpret_cast<const T*>(address);
}

template <class T>
std::string format_of_members() {
  const T& whole = imagined<T>();
  const auto* const start = reinterpret_cast<const std::byte*>(std::addressof(whole));
  std::string text = "T{";
  std::size_t end = 0;
  for_each_member<T>([&](const char* name, auto accessor) {
    using member = member_type<T, decltype(accessor)>;
    // What holds nothing may lie where another member lies.
    if constexpr (std::is_empty_v<member> || sizeof(member) == 0) return;
    const auto* const address = reinterpret_cast<const std::byte*>(std::addressof(accessor(whole)));
    const auto offset = static_cast<std::size_t>(address - start);
    text += padding(offset - end) + format_of<member>() + ':' + name + ':';
    end = offset + sizeof(member);
  });
  return text + padding(sizeof(T) - end) + '}';
}

template <class T>
std::string format_of_array() {
  using element = typename dimension<T>::element;
  // One of no element takes bytes all the same, which its element's format would not count.
  if constexpr (dimension<T>::count == 0) return padding(sizeof(T));
  if constexpr (std::is_same_v<element, char>) return std::to_string(dimension<T>::count) + 's';
  return format_of_several(dimension<T>::count, format_of<element>());
}

template <class T>
std::string format_of() {
  if constexpr (dimension<T>::is_array) {
    return format_of_array<T>();
  } else if constexpr (described<T>::is) {
    return described<T>::format();
  } else if constexpr (has_members<T>) {
    return format_of_members<T>();
  } else if constexpr (scalar_code<T>() != 0) {
    return byte_order_of(scalar_code<T>(), sizeof(T)) + scalar_code<T>();
  } else {
    return padding(sizeof(T));  // opaque: size and alignment are all that is known
  }
}

/// Throws std::errc::invalid_argument for a type of more fields, or nested deeper, than a segment
/// can tell.
inline schema checked(schema&& made) {
  if (parse(made)) return std::move(made);
  throw error(std::make_error_code(std::errc::invalid_argument),
              "shm: this type has more than 4096 fields, or structs inside structs more than 16 "
              "deep; use arrays of structs, fewer levels, or several objects");
}

template <class T>
std::string notes_of() {
  constexpr std::size_t long_notes = 16 * 1024;
  std::string lines;
  add_notes<T>(lines, "");
  return lines.size() <= long_notes ? lines : without_enumerators(lines);
}

/// The schema of an array<T, N>.
template <class T, std::size_t N>
const schema& array_schema_of() {
  check_shareable<T>();
  static const schema known = checked(
      {'(' + std::to_string(N) + ')' + format_of<T>(), N * sizeof(T), alignof(T), notes_of<T>()});
  return known;
}

}  // namespace detail

/// What an object<T> stores beside the value, and compares when it is opened. Written at the first
/// call, which may throw std::bad_alloc, and std::errc::invalid_argument for a type of more than
/// 4096 fields or of structs nested more than 16 deep.
template <class T>
const schema& schema_of() {
  detail::check_shareable<T>();
  static const schema known =
      detail::checked({detail::format_of<T>(), sizeof(T), alignof(T), detail::notes_of<T>()});
  return known;
}

}  // namespace shm

// ---- shm/store/value.hpp
// Value: how a T is read out of bytes, and where the private draft of one lies while it is edited.

namespace shm::detail {

/// T as a parameter from which T is not deduced: the type of an object is always named.
template <class T>
struct named {
  using type = T;
};
template <class T>
using named_type = typename named<T>::type;

/// How often a reader that can lock is lapped by writers before it holds them up.
inline constexpr int tries_before_locking = 64;

/// The value that an object begins with, made in place: a large T does not fit on the stack.
template <class T>
void construct_initial(void* where) {
  // T{} is an error for an aggregate with a member whose default constructor is explicit; T() is
  // one for an aggregate with a const member, where g++ wants T{} to be said inside T().
  if constexpr (std::is_default_constructible_v<T>) {
    ::new (where) T();
  } else {
    ::new (where) T(T{});
  }
}

/// Whether a T may be made first and then written.
template <class T>
inline constexpr bool is_overwritable =
    std::is_default_constructible_v<T>&& std::is_copy_assignable_v<T>;

template <class T, class Fill>
T filled_in_place(Fill& fill) {
  T value;
  fill(static_cast<void*>(std::addressof(value)));
  return value;
}

template <class T, class Fill>
T filled_and_copied(Fill& fill) {
  alignas(T) std::byte bytes[sizeof(T)];
  fill(static_cast<void*>(bytes));
  return *std::launder(reinterpret_cast<T*>(bytes));
}

/// A T whose bytes `fill(void*)` writes; in place, where such a T may be made first and then
/// written.
template <class T, class Fill>
T value_from_bytes(Fill fill) {
  // Two functions, because compilers elide the copy only of a variable in the outermost scope.
  if constexpr (is_overwritable<T>) {
    return filled_in_place<T>(fill);
  } else {
    return filled_and_copied<T>(fill);
  }
}

/// The same, if fill(void*) tells that it found one.
template <class T, class Fill>
std::optional<T> value_if_filled(Fill fill) {
  if constexpr (is_overwritable<T>) {
    std::optional<T> value(std::in_place);
    if (!fill(static_cast<void*>(std::addressof(*value)))) value.reset();
    return value;
  } else {
    alignas(T) std::byte bytes[sizeof(T)];
    if (!fill(static_cast<void*>(bytes))) return std::nullopt;
    return *std::launder(reinterpret_cast<T*>(bytes));
  }
}

/// Stops compilation where a T of the caller may not be written as bytes.
template <class T>
constexpr void check_assignable() {
  static_assert(std::is_copy_assignable_v<T>,
                "shm: this T cannot be assigned, so nothing can be loaded into it: use load() or "
                "snapshot() without an argument");
}

/// Calls f(value) and returns what it returns, in place; then, unless f threw, calls after(), which
/// must not throw. By a flag: std::uncaught_exceptions() costs as much as a lock.
template <class F, class T, class After>
auto call_then(F&& f, T& value, After after) {
  struct end {
    After& after;
    bool thrown = false;
    ~end() {
      if (!thrown) after();
    }
  };
  end at_end{after};
  try {
    return std::forward<F>(f)(value);
  } catch (...) {
    at_end.thrown = true;
    throw;
  }
}

/// Private memory for one T, or several, that is too large for the stack; made when first needed,
/// then kept.
template <class T>
class draft_buffer {
 public:
  void* get(std::size_t number = 1) {
    if (!memory_) {
      memory_.reset(static_cast<std::byte*>(::operator new(number * sizeof(T), alignment)));
    }
    return memory_.get();
  }
  void release() noexcept { memory_.reset(); }

 private:
  static constexpr std::align_val_t alignment{alignof(T)};
  struct deleter {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, alignment); }
  };

  std::unique_ptr<std::byte, deleter> memory_;
};

/// What a snapshot of N elements, or of a number that is known at run time, is returned as.
template <class T, std::size_t N>
using all_elements = std::conditional_t<N == dynamic, std::vector<T>, std::array<T, N>>;

/// That many T, whose bytes `fill(void*)` writes.
template <class T, std::size_t N, class Fill>
all_elements<T, N> elements_from_bytes(std::size_t number, Fill fill) {
  if constexpr (N != dynamic) {
    return value_from_bytes<std::array<T, N>>(fill);
  } else if constexpr (is_overwritable<T> && !std::is_same_v<T, bool>) {
    std::vector<T> all(number);
    fill(static_cast<void*>(all.data()));
    return all;
  } else {
    draft_buffer<T> bytes;
    fill(bytes.get(number));
    const T* const first = std::launder(static_cast<const T*>(bytes.get()));
    return std::vector<T>(first, first + number);
  }
}

/// A T to be edited before it is published: inside the guard when small, else in the handle's
/// buffer, which the lock guards.
template <class T>
class draft {
 public:
  explicit draft(draft_buffer<T>& buffer) {
    if constexpr (!is_inline) storage_ = buffer.get();
  }

  T* get() noexcept { return std::launder(static_cast<T*>(bytes())); }
  const T* get() const noexcept { return const_cast<draft*>(this)->get(); }

  void* bytes() noexcept {
    if constexpr (is_inline) {
      return storage_.bytes;
    } else {
      return storage_;
    }
  }

 private:
  static constexpr bool is_inline = sizeof(T) <= 512;
  struct inline_storage {
    alignas(T) std::byte bytes[sizeof(T)];
  };

  std::conditional_t<is_inline, inline_storage, void*> storage_;
};

}  // namespace shm::detail

// ---- shm/store/array_plan.hpp
// Array plan: what the opener of an array expects to find, or makes, of fixed or any length.

namespace shm::detail {

/// What an array begins with.
struct first_elements {
  std::size_t count;
  const void* value;  ///< of each element; null where no value was given
};

/// Copies of the value that was given.
template <class T>
void copy_into_elements(std::byte* payload, const void* wanted) {
  const auto& first = *static_cast<const first_elements*>(wanted);
  std::byte* to = payload + run_time_array_shape::of<T>(first.count).elements_at;
  for (std::size_t i = 0; i < first.count; ++i, to += sizeof(T)) {
    std::memcpy(to, first.value, sizeof(T));
  }
}

/// A value-initialised T in every element.
template <class T>
void default_elements(std::byte* payload, const void* wanted) {
  const auto& first = *static_cast<const first_elements*>(wanted);
  std::byte* to = payload + run_time_array_shape::of<T>(first.count).elements_at;
  for (std::size_t i = 0; i < first.count; ++i, to += sizeof(T)) construct_initial<T>(to);
}

/// Returns 0 for a number of elements that no array has.
template <class T>
std::size_t array_payload_size(std::size_t elements) {
  if (elements == 0 || !fits_in_memory<T>(elements)) return 0;
  return run_time_array_shape::of<T>(elements).payload_size;
}

/// What the creator of an array makes, unless it finds the same. Has to live until the array is
/// open.
template <class T>
class array_plan {
 public:
  /// Every element begins with a copy of the value.
  array_plan(const schema& type, const T& initial)
      : array_plan(type, &copy_into_elements<T>, std::addressof(initial)) {}
  /// Every element begins with T{}.
  explicit array_plan(const schema& type) : array_plan(type, &default_elements<T>, nullptr) {}

  blueprint as_blueprint() const noexcept {
    const auto shape = run_time_array_shape::of<T>(first_.count);
    return {segment_kind::array,  &type_,     shape.payload_size,
            shape.part_alignment, construct_, &first_};
  }

 private:
  using constructor = void (*)(std::byte* payload, const void* wanted);

  array_plan(const schema& type, constructor construct, const T* initial)
      : type_(type), first_{type.size() / sizeof(T), initial}, construct_(construct) {}

  schema type_;
  first_elements first_;
  constructor construct_;
};

/// The schema of an array with a length that is given at run time. Throws std::invalid_argument,
/// limit_reached.
template <class T>
schema schema_of_given_length(const key& which, std::size_t elements) {
  if (elements == 0) throw std::invalid_argument("shm::array: an array has at least one element");
  if (!fits_in_memory<T>(elements)) {
    refuse(errc::limit_reached, {which.name(), which.segment_key()},
           std::to_string(elements) + " elements of " + std::to_string(sizeof(T)) +
               " bytes are larger than an address space");
  }
  return schema_of_length(array_schema_of<T, 1>(), elements);
}

/// Opens an array of N elements, or of any number where N is dynamic. Creates none.
template <class T, std::size_t N>
blueprint plan_for_opening() {
  constexpr std::size_t elements = N == dynamic ? 1 : N;
  const auto shape = run_time_array_shape::of<T>(elements);
  blueprint plan{segment_kind::array,
                 &array_schema_of<T, elements>(),
                 shape.payload_size,
                 shape.part_alignment,
                 nullptr,
                 nullptr};
  if constexpr (N == dynamic) plan.payload_size_of = &array_payload_size<T>;
  return plan;
}

}  // namespace shm::detail

// ---- shm/store/array_reader.hpp
// Array reader: loads elements without a lock, beside stores, bulk edits and the dead.

namespace shm::detail {

[[noreturn]] inline void refuse_damaged(const subject& about) {
  refuse(
      errc::damaged, about,
      "somebody died while editing the array in place through raw(), so elements may be "
      "half-written; a program that can repair them takes lock(), stores whole elements and calls "
      "mark_repaired()");
}

template <class Memory>
class array_reader {
 public:
  array_reader(const open_place& place, Memory& memory) noexcept
      : place_(place), memory_(memory), view_(memory) {}

  /// Never waits. False: lapped, or edited in place. Throws removed.
  bool try_load(std::size_t i, void* to) const {
    if (place_.is_removed()) refuse_removed(place_.about());
    const std::uint64_t bulk = memory_.bulk.load(std::memory_order_acquire);
    // The acquire fence in try_read orders the second look at the bulk sequence, too.
    return !view::is_odd(bulk) && view_.try_read(i, to) &&
           memory_.bulk.load(std::memory_order_relaxed) == bulk;
  }

  /// Blocks while a live process edits in place, at most until the deadline. Throws removed,
  /// damaged, timed_out.
  void wait_while_edited_in_place(const deadline& until) const {
    const std::uint64_t bulk = memory_.bulk.load(std::memory_order_acquire);
    if (!view::is_odd(bulk)) return;
    for (;;) {
      const status waited = place_.wait_a_moment_for_editor(until);
      if (memory_.bulk.load(std::memory_order_acquire) != bulk) return;
      if (place_.is_removed() || means_gone(waited.error_number)) refuse_removed(place_.about());
      // The kernel takes the editor's claim back when it dies: free, and still this odd number,
      // means that it died. After an exec its process keeps the claim, but not the lock.
      if (waited.ok() || (waited.error_number == EAGAIN && !place_.is_locked())) {
        if (memory_.bulk.load(std::memory_order_acquire) != bulk) return;
        refuse_damaged(place_.about());
      }
      if (waited.error_number != EAGAIN) {
        refuse_set_call("semop(raw)", waited.error_number, place_.about());
      }
      if (until.passed()) {
        refuse(errc::timed_out, place_.about(),
               "a live process edits the array in place through raw() and does not finish; look "
               "again later, or wait longer with options::open_timeout");
      }
    }
  }

  /// Copies all elements as they were at one moment. Returns false if any changed meanwhile. Waits
  /// and throws like wait_while_edited_in_place().
  bool try_snapshot(void* to, const deadline& until) const {
    wait_while_edited_in_place(until);
    std::uint64_t before[Memory::most_stripes];
    const std::uint64_t bulk = memory_.bulk.load(std::memory_order_acquire);
    for (std::size_t s = 0; s < memory_.stripes; ++s) before[s] = view_.sequence(s);
    for (std::size_t i = 0; i < memory_.count; ++i) {
      if (!try_load(i, static_cast<std::byte*>(to) + i * memory_.element_size)) return false;
    }
    // try_load ends with an acquire fence: every element was read before this second look.
    for (std::size_t s = 0; s < memory_.stripes; ++s) {
      if (view_.sequence(s) != before[s]) return false;
    }
    return memory_.bulk.load(std::memory_order_relaxed) == bulk;
  }

 private:
  using view = journalled_array_view<Memory>;

  const open_place& place_;
  Memory& memory_;
  view view_;
};

}  // namespace shm::detail

// ---- shm/store/array_core.hpp
// Array core: what a read-write handle of an array holds, and the order it keeps after a death.

namespace shm::detail {

[[noreturn, gnu::cold]] inline void refuse_index(std::size_t i, std::size_t elements) {
  throw std::out_of_range("shm::array: index " + std::to_string(i) + " of " +
                          std::to_string(elements) + " elements");
}

inline void check_index(std::size_t i, std::size_t elements) {
  if (i >= elements) refuse_index(i, elements);
}

[[noreturn, gnu::cold]] inline void refuse_span(std::size_t room, std::size_t elements) {
  throw std::invalid_argument("shm::array: a span of " + std::to_string(room) +
                              " elements for a snapshot of " + std::to_string(elements));
}

inline void check_span(std::size_t room, std::size_t elements) {
  if (room != elements) refuse_span(room, elements);
}

/// By the holder of the lock. Wakes all that wait for a change.
template <class Memory>
void store_element(header& head, const journalled_array_view<Memory>& view, std::size_t i,
                   const void* from) noexcept {
  announcement news(head);
  view.store(i, from, [&news] { news.of_next(); });
}

/// At every acquisition of an array's lock: what a dead holder left is put in order or noted.
template <class Memory>
void put_in_order(const connection& place, const journalled_array_view<Memory>& view) {
  // Relaxed throughout: only holders change it, and the lock orders them.
  std::atomic<std::uint32_t>& section = place.head().section;
  if ((section.load(std::memory_order_relaxed) & section_bit::entered) != 0) {
    section.store(section_bit::owner_died, std::memory_order_relaxed);
    crash_point("array: death noted");
  }
  if (!view.needs_repair()) return;
  // The dead holder may not have told of its store; and that an element is put back counts, too.
  announcement news(place.head());
  if (view.repair([&news] { news.of_next(); }) ==
      journalled_array_view<Memory>::repair_result::corrupt) {
    refuse(errc::corrupt, place.about(),
           "the journal names an element that there is not: somebody scribbled over the segment; "
           "remove it with shm::remove(name, shm::force)");
  }
}

/// By the holder, after an edit in place, or the repair of one. Wakes all that wait for a change.
template <class Memory>
void make_bulk_even(header& head, Memory& memory) noexcept {
  announcement news(head);
  const std::uint64_t odd =
      memory.bulk.load(std::memory_order_relaxed) | 1;  // even after a scribbler
  // Release: who sees even sees the edit.
  memory.bulk.store(odd + 1, std::memory_order_release);
  crash_point("array: bulk even");
  news.of_next();
}

/// What a handle of an array holds. Place: connection, with std::byte as Byte; or observer, with
/// const std::byte.
template <class Place, class Byte, class T, std::size_t N>
struct open_array {
  using parts_type = array_parts<Byte, T, N>;
  using memory_type = typename parts_type::memory_type;
  using view_type = journalled_array_view<memory_type>;
  using reader_type = array_reader<std::add_const_t<memory_type>>;

  template <class... How>
  explicit open_array(const How&... how) : place(how...), parts(place.payload(), place.facts()) {}

  closing close() noexcept { return place.close(); }
  std::size_t address_bytes() const noexcept { return place.address_bytes(); }

  memory_type& memory() const noexcept { return parts.in(place.payload()); }
  view_type view() const noexcept { return view_type(memory()); }
  reader_type reader() const noexcept { return {place, memory()}; }

  /// Calls use(place, version, words_of_change): what a thread looks at that waits for a change.
  template <class Use>
  auto watched(Use use) const {
    return use(
        place, [this] { return view().stores(); }, [this] { return view().words_of_change(); });
  }

  Place place;
  parts_type parts;
};

template <class T, std::size_t N>
using const_array_core = open_array<observer, const std::byte, T, N>;

/// What a read-write handle of an array holds; where a guard finds it although the handle moves.
template <class T, std::size_t N>
struct array_core : open_array<connection, std::byte, T, N> {
  using base = open_array<connection, std::byte, T, N>;
  using base::memory;
  using base::place;
  using base::view;

  void store(std::size_t i, const void* from) const noexcept {
    store_element(place.head(), view(), i, from);
  }

  array_core(const key& which, open_mode mode, const options& how, const blueprint& plan)
      : base(which, mode, how, &plan) {}

  closing close() noexcept {
    const closing how = base::close();
    if (how == closing::done) buffer.release();
    return how;
  }

  T* elements() const noexcept {
    return std::launder(static_cast<T*>(static_cast<void*>(memory().elements)));
  }
  std::atomic<std::uint32_t>& section() const noexcept { return place.head().section; }
  bool is_damaged() const noexcept {
    // Relaxed: only the holder of the lock calls it, and the lock orders holders.
    return base::view_type::is_odd(memory().bulk.load(std::memory_order_relaxed));
  }

  /// The lock, after whatever a dead holder left has been put in order or noted.
  held_lock acquire() {
    held_lock lock = held_lock::acquire(place);
    put_in_order(place, view());
    return lock;
  }
  /// Returns nothing if the deadline passed.
  std::optional<held_lock> acquire(const deadline& until) {
    return in_order(held_lock::acquire(place, until));
  }
  std::optional<held_lock> try_acquire() { return in_order(held_lock::try_acquire(place)); }

  draft_buffer<T> buffer;  // which a thread that holds the lock may be writing

 private:
  std::optional<held_lock> in_order(std::optional<held_lock>&& lock) {
    if (lock) put_in_order(place, view());
    return std::move(lock);
  }
};

}  // namespace shm::detail

// ---- shm/store/drafting_core.hpp
// Drafting core: an open read-write handle, and the buffer in which its changes are drafted.

namespace shm::detail {

/// What a read-write handle holds that drafts a T; where a guard finds it although the handle
/// moves.
template <class T>
struct drafting_core {
  drafting_core(const key& which, open_mode mode, const options& how, const blueprint& plan)
      : place(which, mode, how, &plan) {}

  closing close() noexcept {
    const closing how = place.close();
    if (how == closing::done) buffer.release();
    return how;
  }
  std::size_t address_bytes() const noexcept { return place.address_bytes(); }

  connection place;
  draft_buffer<T> buffer;  // which a thread that holds the lock may be writing
};

}  // namespace shm::detail

// ---- shm/store/table_writer.hpp
// Table writer: how the holder of the lock changes a table, one journalled slot after the other.

namespace shm::detail {

/// For the holder of the lock alone. `draft` is private memory for one slot.
///
/// An entry stays in its slot. A lookup begins at the home of its key and goes as far as the home's
/// reach says. So the reach is raised before an entry is stored beyond it, and lowered only after
/// one was erased: at every step it covers all entries of that home.
template <class Memory, class Shape>
class table_writer : private table_view<Memory, Shape> {
  using base = table_view<Memory, Shape>;

 public:
  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  /// The version in the header is the number of changes so far.
  table_writer(Memory& memory, const Shape& shape, header& head) noexcept
      : base(memory, shape), head_(head) {}

  struct place {
    std::size_t home = 0;
    std::size_t slot = nowhere;       ///< where the key lies
    std::size_t free_slot = nowhere;  ///< the nearest within reach, if the key lies nowhere

    bool is_found() const noexcept { return slot != nowhere; }
  };

  place find(const std::byte* key) const noexcept {
    place found{base::home_of(key), nowhere, nowhere};
    const std::size_t reach = reach_of(found.home);
    for (std::size_t distance = 0; distance <= reach; ++distance) {
      const std::size_t i = base::behind(found.home, distance);
      const bool is_used = head_of(i).state == slot_state::used;
      if (!is_used && found.free_slot == nowhere) found.free_slot = i;
      if (is_used && base::has_key(bytes_of(i), key)) {
        found.slot = i;
        break;
      }
    }
    return found;
  }

  std::uint64_t size() const noexcept {
    return base::memory_.counts.size.load(std::memory_order_relaxed);
  }

  void copy_slot(std::size_t i, std::byte* draft) const noexcept {
    load_shared<base::alignment>(draft, bytes_of(i), base::memory_.slots.element_size);
  }

  /// The value of an entry that is there.
  void replace(std::size_t i, const std::byte* draft) noexcept { change(i, draft, size()); }

  /// Precondition: the key lies nowhere. fill(draft) writes key and value. False: no slot is free.
  template <class Fill>
  bool insert(const place& where, std::byte* draft, Fill fill) noexcept {
    std::size_t target = where.free_slot;
    if (target == nowhere) {
      std::size_t distance = reach_of(where.home) + 1;
      while (distance < base::slots() && is_used(base::behind(where.home, distance))) ++distance;
      if (distance >= base::slots()) return false;
      set_reach(where.home, distance, draft);
      target = base::behind(where.home, distance);
    }
    const slot_head head{head_of(target).reach, slot_state::used};
    std::memset(draft, 0, base::memory_.slots.element_size);
    std::memcpy(draft, &head, sizeof head);
    fill(draft);
    change(target, draft, size() + 1);
    return true;
  }

  void erase(const place& where, std::byte* draft) noexcept {
    const slot_head head{head_of(where.slot).reach, slot_state::free};
    std::memset(draft, 0, base::memory_.slots.element_size);
    std::memcpy(draft, &head, sizeof head);
    change(where.slot, draft, std::max<std::uint64_t>(size(), 1) - 1);
    const std::size_t needed = needed_reach(where.home, draft);
    if (needed < reach_of(where.home)) set_reach(where.home, needed, draft);
  }

  /// At every acquisition of the lock. Killed at any step, the next one does it again. False: the
  /// words make no sense.
  bool repair() noexcept {
    // Relaxed: only holders change them, and the lock orders holders.
    const std::uint64_t changing = base::memory_.counts.changing.load(std::memory_order_relaxed);
    if (changing > base::slots()) return false;
    if (changing != 0) {
      const table_counts& counts = base::memory_.counts;
      // The slot is put back afterwards, because that gives it the number of a commit.
      if (base::sequence_of(static_cast<std::size_t>(changing - 1)) ==
          counts.committing.load(std::memory_order_relaxed)) {
        announcement news(head_);
        conclude(counts.next_size.load(std::memory_order_relaxed),
                 counts.next_version.load(std::memory_order_relaxed), news);
      } else {
        forget_change();
      }
    }
    return !base::slots_.needs_repair() ||
           base::slots_.repair([] {}) == base::slots_view::repair_result::done;
  }

 private:
  const std::byte* bytes_of(std::size_t i) const noexcept { return base::slots_.element(i); }
  slot_head head_of(std::size_t i) const noexcept { return base::head_in(bytes_of(i)); }
  bool is_used(std::size_t i) const noexcept { return head_of(i).state == slot_state::used; }
  std::size_t reach_of(std::size_t home) const noexcept {
    return base::checked_reach(head_of(home));
  }

  /// The distance of the farthest entry of that home.
  std::size_t needed_reach(std::size_t home, std::byte* draft) const noexcept {
    for (std::size_t distance = reach_of(home); distance > 0; --distance) {
      copy_slot(base::behind(home, distance), draft);
      const bool is_of_home = base::head_in(draft).state == slot_state::used &&
                              base::home_of(draft + base::shape_.key_at) == home;
      if (is_of_home) return distance;
    }
    return 0;
  }

  /// Changes no entry.
  void set_reach(std::size_t home, std::size_t reach, std::byte* draft) noexcept {
    copy_slot(home, draft);
    const auto stored = static_cast<std::uint32_t>(reach);
    std::memcpy(draft + offsetof(slot_head, reach), &stored, sizeof stored);
    crash_point("map: before reach");
    base::slots_.store(home, draft, [] {});
    crash_point("map: reach stored");
  }

  /// Stores slot, size and version as one: they count from the commit of the slot on.
  void change(std::size_t i, const std::byte* draft, std::uint64_t next_size) noexcept {
    table_counts& counts = base::memory_.counts;
    crash_point("map: before change");
    // Release fence: the change before is over before a word of this one is seen.
    std::atomic_thread_fence(std::memory_order_release);
    counts.next_size.store(next_size, std::memory_order_relaxed);
    crash_point("map: next size stored");
    const std::uint64_t next_version = head_.version.load(std::memory_order_relaxed) + 1;
    counts.next_version.store(next_version, std::memory_order_relaxed);
    crash_point("map: next version stored");
    counts.committing.store(base::slots_view::committing(base::sequence_of(i)),
                            std::memory_order_relaxed);
    crash_point("map: committing number stored");
    // Release: a process that sees the change sees its three words.
    counts.changing.store(i + 1, std::memory_order_release);
    crash_point("map: change begun");
    announcement news(head_);
    base::slots_.store(i, draft, [] {});
    conclude(next_size, next_version, news);
  }

  /// Killed at any step, a repair does it again.
  void conclude(std::uint64_t size, std::uint64_t version, announcement& news) noexcept {
    // Release: the slot is committed.
    base::memory_.counts.size.store(size, std::memory_order_release);
    crash_point("map: size stored");
    news.of(version);
    crash_point("map: version stored");
    forget_change();
  }

  void forget_change() noexcept {
    // Release: no change means that size and version are stored.
    base::memory_.counts.changing.store(0, std::memory_order_release);
    crash_point("map: change over");
  }

  header& head_;
};

}  // namespace shm::detail

// ---- shm/store/table_core.hpp
// Table core: what a handle of a map holds, and the order that it keeps after a death.

namespace shm::detail {

template <class Key, class Value, std::size_t N>
constexpr void check_map() {
  static_assert(N > 0, "shm: a map has room for at least one entry");
  static_assert(N <= std::size_t{1} << 31, "shm: a map has room for at most 2^31 entries");
  static_assert(identifying_bytes<Key> != 0,
                "shm: a Key is compared by its bytes, so equal keys must have equal bytes: no "
                "floating point, and no padding; see std::has_unique_object_representations");
  static_assert(!std::is_array_v<Key> && !std::is_array_v<Value>,
                "shm: a C array cannot be returned; use std::array");
  check_shareable<Key>();
  check_shareable<Value>();
  static_assert(fits_in_memory<slot<Key, Value>>(slots_for(N)),
                "shm: a map of N entries is larger than an address space");
}

/// The schema tells the number of entries, and not that of the slots.
template <class Key, class Value, std::size_t N>
blueprint map_blueprint() {
  check_map<Key, Value, N>();
  using memory = table_memory<Key, Value, N>;
  using shape = slot_shape<Key, Value>;
  static_assert(sizeof(slot<Key, Value>) ==
                round_up(shape::value_at + sizeof(Value), alignof(slot<Key, Value>)));
  return {segment_kind::map, &array_schema_of<slot<Key, Value>, N>(), sizeof(memory),
          alignof(memory),   [](std::byte*, const void*) {},          nullptr};
}

template <class Key>
const std::byte* bytes_of_key(const Key& key) noexcept {
  return reinterpret_cast<const std::byte*>(std::addressof(key));
}

[[noreturn, gnu::cold]] inline void refuse_full(const subject& about, std::size_t entries) {
  refuse(errc::limit_reached, about,
         "the map is full: it was made for " + std::to_string(entries) +
             (entries == 1 ? " entry; erase it" : " entries; erase one") +
             ", or make a map with a larger N under another name");
}

[[noreturn, gnu::cold]] inline void refuse_corrupt_map(const subject& about) {
  refuse(
      errc::corrupt, about,
      "the map's bookkeeping makes no sense: somebody scribbled over the segment; remove it with "
      "shm::remove(name, shm::force)");
}

[[noreturn, gnu::cold]] inline void refuse_restless_map(const subject& about) {
  refuse(errc::timed_out, about,
         "the map never stood still for one snapshot within options::open_timeout; take it from a "
         "read-write handle, which locks");
}

/// The size as it was at one moment. Throws removed.
template <class Table>
std::size_t size_of(const open_place& place, const Table& table, std::size_t most) {
  std::uint64_t size = 0;
  do {
    if (place.is_removed()) refuse_removed(place.about());
  } while (!table.try_size(size));
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, most));
}

/// The number of changes at one moment.
template <class Table>
std::uint64_t version_of(const open_place& place, const Table& table) noexcept {
  std::uint64_t version = 0;
  while (!table.try_version(place.head().version, version)) {
  }
  return version;
}

/// False: it did not stand still.
template <class Key, class Value, class Table>
bool try_snapshot(const Table& table, std::vector<std::pair<Key, Value>>& into) {
  using shape = slot_shape<Key, Value>;
  into.clear();
  return table.try_take_all([&into](const std::byte* slot) {
    into.emplace_back(value_from_bytes<Key>([slot](void* to) {
                        load_shared<alignof(Key)>(to, slot + shape::key_at, sizeof(Key));
                      }),
                      value_from_bytes<Value>([slot](void* to) {
                        load_shared<alignof(Value)>(to, slot + shape::value_at, sizeof(Value));
                      }));
  });
}

/// What a read-write handle of a map holds.
template <class Key, class Value, std::size_t N>
struct table_core : drafting_core<slot<Key, Value>> {
  using memory_type = table_memory<Key, Value, N>;
  using shape_type = slot_shape<Key, Value>;
  using slot_type = slot<Key, Value>;
  using writer_type = table_writer<memory_type, shape_type>;

  using drafting_core<slot_type>::drafting_core;
  using drafting_core<slot_type>::place;

  memory_type& memory() const noexcept {
    return *static_cast<memory_type*>(static_cast<void*>(place.payload()));
  }
  table_view<const memory_type, shape_type> table() const noexcept { return {memory(), {}}; }
  writer_type writer() const noexcept { return {memory(), {}, place.head()}; }

  /// The lock, after whatever a dead holder left has been put in order.
  held_lock acquire() {
    held_lock lock = held_lock::acquire(place);
    put_in_order();
    return lock;
  }
  /// Returns nothing if the deadline passed.
  std::optional<held_lock> acquire(const deadline& until) {
    std::optional<held_lock> lock = held_lock::acquire(place, until);
    if (lock) put_in_order();
    return lock;
  }
  std::optional<held_lock> try_acquire() {
    std::optional<held_lock> lock = held_lock::try_acquire(place);
    if (lock) put_in_order();
    return lock;
  }

 private:
  void put_in_order() {
    if (!writer().repair()) refuse_corrupt_map(place.about());
  }
};

}  // namespace shm::detail

// ---- shm/sync/watch_point.hpp
// Watch point: what a thread looks at, asks for and sleeps at when it waits for a change.

namespace shm::detail {

/// Beside the version in the header: words of an array or map that a change is seen by before the
/// version is stored. A writer can die in between.
using words_of_change = futex_list<3>;

/// A thread that waits for a change sleeps at several words at once. The kernel queues it at one
/// after the other, and compares each, so their order matters:
///
/// - the bell, which publishers ring;
/// - the alarm, where the kernel wakes one sleeper when a publisher dies, or another sleeper that
///   was woken there; the one woken rings for the dead;
/// - the version, the life word, and the words of a change. Nobody is woken there. A change that is
///   stored before the comparison is met by it; a publisher that stores one later, and dies, meets
///   the thread at the alarm.
class watch_point {
 public:
  static constexpr std::size_t most_compared = 5;

  /// The words that tell, as they were before the thread looked at the version.
  struct glance {
    std::uint64_t life;
    std::uint64_t version;
    std::uint32_t bell;
    words_of_change change;
  };

  explicit watch_point(const open_place& place) noexcept : place_(place) {}

  const open_place& place() const noexcept { return place_; }

  template <class WordsOfChange>
  glance look(const WordsOfChange& words) const noexcept {
    const header& head = place_.head();
    // Acquire: what is looked at next is not older than these.
    return {head.life.load(std::memory_order_acquire), head.version.load(std::memory_order_acquire),
            head.bell.load(std::memory_order_acquire), words()};
  }

  /// Asks the publishers of later versions than that one to ring. The caller must then call
  /// process::barrier_everywhere(), and look at the version again: either a publisher sees that it
  /// is asked, or the caller sees its version. Returns false if this user may not ask.
  bool ask_to_ring(std::uint64_t past) const {
    if (place_.sleeping().is_closed()) return false;  // by exit(): nothing may be written there
    // Relaxed: the barrier orders it, whichever thread raised it.
    if (place_.head().watched.load(std::memory_order_relaxed) > past) return true;
    // Attaching for it takes time, so it is done for many versions at once.
    const std::uint64_t versions = place_.may_write() ? 1 : horizon;
    const bool is_asked =
        place_.edit_header([&](header& head) { raise(head.watched, past + versions); });
    crash_point("wait: watched raised");
    return is_asked;
  }

  futex_seen bell(const glance& before) const noexcept {
    return {&place_.head().bell, before.bell};
  }
  futex_seen alarm() const noexcept { return {&place_.head().alarm, 0}; }

  /// Whether the kernel wakes one of those that sleep at the alarm when a publisher dies, and when
  /// this thread dies that was woken there. A thread that could not hand the alarm on must not take
  /// it. With another value than 0, which somebody has scribbled there, the kernel does not either.
  bool has_alarm() const noexcept {
    // Relaxed: it never changes.
    return alarm_on_death::works() && place_.head().alarm.load(std::memory_order_relaxed) == 0;
  }

  /// Adds the words at which nobody is woken.
  template <std::size_t Most>
  void add_compared(const glance& before, futex_list<Most>& list) const noexcept {
    list.add(low_half(place_.head().version, before.version));
    list.add(low_half(place_.head().life, before.life));
    for (const futex_seen& one : before.change) list.add(one);
  }

  static constexpr std::chrono::milliseconds longest_unsure{100};

  /// How long to sleep before looking again, woken or not. `rings`: whether publishers were asked
  /// to, and the barrier was made.
  deadline next_look(bool rings) const noexcept {
    if (!rings) return deadline::after(std::chrono::milliseconds(1));
    return has_alarm() ? deadline::after(longest_sleep) : deadline::after(longest_unsure);
  }

 private:
  static constexpr std::uint64_t horizon = 256;

  /// It never falls: what a publisher lowers could be the wish of another thread.
  static void raise(std::atomic<std::uint64_t>& watched, std::uint64_t to) noexcept {
    // Relaxed: the barrier of the caller orders it.
    std::uint64_t seen = watched.load(std::memory_order_relaxed);
    while (seen < to && !watched.compare_exchange_weak(seen, to, std::memory_order_relaxed)) {
    }
  }

  const open_place& place_;
};

}  // namespace shm::detail

// ---- shm/sync/watch.hpp
// Watch: how a thread waits for a change of one object.

namespace shm::detail {

class watch {
 public:
  explicit watch(const open_place& place) noexcept : point_(place) {}

  /// Blocks until version() is another than `seen`, and returns it. Returns nothing if the deadline
  /// passed. Throws removed.
  template <class Version, class WordsOfChange>
  std::optional<std::uint64_t> wait(std::uint64_t seen, const deadline& until, Version version,
                                    WordsOfChange words) const {
    const sleepers::one here(point_.place().sleeping());
    for (;;) {
      const watch_point::glance before = point_.look(words);
      if (point_.place().is_removed()) refuse_removed(point_.place().about());
      const std::uint64_t now = version();
      if (now != seen) return now;
      if (until.passed()) return std::nullopt;
      crash_point("wait: nothing seen");
      const bool rings = point_.ask_to_ring(before.version) && process::barrier_everywhere();
      // The change may have come before its publisher could see that it is asked.
      if (version() != seen) continue;
      const deadline next_look = until.or_earlier(point_.next_look(rings));
      if (here.may_sleep()) {
        sleep(before, next_look);
      } else {
        pause_for(watch_point::longest_unsure);  // exit() has closed the handle
      }
    }
  }
  /// The same, for what changes with the version in the header.
  std::optional<std::uint64_t> wait(std::uint64_t seen, const deadline& until) const {
    const header& head = point_.place().head();
    return wait(
        seen, until, [&head] { return head.version.load(std::memory_order_acquire); },
        [] { return words_of_change(); });
  }

 private:
  void sleep(const watch_point::glance& before, const deadline& until) const noexcept {
    const header& head = point_.place().head();
    futex_list<2 + watch_point::most_compared> list;
    list.add(point_.bell(before));
    const bool hears_alarm = point_.has_alarm();
    const std::size_t alarm = list.size();
    if (hears_alarm) list.add(point_.alarm());
    point_.add_compared(before, list);
    const alarm_on_death hand_on(head.alarm);
    crash_point("wait: before sleep");
    const result<std::size_t> woken = futex::wait_any(list, until);
    crash_point("wait: woken");
    if (woken.ok() && hears_alarm && woken.value == alarm) {
      ring_for_another(head);
      crash_point("wait: rung for the dead");
    }
    if (futex::is_refused(woken.error_number)) sleep_at_bell(before, until);
  }

  /// Where the kernel cannot sleep at several words, or a sandbox refuses. A publisher that lives
  /// rings; what one has left that died is found by looking again.
  void sleep_at_bell(const watch_point::glance& before, const deadline& until) const noexcept {
    const deadline slice = deadline::after(watch_point::longest_unsure);
    const status slept = futex::wait(point_.bell(before), until.or_earlier(slice));
    if (futex::is_refused(slept.error_number)) pause_for(std::chrono::milliseconds(1));
  }

  watch_point point_;
};

}  // namespace shm::detail

// ---- shm/watchable.hpp
// Watchable: what every handle offers to programs that wait for a change.

namespace shm {

class watcher;

/// The waiting functions of objects, arrays and maps, read-only and untyped handles included:
///
///     shm::object<const command> wanted("wanted");
///     for (std::uint64_t seen = wanted.version();; seen = wanted.wait(seen)) {
///       obey(wanted.load());
///     }
///
/// A thread that waits sleeps in the kernel. It is woken when a change is published, also if the
/// publisher or another waiting thread is killed meanwhile; a change that was published before it
/// slept is never missed. Several changes may be met by one wake-up. Any number of threads may wait
/// through one handle, and for one object.
///
/// A read-only handle is woken just as fast if its user may write the object too, or if the object
/// was created with options::wake_readers. Otherwise the thread looks again every millisecond.
///
/// A process that should wake others, and is stopped (SIGSTOP, a debugger) just then, delays them
/// by up to a second: then each looks again.
///
/// Through a sandbox that refuses the system call membarrier the thread looks again every
/// millisecond, too; on a kernel older than 5.16, and where the C library registers no list of
/// robust mutexes (musl), every 100 milliseconds.
template <class Handle>
class watchable {
 public:
  /// Blocks until the version is another than `seen`, and returns it. Returns at once if it is
  /// another already. The calling thread must not hold the lock of the object. Throws shm::error:
  /// removed, if the object is removed before or meanwhile.
  std::uint64_t wait(std::uint64_t seen) const { return *changed(seen, detail::deadline::never()); }

  /// Like wait(), but returns false if the version is still `seen` after that time. With a span of
  /// 0 it never blocks.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> span, std::uint64_t seen) const {
    return changed(seen, detail::deadline::after(span)).has_value();
  }

 protected:
  /// @cond
  watchable() = default;
  watchable(watchable&&) = default;
  watchable(const watchable&) = default;
  watchable& operator=(watchable&&) = default;
  watchable& operator=(const watchable&) = default;
  ~watchable() = default;

  /// Returns nothing if the deadline passed.
  std::optional<std::uint64_t> changed(std::uint64_t seen, const detail::deadline& until) const {
    return static_cast<const Handle&>(*this).watched(
        [&](const auto& place, auto version, auto words) {
          return detail::watch(place).wait(seen, until, version, words);
        });
  }

 private:
  friend class watcher;
  template <class Use>
  void watched_by(Use use) const {
    static_cast<const Handle&>(*this).watched(use);
  }
  /// @endcond
};

}  // namespace shm

// ---- shm/const_any.hpp
// Const any: objects, arrays and maps read without their type, which the segment itself tells.

namespace shm {

/// What is stored under a key, for reading: bytes, and the fields that they consist of. Attached
/// read-only; modifies no byte, no semaphore and no time in them; read permission is enough. Counts
/// as attached. Only waiting asks publishers to wake this process, where its user may write.
class const_any_object : public watchable<const_any_object> {
 public:
  /// Blocks while a live process creates or removes the object, at most options::open_timeout.
  /// Throws what the constructors of object<const T> throw, without type_mismatch and
  /// kind_mismatch.
  explicit const_any_object(const key& which, const options& how = {})
      : const_any_object(std::shared_ptr<const detail::open_place>(
            new detail::observer(which, how, nullptr, detail::waiting::by_looking_again),
            detail::closer<detail::observer>())) {}

  object_kind kind() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::object: return object_kind::object;
      case detail::segment_kind::array: return object_kind::array;
      case detail::segment_kind::map: return object_kind::map;
      case detail::segment_kind::semaphore: return object_kind::semaphore;
      case detail::segment_kind::mutex: break;
    }
    return object_kind::mutex;
  }
  /// Valid as long as the handle.
  std::string_view name() const noexcept { return place_->name(); }
  /// The schema of the whole object; of an array, its number of elements included.
  const schema& type() const noexcept { return held_.type; }
  /// The value's fields, or those of each element; of a map's entry, key and value; of a mutex or
  /// semaphore there are none.
  const field& value() const noexcept { return held_.value; }
  /// Elements of an array, 1 of an object, 0 of a mutex or semaphore; how many entries a map has
  /// room for.
  std::size_t size() const noexcept { return held_.count; }
  /// Bytes of the value, or of each element or entry.
  std::size_t element_size() const noexcept { return held_.element_size; }

  /// How many values were published; of an array, elements stored; of a map, changes; of a mutex,
  /// notifications; of a semaphore 0.
  std::uint64_t version() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::array: {
        const memory_type elements = memory();
        return reader_view(elements).stores();
      }
      case detail::segment_kind::map: {
        const table_memory entries(place_->payload(), held_.table_shape());
        return detail::version_of(*place_, table_type(entries, held_.entry));
      }
      case detail::segment_kind::object:
      case detail::segment_kind::semaphore:
      case detail::segment_kind::mutex: break;
    }
    // Acquire: what the caller reads next is not older than the version it was told.
    return place_->head().version.load(std::memory_order_acquire);
  }

  /// Returns a whole value, or a whole element. Lock-free beside updates. While a live process
  /// edits an array in place, looks again every millisecond, at most for options::open_timeout.
  /// Throws std::out_of_range, of a map always; shm::error: removed, damaged, timed_out.
  std::vector<std::byte> load(std::size_t i = 0) const {
    check_index(i);
    std::vector<std::byte> bytes(element_size());
    if (held_.kind == detail::segment_kind::object) {
      const detail::versioned_cell<detail::run_time_cell_shape> cell(held_.cell_shape());
      do {
        if (place_->is_removed()) detail::refuse_removed(place_->about());
      } while (!cell.try_read(place_->head().version, place_->payload(), bytes.data()));
    } else {
      const auto until = detail::deadline::after(place_->open_timeout());
      const memory_type elements = memory();
      const reader_type reader(*place_, elements);
      while (!reader.try_load(i, bytes.data())) reader.wait_while_edited_in_place(until);
    }
    return bytes;
  }

  /// Returns the bytes of an element as they are, also while somebody edits them in place, and when
  /// load() throws damaged: they show what a dead editor left. Never waits. Throws
  /// std::out_of_range.
  std::vector<std::byte> load_damaged(std::size_t i) const {
    check_index(i);
    if (held_.kind != detail::segment_kind::array) return load(i);
    std::vector<std::byte> bytes(element_size());
    const memory_type elements = memory();
    detail::load_shared<1>(bytes.data(), reader_view(elements).element(i), bytes.size());
    return bytes;
  }

  /// Returns the entry of a map that has this key, whole, or nothing. Lock-free beside changes. The
  /// key is given as it lies in an entry. Throws std::invalid_argument when its number of bytes is
  /// another, or this is no map; shm::error: removed.
  std::optional<std::vector<std::byte>> find(gsl::span<const std::byte> key) const {
    check_key(key);
    const detail::run_time_slot_shape& shape = held_.entry;
    std::vector<std::byte> entry(element_size());
    std::memcpy(entry.data() + shape.key_at, key.data(), key.size());
    const table_memory entries(place_->payload(), held_.table_shape());
    const table_type table(entries, shape);
    for (;;) {
      if (place_->is_removed()) detail::refuse_removed(place_->about());
      const auto seen =
          table.find(key.data(), entry.data() + shape.value_at, detail::tries_before_locking);
      if (seen == detail::lookup::absent) return std::nullopt;
      if (seen == detail::lookup::found) return entry;
    }
  }

  /// Returns all elements, or all entries that a map holds, as they were at one moment. Throws the
  /// same errors as load(), and timed_out if the array or map never stands still for long enough
  /// within options::open_timeout.
  std::vector<std::byte> snapshot() const {
    if (held_.kind == detail::segment_kind::map) return snapshot_of_map();
    if (held_.kind != detail::segment_kind::array) return load();
    std::vector<std::byte> bytes(held_.type.size());
    const memory_type elements = memory();
    const reader_type reader(*place_, elements);
    const auto until = detail::deadline::after(place_->open_timeout());
    while (!reader.try_snapshot(bytes.data(), until)) {
      if (!until.passed()) continue;
      detail::refuse(errc::timed_out, place_->about(),
                     "the array never stood still for one snapshot within options::open_timeout; "
                     "load its elements one by one");
    }
    return bytes;
  }

 private:
  friend class any_object;
  using memory_type = detail::run_time_array_memory<const std::byte>;
  using reader_type = detail::array_reader<const memory_type>;
  using table_memory = detail::run_time_table_memory<const std::byte>;
  using table_type = detail::table_view<const table_memory, detail::run_time_slot_shape>;
  using reader_view = detail::journalled_array_view<const memory_type>;

  friend class watchable<const_any_object>;
  template <class Use>
  auto watched(Use use) const {
    return use(
        *place_, [seen = *this] { return seen.version(); },
        [seen = *this] { return seen.words_of_change(); });
  }

  detail::words_of_change words_of_change() const noexcept {
    switch (held_.kind) {
      case detail::segment_kind::array: {
        const memory_type elements = memory();
        return reader_view(elements).words_of_change();
      }
      case detail::segment_kind::map: {
        const table_memory entries(place_->payload(), held_.table_shape());
        return table_type(entries, held_.entry).words_of_change();
      }
      case detail::segment_kind::object:
      case detail::segment_kind::semaphore:
      case detail::segment_kind::mutex: break;
    }
    return {};
  }

  /// Everything that this class tells comes from the facts that the place was opened by. The header
  /// is not read a second time, because others may have changed it meanwhile.
  explicit const_any_object(std::shared_ptr<const detail::open_place> place)
      : place_(std::move(place)),
        held_(detail::run_time_type::in(place_->head(), place_->facts(), place_->about())) {}

  std::vector<std::byte> snapshot_of_map() const {
    const table_memory entries(place_->payload(), held_.table_shape());
    const table_type table(entries, held_.entry);
    const auto until = detail::deadline::after(place_->open_timeout());
    std::vector<std::byte> bytes;
    const auto take = [&](const std::byte* slot) {
      bytes.resize(bytes.size() + element_size());
      detail::load_shared<1>(bytes.data() + bytes.size() - element_size(), slot, element_size());
    };
    for (;;) {
      if (place_->is_removed()) detail::refuse_removed(place_->about());
      if (table.try_take_all(take)) return bytes;
      bytes.clear();
      if (until.passed()) detail::refuse_restless_map(place_->about());
    }
  }

  memory_type memory() const {
    return {place_->payload(), held_.array_shape(), held_.count, held_.element_size};
  }

  void check_key(gsl::span<const std::byte> key) const {
    if (held_.kind != detail::segment_kind::map) {
      throw std::invalid_argument("shm::any_object: only a map has keys");
    }
    const field& of_key = held_.value.members[0];
    if (key.size() == of_key.size * of_key.count()) return;
    throw std::invalid_argument("shm::any_object: " + std::to_string(key.size()) +
                                " bytes for a key of " +
                                std::to_string(of_key.size * of_key.count()));
  }

  void check_index(std::size_t i) const {
    if (held_.kind == detail::segment_kind::map) {
      throw std::out_of_range("shm::any_object: a map has no index; look for a key");
    }
    if (i < size()) return;
    throw std::out_of_range("shm::any_object: index " + std::to_string(i) + " of " +
                            std::to_string(size()) + " elements");
  }

  std::shared_ptr<const detail::open_place> place_;
  detail::run_time_type held_;
};

}  // namespace shm

// ---- shm/sync/death_note.hpp
// Death note: what later holders are told of a holder that died, until somebody has repaired.

namespace shm::detail {

/// The caller must have just taken the mutex over. If it is killed before this, the next holder
/// takes over from it, and notes the death. Threads that wait on the mutex are notified.
inline void note_death_in_mutex(header& head) noexcept {
  announcement news(head);
  // Release: a process that is told sees what the dead holder left.
  head.section.fetch_or(section_bit::owner_died, std::memory_order_release);
  crash_point("mutex: death noted");
  news.of_one_more();
}

/// The caller must hold the lock.
inline void note_repair_of_mutex(header& head) noexcept {
  // Release: a process that sees it repaired sees the repair.
  head.section.fetch_and(~section_bit::owner_died, std::memory_order_release);
  crash_point("mutex: marked repaired");
}

/// The caller must hold the lock, and no element may be half-written any more.
inline void note_repair_of_array(header& head) noexcept {
  crash_point("array: bulk repaired");
  // Release: a process that sees it repaired sees the repair.
  head.section.fetch_and(~section_bit::owner_died, std::memory_order_release);
  crash_point("array: marked repaired");
}

}  // namespace shm::detail

// ---- shm/any.hpp
// Any: objects, arrays and maps changed without their type, which the segment itself tells.

namespace shm {

/// An object, array or map to be changed without its type, by the protocols of object, array and
/// map: a crash leaves the value (the element) before, or the new one. Takes a seat.
class any_object : public watchable<any_object> {
 public:
  /// Opens the object that is there. Never creates, removes or resets an object. If the semaphores
  /// were removed while others have the object open, throws errc::in_use; if nobody has, they are
  /// made anew. Blocks and throws like the constructors of object, without type_mismatch and
  /// kind_mismatch.
  explicit any_object(const key& which, const options& how = {})
      : place_(new detail::connection(which, detail::open_mode::open_as_it_is, how, nullptr),
               detail::closer<detail::connection>()),
        seen_(place_) {}
  any_object(any_object&&) = default;
  any_object& operator=(any_object&&) = delete;

  /// The same object, for reading. A copy of it keeps the handle open, and the seat with it.
  const const_any_object& read() const noexcept { return seen_; }

  /// Replaces the value, or element i. Throws std::out_of_range; std::invalid_argument when the
  /// number of bytes is another; shm::error: removed, would_deadlock, corrupt.
  void store(gsl::span<const std::byte> bytes, std::size_t i = 0) {
    if (bytes.size() != seen_.element_size()) {
      throw std::invalid_argument("shm::any_object: " + std::to_string(bytes.size()) +
                                  " bytes for a value of " + std::to_string(seen_.element_size()));
    }
    update(
        [&](gsl::span<std::byte> draft) {
          std::memcpy(draft.data(), bytes.data(), bytes.size());
          return true;
        },
        i);
  }

  /// Calls f(gsl::span<std::byte>) on a private draft under the lock, and publishes it when f
  /// returns true; tells what f returned. When f throws, nothing is published and the exception
  /// goes on. Blocks while another handle holds the lock. Throws the same errors as store().
  template <class F>
  bool update(F&& f, std::size_t i = 0) {
    return *update_within(detail::deadline::never(), std::forward<F>(f), i);
  }

  /// Like update(), but returns nothing if a live process holds the lock for that long.
  template <class Rep, class Period, class F>
  std::optional<bool> try_update_for(std::chrono::duration<Rep, Period> span, F&& f,
                                     std::size_t i = 0) {
    return update_within(detail::deadline::after(span), std::forward<F>(f), i);
  }

  /// Like try_update_for(), for the entry of a map that has this key: f gets all of the entry, of
  /// which only the value is stored. Returns false, without calling f, if the map does not hold the
  /// key. Throws std::invalid_argument when the key has another number of bytes, or this is no map.
  template <class Rep, class Period, class F>
  std::optional<bool> try_update_entry_for(std::chrono::duration<Rep, Period> span,
                                           gsl::span<const std::byte> key, F&& f) {
    seen_.check_key(key);
    const std::optional<detail::held_lock> lock = acquire(detail::deadline::after(span));
    if (!lock) return std::nullopt;
    table_memory entries(place_->payload(), held().table_shape());
    writer_type writer(entries, held().entry, place_->head());
    const auto where = writer.find(key.data());
    if (!where.is_found()) return false;
    std::vector<std::byte> entry(seen_.element_size());
    writer.copy_slot(where.slot, entry.data());
    std::vector<std::byte> draft = entry;
    if (!std::forward<F>(f)(gsl::span<std::byte>(draft))) return false;
    lock->require_held();
    const detail::run_time_slot_shape& shape = held().entry;
    std::memcpy(entry.data() + shape.value_at, draft.data() + shape.value_at, shape.value_size);
    writer.replace(where.slot, entry.data());
    return true;
  }

  /// Holds the lock of the object until the guard ends. Returns nothing if a live process holds it.
  /// Never blocks. Throws the same errors as store() except would_deadlock.
  [[nodiscard]] std::optional<detail::held_lock> try_lock() & {
    detail::acquisition how{};
    return in_order(detail::held_lock::try_acquire(*place_, how), how);
  }
  void try_lock() && = delete;  // keep the handle in a variable

  /// Like try_lock(), but returns nothing only if a live process holds the lock for that long.
  /// Throws the same errors as store().
  template <class Rep, class Period>
  [[nodiscard]] std::optional<detail::held_lock> try_lock_for(
      std::chrono::duration<Rep, Period> span) & {
    return acquire(detail::deadline::after(span));
  }
  template <class Span>
  void try_lock_for(Span) && = delete;  // keep the handle in a variable

  /// The same as read().version().
  std::uint64_t version() const noexcept { return seen_.version(); }

  /// Marks the data as repaired after a holder of a mutex or an array died, like their own
  /// mark_repaired(); an object or map never needs it. Blocks while another thread or process holds
  /// the lock; a crash leaves it marked or not. Throws the same errors as store().
  void mark_repaired() { static_cast<void>(mark_repaired_within(detail::deadline::never())); }

  /// Like mark_repaired(), but returns false if a live process holds the lock for that long.
  template <class Rep, class Period>
  [[nodiscard]] bool try_mark_repaired_for(std::chrono::duration<Rep, Period> span) {
    return mark_repaired_within(detail::deadline::after(span));
  }

 private:
  friend class watchable<any_object>;
  using cell = detail::versioned_cell<detail::run_time_cell_shape>;
  using memory_type = detail::run_time_array_memory<std::byte>;
  using view_type = detail::journalled_array_view<memory_type>;
  using table_memory = detail::run_time_table_memory<std::byte>;
  using writer_type = detail::table_writer<table_memory, detail::run_time_slot_shape>;

  template <class Use>
  auto watched(Use use) const {
    return seen_.watched(use);
  }

  bool mark_repaired_within(const detail::deadline& until) {
    const std::optional<detail::held_lock> lock = acquire(until);
    if (!lock) return false;
    if (held().kind == detail::segment_kind::mutex) detail::note_repair_of_mutex(place_->head());
    if (!is_array()) return true;
    memory_type elements = memory();
    if (view_type::is_odd(elements.bulk.load(std::memory_order_relaxed))) {
      detail::make_bulk_even(place_->head(), elements);
    }
    detail::note_repair_of_array(place_->head());
    return true;
  }

  const detail::run_time_type& held() const noexcept { return seen_.held_; }
  bool is_array() const noexcept { return held().kind == detail::segment_kind::array; }
  memory_type memory() const {
    return {place_->payload(), held().array_shape(), held().count, held().element_size};
  }

  /// Takes the lock, and then puts in order or notes what a dead holder left.
  std::optional<detail::held_lock> acquire(const detail::deadline& until) {
    detail::acquisition how{};
    return in_order(detail::held_lock::acquire(*place_, until, how), how);
  }

  /// `how` is read after the lock has been taken.
  std::optional<detail::held_lock> in_order(std::optional<detail::held_lock>&& lock,
                                            const detail::acquisition& how) {
    if (lock && is_array()) {
      memory_type elements = memory();
      detail::put_in_order(*place_, view_type(elements));
    }
    if (lock && held().kind == detail::segment_kind::map) {
      table_memory entries(place_->payload(), held().table_shape());
      if (!writer_type(entries, held().entry, place_->head()).repair()) {
        detail::refuse_corrupt_map(place_->about());
      }
    }
    const bool is_mutex = held().kind == detail::segment_kind::mutex;
    if (is_mutex && how == detail::acquisition::taken_over) {
      detail::note_death_in_mutex(place_->head());
    }
    return std::move(lock);
  }

  template <class F>
  std::optional<bool> update_within(const detail::deadline& until, F&& f, std::size_t i) {
    seen_.check_index(i);
    const std::optional<detail::held_lock> lock = acquire(until);
    if (!lock) return std::nullopt;
    std::vector<std::byte> draft(seen_.element_size());
    read_under_lock(i, draft.data());
    if (!std::forward<F>(f)(gsl::span<std::byte>(draft))) return false;
    lock->require_held();
    publish_under_lock(i, draft.data());
    return true;
  }

  void read_under_lock(std::size_t i, void* to) const {
    if (is_array()) {
      memory_type elements = memory();
      detail::load_shared<1>(to, view_type(elements).element(i), held().element_size);
    } else {
      cell(held().cell_shape()).read(place_->head().version, place_->payload(), to);
    }
  }

  void publish_under_lock(std::size_t i, const void* from) {
    if (is_array()) {
      memory_type elements = memory();
      detail::store_element(place_->head(), view_type(elements), i, from);
    } else {
      cell(held().cell_shape()).publish(place_->head(), place_->payload(), from);
    }
  }

  std::shared_ptr<detail::connection> place_;
  const_any_object seen_;
};

}  // namespace shm

// ---- shm/base/by_value.hpp
// By value: whether a function takes a copy of what it is to change.

namespace shm::detail {

template <class Function>
struct is_function_of_value : std::false_type {};
template <class Result, class T>
struct is_function_of_value<Result (*)(T)> : std::negation<std::is_reference<T>> {};
template <class Result, class T>
struct is_function_of_value<Result (*)(T) noexcept> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T)> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T) const> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T) noexcept> : is_function_of_value<Result (*)(T)> {};
template <class Result, class F, class T>
struct is_function_of_value<Result (F::*)(T) const noexcept> : is_function_of_value<Result (*)(T)> {
};

template <class F, class = void>
inline constexpr bool calls_with_value = is_function_of_value<std::decay_t<F>>::value;
template <class F>
inline constexpr bool calls_with_value<F, std::void_t<decltype(&F::operator())>> =
    is_function_of_value<decltype(&F::operator())>::value;

template <class F, class T, class = void>
inline constexpr bool calls_generically_with_value = false;
template <class F, class T>
inline constexpr bool
    calls_generically_with_value<F, T, std::void_t<decltype(&F::template operator()<T>)>> =
        is_function_of_value<decltype(&F::template operator()<T>)>::value;

/// Stops compilation where f, called with a T&, would change a copy. Nothing tells of a functor
/// with several overloads.
template <class F, class T>
constexpr void check_takes_reference() {
  using function = std::remove_cv_t<std::remove_reference_t<F>>;
  static_assert(!calls_with_value<function> && !calls_generically_with_value<function, T>,
                "shm: this function takes the value as a copy, so that its changes would be lost; "
                "let it take a reference: [](auto& value) { … }");
}

}  // namespace shm::detail

// ---- shm/locked_array.hpp
// Locked array: a scoped lock over all elements of an array.

namespace shm {

template <class T, std::size_t N>
class array_access;

/// A scoped lock over all elements of an array. Each store() is crash-atomic; a crash between
/// several leaves every element whole, and owner_died() true for the next ones until
/// mark_repaired(). In a forked child's copy the destructor does nothing, and what writes throws
/// operation_not_permitted.
template <class T, std::size_t N = dynamic>
class locked_array : public extent<N> {
  static_assert(dynamic == gsl::dynamic_extent);

 public:
  /// The lock moves with the guard.
  locked_array(locked_array&& other) noexcept
      : extent<N>(other),
        core_(other.core_),
        lock_(std::move(other.lock_)),
        raw_(std::exchange(other.raw_, raw_edit::none)) {}
  locked_array& operator=(locked_array&&) = delete;

  /// Never throws, never blocks.
  ~locked_array() {
    if (!lock_.is_held()) return;
    end_raw_edit();
    // Release: a process that sees the section left sees all that was stored in it.
    section().fetch_and(~detail::section_bit::entered, std::memory_order_release);
    detail::crash_point("array: section left");
  }

  /// The element itself, unchanged as long as this guard lives. Throws std::out_of_range.
  const T& operator[](std::size_t i) const {
    detail::check_index(i, this->size());
    return begin()[i];
  }

  /// Replaces one element. Never blocks; a crash leaves the element before or the new one. Throws
  /// std::out_of_range.
  void store(std::size_t i, const T& value) {
    detail::check_index(i, this->size());
    lock_.require_held();
    core_->store(i, std::addressof(value));
  }

  /// The elements themselves, unchanged by others as long as this guard lives.
  const T* begin() const noexcept { return core_->elements(); }
  /// Behind the last one.
  const T* end() const noexcept { return begin() + this->size(); }

  /// All elements, to be edited in place until the guard ends: fast, but a crash meanwhile may
  /// leave elements half-written. Then owner_died() is true, and load() throws errc::damaged, until
  /// a holder calls mark_repaired(). Never blocks, but readers wait meanwhile. Throws shm::error:
  /// removed.
  gsl::span<T, N> raw() {
    lock_.require_held();
    if (raw_ == raw_edit::none) begin_raw_edit();
    return gsl::span<T, N>(core_->elements(), this->size());
  }

  /// Whether an earlier holder died inside a locked section and nobody has repaired since. Never
  /// blocks.
  bool owner_died() const noexcept {
    return (section().load(std::memory_order_relaxed) & detail::section_bit::owner_died) != 0;
  }

  /// What the dead one left is in order again: load() works, owner_died() is false. After raw(),
  /// from the end of this guard on. Never blocks; a crash leaves it said or unsaid.
  void mark_repaired() {
    lock_.require_held();
    if (raw_ == raw_edit::of_damaged) {
      raw_ = raw_edit::of_whole;
    } else if (raw_ == raw_edit::none && core_->is_damaged()) {
      detail::make_bulk_even(core_->place.head(), core_->memory());
    }
    detail::note_repair_of_array(core_->place.head());
  }

 private:
  friend class array_access<T, N>;

  enum class raw_edit { none, of_whole, of_damaged };

  locked_array(detail::array_core<T, N>& core, detail::held_lock&& lock) noexcept
      : extent<N>(core.memory().count), core_(&core), lock_(std::move(lock)) {
    section().fetch_or(detail::section_bit::entered, std::memory_order_relaxed);
    // Release fence: whatever of this section is seen, or left behind, is seen with the flag.
    std::atomic_thread_fence(std::memory_order_release);
    detail::crash_point("array: section entered");
  }

  std::atomic<std::uint32_t>& section() const noexcept { return core_->section(); }
  std::atomic<std::uint64_t>& bulk() const noexcept { return core_->memory().bulk; }

  void begin_raw_edit() {
    // First the claim, which the kernel takes back should we die; then the sign for readers.
    const detail::status begun = core_->place.set().begin_raw_edit();
    // EAGAIN: the id names another set by now.
    if (detail::means_gone(begun.error_number) || begun.error_number == EAGAIN) {
      detail::refuse_removed(core_->place.about());
    }
    if (!begun.ok()) {
      detail::refuse_set_call("semop(raw)", begun.error_number, core_->place.about());
    }
    detail::crash_point("raw: claimed");
    raw_ = core_->is_damaged() ? raw_edit::of_damaged : raw_edit::of_whole;
    if (raw_ == raw_edit::of_whole) bulk().fetch_add(1, std::memory_order_relaxed);
    // Release fence: who sees a byte of the edit sees the odd number.
    std::atomic_thread_fence(std::memory_order_release);
    detail::crash_point("raw: bulk odd");
  }

  void end_raw_edit() noexcept {
    if (raw_ == raw_edit::none) return;
    if (raw_ == raw_edit::of_whole) {
      detail::make_bulk_even(core_->place.head(), core_->memory());
    }
    // Fails only when the set is gone, and the claim with it.
    static_cast<void>(core_->place.set().end_raw_edit());
    detail::crash_point("raw: claim given back");
  }

  detail::array_core<T, N>* core_;
  detail::held_lock lock_;
  raw_edit raw_ = raw_edit::none;
};

}  // namespace shm

// ---- shm/array_access.hpp
// Array access: what programs do with an array that they may write, of fixed or dynamic length.

namespace shm {

/// What array<T, N> and array<T> have in common. Programs name those.
template <class T, std::size_t N>
class array_access : public extent<N>, public watchable<array_access<T, N>> {
  static_assert(N == dynamic || detail::fits_in_memory<T>(N),
                "shm: an array of N elements T is larger than an address space");

 public:
  /// Returns the latest stored value of the element, whole. Lock-free beside stores of writers,
  /// alive or dead; blocks while a live process edits in place through raw(). Throws
  /// std::out_of_range; shm::error: removed, damaged, and would_deadlock if this thread edits in
  /// place through the same handle.
  T load(std::size_t i) const {
    detail::check_index(i, this->size());
    return detail::value_from_bytes<T>([this, i](void* to) { read(i, to); });
  }

  /// Copies the latest stored value of the element into memory of the caller, and returns it: for a
  /// T that fits on no stack. Like load(i). When it throws, what `into` holds is unspecified.
  T& load(std::size_t i, T& into) const {
    detail::check_assignable<T>();
    detail::check_index(i, this->size());
    read(i, std::addressof(into));
    return into;
  }

  /// Replaces one element. Blocks while another holds the lock. A crash leaves the element before
  /// or the new one. Throws std::out_of_range; shm::error: removed, would_deadlock, corrupt.
  void store(std::size_t i, const T& value) {
    detail::check_index(i, this->size());
    const detail::held_lock lock = opened().acquire();
    opened().store(i, std::addressof(value));
  }

  /// Like store(), but returns false, and changes nothing, if a live process holds the lock for
  /// that long.
  template <class Rep, class Period>
  [[nodiscard]] bool store_for(std::chrono::duration<Rep, Period> span, std::size_t i,
                               const T& value) {
    detail::check_index(i, this->size());
    const auto lock = opened().acquire(detail::deadline::after(span));
    if (lock) opened().store(i, std::addressof(value));
    return lock.has_value();
  }

  /// Calls f(T&) on a private draft of one element under the lock, stores the draft when f returns,
  /// and returns what f returns. When f throws, nothing is stored and the exception goes on.
  /// Blocks, throws and survives a crash as store().
  template <class F>
  auto update(std::size_t i, F&& f) {
    detail::check_index(i, this->size());
    core& here = opened();  // f may move the handle
    const detail::held_lock lock = here.acquire();
    return change(here, lock, i, std::forward<F>(f));
  }

  /// Like update(), but returns false, without calling f, if a live process holds the lock for that
  /// long. Returns true when the draft is stored; what f returns is discarded.
  template <class Rep, class Period, class F>
  [[nodiscard]] bool update_for(std::chrono::duration<Rep, Period> span, std::size_t i, F&& f) {
    detail::check_index(i, this->size());
    core& here = opened();  // f may move the handle
    const auto lock = here.acquire(detail::deadline::after(span));
    if (lock) static_cast<void>(change(here, *lock, i, std::forward<F>(f)));
    return lock.has_value();
  }

  /// One lock over all elements. Blocks while another holds it. A crash inside leaves every element
  /// whole, and locked_array::owner_died() true. Throws shm::error: removed,
  /// would_deadlock, corrupt.
  [[nodiscard]] locked_array<T, N> lock() & { return {opened(), opened().acquire()}; }
  void lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock. Never blocks. In a forked
  /// child, at its first use, also returns nothing while another process creates, opens or removes
  /// the array. Throws the same errors as lock() except would_deadlock.
  [[nodiscard]] std::optional<locked_array<T, N>> try_lock() & {
    return guarded(opened().try_acquire());
  }
  void try_lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock for that long. Throws the
  /// same errors as lock().
  template <class Rep, class Period>
  [[nodiscard]] std::optional<locked_array<T, N>> try_lock_for(
      std::chrono::duration<Rep, Period> span) & {
    return guarded(opened().acquire(detail::deadline::after(span)));
  }
  template <class Span>
  void try_lock_for(Span) && = delete;  // keep the handle in a variable

  /// Returns all elements as they were at one moment: array<T, N> a std::array<T, N>, array<T> a
  /// std::vector<T>. Blocks while another thread or process holds the lock. Throws the same errors
  /// as lock(), and damaged.
  detail::all_elements<T, N> snapshot() const {
    return detail::elements_from_bytes<T, N>(this->size(), [this](void* to) { read_all(to); });
  }

  /// Copies all elements as they were at one moment into memory of the caller, like snapshot().
  /// Throws std::invalid_argument if the span has not as many elements as the array. When it
  /// throws something else, what the span holds is unspecified.
  void snapshot(gsl::span<T> into) const {
    detail::check_assignable<T>();
    detail::check_span(into.size(), this->size());
    read_all(into.data());
  }

  /// Returns how many elements were stored, and how many edits in place were made, so far, by all
  /// processes.
  std::uint64_t version() const noexcept { return opened().view().stores(); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 protected:
  /// @cond
  array_access(detail::open_mode mode, const key& which, const detail::blueprint& plan,
               const options& how)
      : array_access(detail::open_handle<core>(new core(which, mode, how, plan))) {}
  array_access(array_access&&) noexcept = default;
  array_access& operator=(array_access&&) noexcept = default;
  ~array_access() = default;
  /// @endcond

 private:
  friend class watchable<array_access>;
  using core = detail::array_core<T, N>;

  explicit array_access(detail::open_handle<core>&& opened)
      : extent<N>(opened->memory().count), core_(std::move(opened)) {}

  core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }

  template <class Use>
  auto watched(Use use) const {
    return opened().watched(use);
  }

  std::optional<locked_array<T, N>> guarded(std::optional<detail::held_lock>&& lock) {
    if (!lock) return std::nullopt;
    return locked_array<T, N>(opened(), std::move(*lock));
  }

  template <class F>
  static auto change(core& here, const detail::held_lock& lock, std::size_t i, F&& f) {
    detail::check_takes_reference<F, T>();
    detail::draft<T> draft(here.buffer);
    std::memcpy(draft.bytes(), here.view().element(i), sizeof(T));
    return detail::call_then(std::forward<F>(f), *draft.get(), [&] {
      if (lock.is_held()) here.store(i, draft.bytes());
    });
  }

  void read_all(void* to) const {
    const detail::held_lock lock = opened().acquire();
    if (opened().is_damaged()) detail::refuse_damaged(opened().place.about());
    detail::load_shared<alignof(T)>(to, opened().view().element(0), this->size() * sizeof(T));
  }

  void read(std::size_t i, void* to) const {
    if (!opened().reader().try_load(i, to)) read_patiently(i, to);
  }

  [[gnu::cold, gnu::noinline]] void read_patiently(std::size_t i, void* to) const {
    const auto reader = opened().reader();
    for (;;) {
      for (int tries = 0; tries < detail::tries_before_locking; ++tries) {
        refuse_to_wait_for_oneself();
        reader.wait_while_edited_in_place(detail::deadline::never());
        if (reader.try_load(i, to)) return;
      }
      // A writer is always faster: hold it up for one copy.
      if (opened().place.identity_bits_if_seated() == 0) continue;
      if (const auto lock = opened().try_acquire()) {
        if (opened().is_damaged()) continue;  // and be told so
        detail::load_shared<alignof(T)>(to, opened().view().element(i), sizeof(T));
        return;
      }
    }
  }

  void refuse_to_wait_for_oneself() const {
    if (!opened().is_damaged() || !detail::robust_lock(opened().place).is_held_by_this_thread())
      return;
    if (opened().place.set().value(detail::semaphore::raw).value == 0) return;  // a dead editor's
    detail::refuse(errc::would_deadlock, opened().place.about(),
                   "this thread edits the array in place; read through the guard instead");
  }

  detail::open_handle<core> core_;
};

}  // namespace shm

// ---- shm/const_array.hpp
// Const array: an array that this program only reads, attached read-only.

namespace shm {

/// What array<const T, N> and array<const T> have in common. Programs name those.
template <class T, std::size_t N>
class const_array_access : public extent<N>, public watchable<const_array_access<T, N>> {
  static_assert(N == dynamic || detail::fits_in_memory<T>(N),
                "shm: an array of N elements T is larger than an address space");

 public:
  /// Like array<T, N>::load(), without would_deadlock.
  T load(std::size_t i) const {
    detail::check_index(i, this->size());
    return detail::value_from_bytes<T>([this, i](void* to) { read(i, to); });
  }

  /// Like array<T, N>::load(i, into), without would_deadlock.
  T& load(std::size_t i, T& into) const {
    detail::check_assignable<T>();
    detail::check_index(i, this->size());
    read(i, std::addressof(into));
    return into;
  }

  /// Returns all elements as they were at one moment: array<const T, N> a std::array<T, N>,
  /// array<const T> a std::vector<T>. Throws shm::error: removed, damaged, and timed_out if the
  /// array never stands still for long enough within options::open_timeout.
  detail::all_elements<T, N> snapshot() const {
    return detail::elements_from_bytes<T, N>(this->size(), [this](void* to) { read_all(to); });
  }

  /// Copies all elements as they were at one moment into memory of the caller, like snapshot().
  /// Throws std::invalid_argument if the span has not as many elements as the array. When it
  /// throws something else, what the span holds is unspecified.
  void snapshot(gsl::span<T> into) const {
    detail::check_assignable<T>();
    detail::check_span(into.size(), this->size());
    read_all(into.data());
  }

  /// Returns how many elements were stored, and how many edits in place were made, so far, by all
  /// processes.
  std::uint64_t version() const noexcept { return opened().view().stores(); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 protected:
  /// @cond
  const_array_access(const key& which, const options& how)
      : const_array_access(which, how, detail::plan_for_opening<T, N>()) {}
  const_array_access(const_array_access&&) noexcept = default;
  const_array_access& operator=(const_array_access&&) noexcept = default;
  ~const_array_access() = default;
  /// @endcond

 private:
  friend class watchable<const_array_access>;
  using core = detail::const_array_core<T, N>;

  const_array_access(const key& which, const options& how, const detail::blueprint& plan)
      : const_array_access(
            detail::open_handle<core>(new core(which, how, &plan, detail::waiting::in_kernel))) {}
  explicit const_array_access(detail::open_handle<core>&& opened)
      : extent<N>(opened->memory().count), core_(std::move(opened)) {}

  const core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }

  template <class Use>
  auto watched(Use use) const {
    return opened().watched(use);
  }

  void read(std::size_t i, void* to) const {
    const auto reader = opened().reader();
    while (!reader.try_load(i, to)) {
      reader.wait_while_edited_in_place(detail::deadline::never());
    }
  }

  void read_all(void* to) const {
    const auto reader = opened().reader();
    const auto until = detail::deadline::after(opened().place.open_timeout());
    while (!reader.try_snapshot(to, until)) {
      if (!until.passed()) continue;
      detail::refuse(errc::timed_out, opened().place.about(),
                     "the array never stood still for one snapshot within options::open_timeout; "
                     "take it from a read-write handle, which locks");
    }
  }

  detail::open_handle<core> core_;
};

/// An array that this program only reads: attached read-only, never created, never modified; read
/// permission is enough. It takes no seat, but counts as attached. If the semaphores of the array
/// were lost, it can be opened and read, but throws removed where it would have to wait for an edit
/// in place. Throws what the constructors of object throw.
template <class T, std::size_t N>
class array<const T, N> : public const_array_access<T, N> {
 public:
  /// Opens what is there; never creates.
  explicit array(const key& which, const options& how = {})
      : const_array_access<T, N>(which, how) {}
  /// Opens what is there; never creates.
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}
};

/// Like array<const T, N>, with whatever number of elements the array was created with.
template <class T>
class array<const T, dynamic> : public const_array_access<T, dynamic> {
 public:
  /// Opens what is there; never creates.
  explicit array(const key& which, const options& how = {})
      : const_array_access<T, dynamic>(which, how) {}
  /// Opens what is there; never creates.
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}
};

}  // namespace shm

// ---- shm/array.hpp
// Array: contiguous T in shared memory, each element whole whatever process dies.

namespace shm {

/// N elements T, shared by every process that opens the same name. Movable, not copyable; one
/// handle may be used from several threads at once. A moved-from handle may only be destroyed or
/// assigned to. The handle must outlive its guards.
///
///     shm::array<telemetry, 64> fleet("fleet");
///     fleet.store(3, {12.5, 2});
///     fleet.update(3, [](telemetry& t) { ++t.gear; });
///     if (auto all = fleet.try_lock_for(10ms)) all->store(4, (*all)[3]);
///
/// Constructors and destructor block, and constructors throw, like those of shm::object; another N
/// is a type_mismatch.
template <class T, std::size_t N>
class array : public array_access<T, N> {
 public:
  /// Opens it, or creates it with T{} in every element.
  explicit array(const key& which, const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(), how) {}

  /// Creates it, with the initial value in every element.
  array(create_only_t, const key& which, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::create_only, which, plan(initial), how) {}
  /// Creates it, with T{} in every element.
  array(create_only_t, const key& which, const options& how = {})
      : array(detail::open_mode::create_only, which, plan(), how) {}

  /// Opens what is there.
  array(open_only_t, const key& which, const options& how = {})
      : array_access<T, N>(detail::open_mode::open_only, which, detail::plan_for_opening<T, N>(),
                           how) {}

  /// Opens it, or creates it with the initial value in every element.
  array(open_or_create_t, const key& which, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(initial), how) {}

 private:
  array(detail::open_mode mode, const key& which, const detail::array_plan<T>& made,
        const options& how)
      : array_access<T, N>(mode, which, made.as_blueprint(), how) {}

  template <class... Initial>
  static detail::array_plan<T> plan(const Initial&... initial) {
    return detail::array_plan<T>(detail::array_schema_of<T, N>(), initial...);
  }
};

/// Elements T, shared by every process that opens the same name, of a number that is given when the
/// array is created and never changes. It is the same in memory as an array<T, N>: each opens what
/// the other made.
///
///     shm::array<telemetry> fleet(shm::create_only, "fleet", cars.size());
///     shm::array<telemetry> same("fleet");  // finds the number
///     for (std::size_t i = 0; i < same.size(); ++i) show(same.load(i));
///
/// Movable, not copyable; one handle may be used from several threads at once. A moved-from handle
/// may only be destroyed or assigned to. The handle must outlive its guards.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object. Those that
/// are given a number throw std::invalid_argument if it is 0, limit_reached if so many elements fit
/// into no address space, and type_mismatch if an array of another number is there.
template <class T>
class array<T, dynamic> : public array_access<T, dynamic> {
 public:
  /// Opens what is there, with whatever number of elements. Never creates: nothing tells how many.
  explicit array(const key& which, const options& how = {})
      : array_access<T, dynamic>(detail::open_mode::open_only, which,
                                 detail::plan_for_opening<T, dynamic>(), how) {}
  /// Opens what is there, with whatever number of elements.
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}

  /// Creates n elements, with the initial value in each.
  array(create_only_t, const key& which, std::size_t n, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::create_only, which, plan(which, n, initial), how) {}
  /// Creates n elements, with T{} in each.
  array(create_only_t, const key& which, std::size_t n, const options& how = {})
      : array(detail::open_mode::create_only, which, plan(which, n), how) {}

  /// Opens an array of n elements, or creates it with the initial value in each.
  array(open_or_create_t, const key& which, std::size_t n, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(which, n, initial), how) {}
  /// Opens an array of n elements, or creates it with T{} in each.
  array(open_or_create_t, const key& which, std::size_t n, const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(which, n), how) {}

 private:
  array(detail::open_mode mode, const key& which, const detail::array_plan<T>& made,
        const options& how)
      : array_access<T, dynamic>(mode, which, made.as_blueprint(), how) {}

  template <class... Initial>
  static detail::array_plan<T> plan(const key& which, std::size_t n, const Initial&... initial) {
    return detail::array_plan<T>(detail::schema_of_given_length<T>(which, n), initial...);
  }
};

}  // namespace shm

// ---- shm/base/version.hpp
// The version of the library: the one place that has it; build files and packages read it here.

namespace shm {

/// Programs with another memory layout refuse each other's objects (errc::incompatible_layout),
/// whatever their versions.
inline constexpr int version_major = 0;
/// Before 1.0, changes when the interface does.
inline constexpr int version_minor = 1;
/// Corrections only.
inline constexpr int version_patch = 0;

}  // namespace shm

// ---- shm/const_map.hpp
// Const map: a map that this program only reads, attached read-only.

namespace shm {

template <class Key, class Value, std::size_t N>
class map;

/// A map that this program only reads: attached read-only, never created, never modified; read
/// permission is enough. It takes no seat, but counts as attached. If the semaphores of the map
/// were lost, it can be opened and read all the same. Throws what the constructors of object throw.
template <class Key, class Value, std::size_t N>
class map<Key, const Value, N> : public watchable<map<Key, const Value, N>> {
 public:
  /// Opens what is there; never creates.
  explicit map(const key& which, const options& how = {})
      : place_(detail::observe(which, how, detail::map_blueprint<Key, Value, N>())) {}
  /// Opens what is there; never creates.
  map(open_only_t, const key& which, const options& how = {}) : map(which, how) {}

  /// Like map<Key, Value, N>::find(). Never waits for a writer, alive or dead, but can be lapped
  /// for as long as a writer is faster than one slot is copied.
  std::optional<Value> find(const Key& wanted) const {
    return detail::value_if_filled<Value>([&](void* to) { return look_up(wanted, to); });
  }
  /// Returns whether the map holds that key, like find().
  bool contains(const Key& wanted) const { return look_up(wanted, nullptr); }

  /// Like map<Key, Value, N>::size().
  std::size_t size() const { return detail::size_of(opened(), table(), N); }
  /// N.
  static constexpr std::size_t capacity() noexcept { return N; }

  /// Returns all entries as they were at one moment, in no order. Throws shm::error: removed, and
  /// timed_out if the map never stands still for long enough within options::open_timeout.
  std::vector<std::pair<Key, Value>> snapshot() const {
    const auto until = detail::deadline::after(opened().open_timeout());
    std::vector<std::pair<Key, Value>> entries;
    entries.reserve(size());
    while (!detail::try_snapshot(table(), entries)) {
      if (opened().is_removed()) detail::refuse_removed(opened().about());
      if (until.passed()) detail::refuse_restless_map(opened().about());
    }
    return entries;
  }

  /// Returns the number of changes so far, by all processes.
  std::uint64_t version() const noexcept { return detail::version_of(opened(), table()); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  friend class watchable<map>;
  using memory_type = const detail::table_memory<Key, Value, N>;

  using table_type = detail::table_view<memory_type, detail::slot_shape<Key, Value>>;

  table_type table() const noexcept { return table_in(opened()); }
  static table_type table_in(const detail::observer& place) noexcept {
    return {*static_cast<memory_type*>(static_cast<const void*>(place.payload())), {}};
  }

  template <class Use>
  auto watched(Use use) const {
    const detail::observer& place = opened();
    return use(
        place, [&place] { return detail::version_of(place, table_in(place)); },
        [&place] { return table_in(place).words_of_change(); });
  }

  bool look_up(const Key& wanted, void* to) const {
    for (;;) {
      if (opened().is_removed()) detail::refuse_removed(opened().about());
      const auto seen =
          table().find(detail::bytes_of_key(wanted), to, detail::tries_before_locking);
      if (seen != detail::lookup::lapped) return seen == detail::lookup::found;
    }
  }

  const detail::observer& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  detail::open_handle<detail::observer> place_;
};

}  // namespace shm

// ---- shm/store/object_core.hpp
// Object core: what a read-write handle of an object holds.

namespace shm::detail {

template <class T>
using cell_of = versioned_cell<cell_shape<sizeof(T), alignof(T)>>;

template <class T>
blueprint object_blueprint(void (*construct)(std::byte*, const void*), const T* initial) {
  check_shareable<T>();
  return {segment_kind::object,  &schema_of<T>(), cell_of<T>::payload_size,
          cell_of<T>::alignment, construct,       initial};
}

/// A copy of `initial`; null where the object is only opened.
template <class T>
blueprint object_blueprint(const T* initial) {
  return object_blueprint<T>(
      [](std::byte* payload, const void* from) {
        std::memcpy(cell_of<T>::initial_copy(payload), from, sizeof(T));
      },
      initial);
}

/// A value-initialised T.
template <class T>
blueprint default_object_blueprint() {
  return object_blueprint<T>(
      [](std::byte* payload, const void*) {
        construct_initial<T>(cell_of<T>::initial_copy(payload));
      },
      nullptr);
}

/// What a member is returned as: a C array, which cannot be returned, as a std::array.
template <class Member>
struct returned_member {
  using type = std::remove_cv_t<Member>;
};
template <class Element, std::size_t N>
struct returned_member<Element[N]> {
  using type = std::array<typename returned_member<Element>::type, N>;
};

/// Copies one member out of a T in shared memory.
template <class T, class Class, class Member>
void load_member(void* to, const std::byte* from, Member Class::*member) noexcept {
  const Class& holder = *static_cast<const T*>(static_cast<const void*>(from));
  // The member of a packed struct is aligned no better than the struct.
  load_shared<std::min(alignof(T), alignof(Member))>(to, std::addressof(holder.*member),
                                                     sizeof(Member));
}

/// Returns one member of the value that `read(copy)` finds: copy(from) takes it out of a T.
template <class T, class Class, class Member, class Read>
auto member_from_bytes(Member Class::*member, Read read) {
  static_assert(std::is_object_v<Member>, "shm: load() takes a pointer to a data member");
  static_assert(std::is_base_of_v<Class, T>, "shm: this is a member of another class than T");
  using returned = typename returned_member<Member>::type;
  static_assert(sizeof(returned) == sizeof(Member));
  return value_from_bytes<returned>([&](void* to) {
    read([to, member](const std::byte* from) { load_member<T>(to, from, member); });
  });
}

/// What a read-write handle of an object holds.
template <class T>
using object_core = drafting_core<T>;

}  // namespace shm::detail

// ---- shm/object_reader.hpp
// Object reader: what programs read from an object, through a read-write or a read-only handle.

namespace shm {

/// What object<T> and object<const T> have in common. Programs name those.
template <class Handle, class T>
class object_reader : public watchable<Handle> {
 public:
  using watchable<Handle>::wait;
  using watchable<Handle>::wait_for;

  /// A value, and the number of the update that published it.
  struct versioned {
    T value;
    std::uint64_t version;
  };

  /// Returns the latest published value, whole. Lock-free beside writers, alive or dead. Through
  /// object<T> a writer that keeps lapping the reader is held up for one copy; object<const T> can
  /// be lapped for as long as a writer is faster than one copy. Throws shm::error: removed.
  T load() const {
    return detail::value_from_bytes<T>([this](void* to) { read_whole(to); });
  }

  /// Copies the latest published value into memory of the caller, and returns it: for a T that fits
  /// on no stack. Like load(). When it throws, what `into` holds is unspecified.
  T& load(T& into) const {
    detail::check_assignable<T>();
    read_whole(std::addressof(into));
    return into;
  }

  /// Returns one member of the latest published value, whole, as load(&telemetry::gear) does:
  /// copies no other. May be a member of a base class. Of a C array it returns a std::array. Like
  /// load().
  template <class Member, class Class>
  auto load(Member Class::*member) const {
    return detail::member_from_bytes<T>(member, [this](auto copy) {
      handle().read([&](const std::byte* from, std::uint64_t) { copy(from); });
    });
  }

  /// Returns the latest published value and its version, for a later wait(version). Like load().
  versioned load_versioned() const {
    std::uint64_t version = 0;
    T value = detail::value_from_bytes<T>([&](void* to) {
      handle().read([&](const std::byte* from, std::uint64_t seen) {
        detail::cell_of<T>().copy_out(from, to);
        version = seen;
      });
    });
    return {std::move(value), version};
  }

  /// Blocks until a published value satisfies the predicate, and returns that value. A value that
  /// is replaced before the thread has loaded it may be missed. The predicate may throw. Throws the
  /// same errors as wait(seen).
  ///
  ///     const state now = machine.wait([](const state& s) { return s.phase == phase::ready; });
  template <class Predicate, class = decltype(std::declval<Predicate&>()(std::declval<const T&>()))>
  T wait(Predicate satisfies) const {
    return *first_that(satisfies, detail::deadline::never());
  }

  /// Like wait(), but returns nothing if no value satisfied the predicate in that time.
  template <class Rep, class Period, class Predicate,
            class = decltype(std::declval<Predicate&>()(std::declval<const T&>()))>
  std::optional<T> wait_for(std::chrono::duration<Rep, Period> span, Predicate satisfies) const {
    return first_that(satisfies, detail::deadline::after(span));
  }

 protected:
  /// @cond
  object_reader() = default;
  object_reader(object_reader&&) = default;
  object_reader& operator=(object_reader&&) = default;
  ~object_reader() = default;
  /// @endcond

 private:
  const Handle& handle() const noexcept { return static_cast<const Handle&>(*this); }

  void read_whole(void* to) const {
    handle().read(
        [to](const std::byte* from, std::uint64_t) { detail::cell_of<T>().copy_out(from, to); });
  }

  template <class Predicate>
  std::optional<T> first_that(Predicate& satisfies, const detail::deadline& until) const {
    for (;;) {
      versioned now = load_versioned();
      if (satisfies(std::as_const(now.value))) return std::optional<T>(std::move(now.value));
      if (until.passed() || !this->changed(now.version, until)) return std::nullopt;
    }
  }
};

}  // namespace shm

// ---- shm/const_object.hpp
// Const object: an object that this program only reads, attached read-only.

namespace shm {

template <class T>
class object;

/// An object that this program only reads: attached read-only, never created, never modified; read
/// permission is enough. It takes no seat, but counts as attached. If the semaphores of the object
/// were lost, it can be opened and read all the same. Throws what the constructors of object throw.
template <class T>
class object<const T> : public object_reader<object<const T>, T> {
 public:
  /// Opens what is there; never creates.
  explicit object(const key& which, const options& how = {})
      : place_(detail::observe(which, how, detail::object_blueprint<T>(nullptr))) {}
  /// Opens what is there; never creates.
  object(open_only_t, const key& which, const options& how = {}) : object(which, how) {}

  /// The number of updates published so far, by all processes.
  std::uint64_t version() const noexcept {
    return opened().head().version.load(std::memory_order_acquire);
  }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  friend class object_reader<object, T>;
  friend class watchable<object>;
  using cell = detail::cell_of<T>;

  const detail::observer& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  template <class Use>
  auto watched(Use use) const {
    const detail::header& head = opened().head();
    return use(
        opened(), [&head] { return head.version.load(std::memory_order_acquire); },
        [] { return detail::words_of_change(); });
  }

  /// copy(from, version) takes what it needs out of a copy of the value, again until that was
  /// whole.
  template <class Copy>
  void read(const Copy& copy) const {
    if (opened().is_removed()) detail::refuse_removed(opened().about());
    while (!cell().try_read_by(opened().head().version, opened().payload(), copy)) {
    }
  }

  detail::open_handle<detail::observer> place_;
};

}  // namespace shm

// ---- shm/locked.hpp
// Locked: a scoped lock on an object, with a private draft of its value.

namespace shm {

template <class T>
class object;

/// A scoped lock on an object, with a private draft of its value. The draft is published when the
/// scope ends, unless an exception unwinds it or discard() was called. A thread that is cancelled,
/// or calls pthread_exit(), inside the scope publishes the unfinished draft: use object::update(),
/// which publishes nothing then. A crash inside leaves the value before, and nothing to repair. In
/// a forked child's copy the destructor does nothing.
template <class T>
class locked {
 public:
  /// The lock moves with the guard.
  locked(locked&&) = default;
  locked& operator=(locked&&) = delete;

  /// Never throws, never blocks.
  ~locked() {
    const bool unwinding = std::uncaught_exceptions() > exceptions_before_;
    if (!lock_.is_held() || unwinding || discarded_) return;
    if (published_ && cell().equals(version(), payload(), draft_.bytes())) return;
    cell().publish(core_->place.head(), payload(), draft_.bytes());
  }

  /// The draft: private until it is published.
  T* operator->() noexcept { return draft_.get(); }
  /// The draft.
  T& operator*() noexcept { return *draft_.get(); }
  /// The draft, to look at.
  const T* operator->() const noexcept { return draft_.get(); }
  /// The draft, to look at.
  const T& operator*() const noexcept { return *draft_.get(); }

  /// Publishes the draft now; the lock stays held, and later edits are published when the scope
  /// ends. Never blocks; a crash leaves the value before or the draft. Throws shm::error
  /// (operation_not_permitted) in a forked child's copy. After discard() it must not be called.
  void publish() {
    Expects(!discarded_);
    lock_.require_held();
    cell().publish(core_->place.head(), payload(), draft_.bytes());
    published_ = true;
  }

  /// Nothing of the draft will be published any more; the lock stays held until the scope ends.
  void discard() noexcept { discarded_ = true; }

 private:
  friend class object<T>;
  using cell = detail::cell_of<T>;

  locked(detail::object_core<T>& core, detail::held_lock&& lock)
      : core_(&core), lock_(std::move(lock)), draft_(core.buffer) {
    cell().read(version(), payload(), draft_.bytes());
  }

  std::atomic<std::uint64_t>& version() noexcept { return core_->place.head().version; }
  std::byte* payload() noexcept { return core_->place.payload(); }

  detail::object_core<T>* core_;
  detail::held_lock lock_;
  detail::draft<T> draft_;
  int exceptions_before_ = std::uncaught_exceptions();
  bool published_ = false;
  bool discarded_ = false;
};

}  // namespace shm

// ---- shm/map.hpp
// Map: at most N values in shared memory by their keys, each change whole whatever process dies.

namespace shm {

/// At most N entries, shared by every process that opens the same name:
///
///     shm::map<std::uint64_t, telemetry, 1000> cars("cars");
///     cars.insert_or_assign(4711, {12.5, 3});
///     if (const auto car = cars.find(4711)) drive(car->speed);
///     cars.update(4711, [](telemetry& t) { ++t.gear; });
///     cars.erase(4711);
///
/// Keys are hashed and compared by their bytes, so equal keys must have equal bytes: integers,
/// enumerations, structs and std::array of them without padding. Movable, not copyable; one handle
/// may be used from several threads at once. A moved-from handle may only be destroyed or assigned
/// to. map<Key, const Value, N> is read-only.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object; another N
/// is a type_mismatch.
template <class Key, class Value, std::size_t N>
class map : public watchable<map<Key, Value, N>> {
 public:
  /// Opens the map, or creates an empty one.
  explicit map(const key& which, const options& how = {})
      : map(detail::open_mode::open_or_create, which, how) {}
  /// Creates an empty map.
  map(create_only_t, const key& which, const options& how = {})
      : map(detail::open_mode::create_only, which, how) {}
  /// Opens what is there.
  map(open_only_t, const key& which, const options& how = {})
      : map(detail::open_mode::open_only, which, how) {}
  /// Opens the map, or creates an empty one.
  map(open_or_create_t, const key& which, const options& how = {}) : map(which, how) {}

  /// Returns the latest stored value of that key, whole, or nothing if the map does not hold the
  /// key. Lock-free beside changes of writers, alive or dead; a writer that keeps lapping the
  /// reader is held up for one lookup. Throws shm::error: removed, corrupt.
  std::optional<Value> find(const Key& wanted) const {
    return detail::value_if_filled<Value>([&](void* to) { return look_up(wanted, to); });
  }
  /// Returns whether the map holds that key. Lock-free, and throws, like find().
  bool contains(const Key& wanted) const { return look_up(wanted, nullptr); }

  /// Adds an entry. Returns false, and changes nothing, if the map holds that key already. Blocks
  /// while another thread or process holds the lock. A crash leaves the map before, or with the
  /// entry. Throws shm::error: limit_reached if the map is full, removed, would_deadlock, corrupt.
  bool insert(const Key& added, const Value& value) {
    core& here = opened();
    const detail::held_lock lock = here.acquire();
    const auto where = here.writer().find(detail::bytes_of_key(added));
    if (where.is_found()) return false;
    insert_at(here, where, added, value);
    return true;
  }

  /// Adds an entry, or replaces the value of that key. Blocks and throws like insert(); a crash
  /// leaves the value before, or the new one.
  void insert_or_assign(const Key& changed, const Value& value) {
    core& here = opened();
    const detail::held_lock lock = here.acquire();
    const auto where = here.writer().find(detail::bytes_of_key(changed));
    if (!where.is_found()) return insert_at(here, where, changed, value);
    detail::draft<slot_type> draft(here.buffer);
    here.writer().copy_slot(where.slot, bytes_of(draft));
    std::memcpy(bytes_of(draft) + shape::value_at, std::addressof(value), sizeof value);
    here.writer().replace(where.slot, bytes_of(draft));
  }

  /// Calls f(Value&) on a private draft of the value of that key under the lock, and stores the
  /// draft when f returns. Returns false, without calling f, if the map does not hold the key. When
  /// f throws, nothing is stored and the exception goes on. Blocks and throws like insert(),
  /// without limit_reached; a crash leaves the value before, or the new one. Inside f, what changes
  /// this map or takes a snapshot of it through the same handle throws would_deadlock.
  template <class F>
  bool update(const Key& changed, F&& f) {
    return *update_within(detail::deadline::never(), changed, std::forward<F>(f));
  }

  /// Like update(), but returns nothing, without calling f, if a live process holds the lock for
  /// that long.
  template <class Rep, class Period, class F>
  std::optional<bool> try_update_for(std::chrono::duration<Rep, Period> span, const Key& changed,
                                     F&& f) {
    return update_within(detail::deadline::after(span), changed, std::forward<F>(f));
  }

  /// Removes the entry of that key. Returns whether there was one. Blocks and throws like insert(),
  /// without limit_reached. A crash leaves the map with the entry, or without it.
  bool erase(const Key& erased) {
    core& here = opened();
    const detail::held_lock lock = here.acquire();
    const auto where = here.writer().find(detail::bytes_of_key(erased));
    if (!where.is_found()) return false;
    detail::draft<slot_type> draft(here.buffer);
    here.writer().erase(where, bytes_of(draft));
    return true;
  }

  /// Returns the number of entries. Lock-free beside changes of writers, alive or dead. Throws
  /// shm::error: removed.
  std::size_t size() const { return detail::size_of(opened().place, opened().table(), N); }
  /// N.
  static constexpr std::size_t capacity() noexcept { return N; }

  /// Returns all entries as they were at one moment, in no order. Blocks while another thread or
  /// process holds the lock. Throws shm::error: removed, would_deadlock, corrupt.
  std::vector<std::pair<Key, Value>> snapshot() const {
    core& here = opened();
    std::vector<std::pair<Key, Value>> entries;
    entries.reserve(size());
    const detail::held_lock lock = here.acquire();
    for (int tries = 0; !detail::try_snapshot(here.table(), entries); ++tries) {
      // Nobody else may change the map now.
      if (tries == detail::tries_before_locking) detail::refuse_corrupt_map(here.place.about());
    }
    return entries;
  }

  /// Returns the number of changes so far, by all processes.
  std::uint64_t version() const noexcept {
    return detail::version_of(opened().place, opened().table());
  }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 private:
  friend class watchable<map>;
  using core = detail::table_core<Key, Value, N>;
  using shape = detail::slot_shape<Key, Value>;
  using slot_type = detail::slot<Key, Value>;

  map(detail::open_mode mode, const key& which, const options& how)
      : core_(new core(which, mode, how, detail::map_blueprint<Key, Value, N>())) {}

  core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }

  template <class Use>
  auto watched(Use use) const {
    const core& here = opened();
    return use(
        here.place, [&here] { return detail::version_of(here.place, here.table()); },
        [&here] { return here.table().words_of_change(); });
  }

  static std::byte* bytes_of(detail::draft<slot_type>& draft) noexcept {
    return static_cast<std::byte*>(static_cast<void*>(draft.bytes()));
  }

  static void insert_at(core& here, const typename core::writer_type::place& where,
                        const Key& added, const Value& value) {
    if (here.writer().size() >= N) detail::refuse_full(here.place.about(), N);
    detail::draft<slot_type> draft(here.buffer);
    const bool had_room = here.writer().insert(where, bytes_of(draft), [&](std::byte* slot) {
      std::memcpy(slot + shape::key_at, std::addressof(added), sizeof added);
      std::memcpy(slot + shape::value_at, std::addressof(value), sizeof value);
    });
    if (!had_room) detail::refuse_corrupt_map(here.place.about());
  }

  template <class F>
  std::optional<bool> update_within(const detail::deadline& until, const Key& changed, F&& f) {
    detail::check_takes_reference<F, Value>();
    core& here = opened();  // f may move the handle
    const std::optional<detail::held_lock> lock = here.acquire(until);
    if (!lock) return std::nullopt;
    const auto where = here.writer().find(detail::bytes_of_key(changed));
    if (!where.is_found()) return false;
    detail::draft<slot_type> draft(here.buffer);
    here.writer().copy_slot(where.slot, bytes_of(draft));
    static_cast<void>(detail::call_then(std::forward<F>(f), draft.get()->value, [&] {
      if (lock->is_held()) here.writer().replace(where.slot, bytes_of(draft));
    }));
    return true;
  }

  bool look_up(const Key& wanted, void* to) const {
    core& here = opened();
    if (here.place.is_removed()) detail::refuse_removed(here.place.about());
    const auto seen =
        here.table().find(detail::bytes_of_key(wanted), to, detail::tries_before_locking);
    if (seen != detail::lookup::lapped) return seen == detail::lookup::found;
    return look_up_patiently(here, wanted, to);
  }

  [[gnu::cold, gnu::noinline]] static bool look_up_patiently(core& here, const Key& wanted,
                                                             void* to) {
    for (;;) {
      // A writer is always faster: hold it up for one lookup.
      const bool may_lock = here.place.identity_bits_if_seated() != 0;
      const auto lock = may_lock ? here.try_acquire() : std::nullopt;
      const auto seen =
          here.table().find(detail::bytes_of_key(wanted), to, detail::tries_before_locking);
      if (seen != detail::lookup::lapped) return seen == detail::lookup::found;
      if (lock) detail::refuse_corrupt_map(here.place.about());  // nobody else may change it now
      if (here.place.is_removed()) detail::refuse_removed(here.place.about());
    }
  }

  detail::open_handle<core> core_;
};

}  // namespace shm

// ---- shm/mutex.hpp
// Mutex: a lock with a name, shared by processes, that outlives its holder and tells the next one.

namespace shm {

/// A lock with a name. Meets Lockable and TimedLockable. When a holder dies, in whatever way, the
/// next one gets the lock, and owner_died() is true until a holder calls mark_repaired(). Movable
/// while nobody holds it or waits through this handle, not copyable; one handle may be used from
/// several threads. A handle that is destroyed while it holds the lock holds it until the process
/// ends.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object.
class mutex {
 public:
  /// Opens it, or creates it.
  explicit mutex(const key& which, const options& how = {})
      : mutex(detail::open_mode::open_or_create, which, how) {}
  /// Creates it.
  mutex(create_only_t, const key& which, const options& how = {})
      : mutex(detail::open_mode::create_only, which, how) {}
  /// Opens what is there.
  mutex(open_only_t, const key& which, const options& how = {})
      : mutex(detail::open_mode::open_only, which, how) {}
  /// Opens it, or creates it.
  mutex(open_or_create_t, const key& which, const options& how = {})
      : mutex(detail::open_mode::open_or_create, which, how) {}

  /// Blocks while another thread or process holds the lock. Throws shm::error: would_deadlock if
  /// this thread holds it through this handle, removed, corrupt. After a throw the lock is not
  /// held.
  void lock() { static_cast<void>(acquire(detail::deadline::never())); }

  /// Returns false if a live process holds the lock, this thread included. Never blocks. In a
  /// forked child, at its first use, also returns false while another process creates, opens or
  /// removes the mutex. Throws shm::error: removed, corrupt.
  [[nodiscard]] bool try_lock() { return noted(detail::robust_lock(opened()).try_acquire()); }

  /// Returns false if a live process holds the lock for that long. Throws the same errors as
  /// lock().
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(std::chrono::duration<Rep, Period> span) {
    return acquire(detail::deadline::after(span));
  }

  /// Returns false if a live process holds the lock until then. A moment too far for its clock, or
  /// for ours, is never reached. Throws the same errors as lock().
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(std::chrono::time_point<Clock, Duration> moment) {
    for (;;) {
      const auto left = detail::deadline::left_until(moment);
      if (!(left.count() > 0)) return try_lock();
      if (try_lock_for(left)) return true;  // else look again: that clock may have been set
    }
  }

  /// The calling thread must hold the lock. Never blocks, never throws. In a forked child's copy of
  /// a handle that the parent locked, it does nothing, unless this thread has locked it itself
  /// since.
  void unlock() noexcept {
    const std::uint64_t mine = opened().identity_bits_unless_inherited();
    if (mine == 0) return unlock_in_child();
    Expects(held_by_this_thread_ > 0);
    --held_by_this_thread_;
    detail::robust_lock(opened()).release_as(mine);
  }

  /// Returns whether an earlier holder died in its critical section and no holder has repaired
  /// since. Never blocks. May be called with or without the lock.
  bool owner_died() const noexcept {
    return (section().load(std::memory_order_acquire) & detail::section_bit::owner_died) != 0;
  }

  /// Marks the data as repaired after a holder died. The calling thread must hold the lock.
  void mark_repaired() noexcept {
    Expects(held_by_this_thread_ > 0);
    if (!detail::robust_lock(opened()).is_held_by_this_thread()) return;
    detail::note_repair_of_mutex(opened().head());
  }

  /// Releases the lock, blocks until another thread or process calls notify_all(), and acquires the
  /// lock again; repeats that until the predicate is true. The predicate is called with the lock
  /// held, and first of all. The calling thread must hold the lock through `lock`.
  ///
  ///     shm::unique_lock lock(mutex);
  ///     mutex.wait(lock, [&] { return !list->is_empty() || mutex.owner_died(); });
  ///
  /// A process that dies while it holds the lock counts as a notification, within 100 milliseconds:
  /// the predicate is then called with owner_died() true. A process that dies inside notify_all()
  /// has notified all waiting threads, or none. When the predicate throws, the lock stays held.
  /// Throws the same errors as lock(); then the lock is not held.
  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate satisfied) {
    static_cast<void>(wait_until(lock, detail::deadline::never(), satisfied));
  }

  /// Like wait(), but returns false if the predicate is still false after that time. Acquiring the
  /// lock again can take longer.
  template <class Rep, class Period, class Predicate>
  [[nodiscard]] bool wait_for(std::unique_lock<mutex>& lock,
                              std::chrono::duration<Rep, Period> span, Predicate satisfied) {
    return wait_until(lock, detail::deadline::after(span), satisfied);
  }

  /// Wakes all threads, of all processes, that are inside wait() or wait_for(). May be called with
  /// or without the lock; what the predicates look at must be changed with it. Never blocks.
  void notify_all() noexcept { detail::announcement(opened().head()).of_one_more(); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  mutex(detail::open_mode mode, const key& which, const options& how)
      : place_(new detail::connection(which, mode, how, &plan())) {}

  static const detail::blueprint& plan() {
    static const schema nothing(std::string(), 0, 1);
    static const detail::blueprint without_value{detail::segment_kind::mutex,    &nothing, 0, 1,
                                                 [](std::byte*, const void*) {}, nullptr};
    return without_value;
  }

  detail::connection& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }
  std::atomic<std::uint32_t>& section() const noexcept { return opened().head().section; }

  /// The count is a copy of the parent's, and says nothing about this child.
  [[gnu::cold, gnu::noinline]] void unlock_in_child() noexcept {
    detail::robust_lock lock(opened());
    if (!lock.is_held_by_this_thread()) return;
    --held_by_this_thread_;
    lock.release();
  }

  bool acquire(const detail::deadline& until) {
    return noted(detail::robust_lock(opened()).acquire(until));
  }

  bool noted(detail::acquisition how) noexcept {
    if (how == detail::acquisition::taken_over) detail::note_death_in_mutex(opened().head());
    if (how == detail::acquisition::not_now) return false;
    ++held_by_this_thread_;
    return true;
  }

  template <class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, const detail::deadline& until,
                  Predicate& satisfied) {
    Expects(lock.owns_lock() && lock.mutex() == this);
    while (!satisfied()) {
      if (until.passed()) return false;
      // Read with the lock held: a later change of what the predicate looks at is a later version.
      const std::uint64_t seen = notifications();
      lock.unlock();
      await_notification(seen, until);
      lock.lock();
    }
    return true;
  }

  std::uint64_t notifications() const noexcept {
    return opened().head().version.load(std::memory_order_acquire);
  }

  /// Nothing tells of the death of a holder for whose lock nobody waits, so this looks for one.
  void await_notification(std::uint64_t seen, const detail::deadline& until) const {
    const detail::watch changes(opened());
    for (bool is_over = false; !is_over;) {
      const auto slice = until.or_earlier(detail::deadline::after(std::chrono::milliseconds(100)));
      is_over = changes.wait(seen, slice).has_value() || until.passed() || opened().is_abandoned();
    }
  }

  detail::open_handle<detail::connection> place_;

  /// Counts the locks of all mutexes. Kept in private memory, because the lock word is not: what
  /// somebody scribbled there is no broken precondition of this program.
  static inline thread_local unsigned held_by_this_thread_ = 0;
};

/// Several at once are locked without deadlock, as std::lock does.
using scoped_lock = std::scoped_lock<mutex>;
/// For locking later, and trying. Not for handing on to another thread: who locks unlocks.
using unique_lock = std::unique_lock<mutex>;

}  // namespace shm

// ---- shm/object.hpp
// Object: one T in shared memory, found by name, never torn, and whole whatever process dies.

namespace shm {

/// One T, shared by every process that opens the same name. Movable, not copyable; one handle may
/// be used from several threads at once. A moved-from handle may only be destroyed or assigned to.
/// The handle must outlive its guards.
///
/// Constructors block while a live process creates, opens or removes the object, at most
/// options::open_timeout. A creator that dies leaves nothing, or a half-made object that the next
/// opener completes. Constructors throw shm::error: already_exists, not_found, type_mismatch,
/// kind_mismatch, name_collision, foreign_segment, untrusted_owner, incompatible_layout, corrupt,
/// timed_out, no_free_seat, limit_reached, std::errc::invalid_argument, or the kernel's errno.
///
/// A handle that a forked child inherited takes a seat of its own at its first write or lock. That
/// can throw what opening throws; it blocks at most options::open_timeout, and never beyond the
/// deadline of a timed call.
///
/// The destructor of an object with lifetime::until_last_detach can block while another process
/// creates, opens or removes it, at most options::open_timeout.
template <class T>
class object : public object_reader<object<T>, T> {
 public:
  /// Opens it, or creates it with the value T(), or T{} where T() is not allowed.
  explicit object(const key& which, const options& how = {})
      : object(detail::open_mode::open_or_create, which, detail::default_object_blueprint<T>(),
               how) {}

  /// Creates it, with an initial value.
  object(create_only_t, const key& which, const detail::named_type<T>& initial,
         const options& how = {})
      : object(detail::open_mode::create_only, which,
               detail::object_blueprint<T>(std::addressof(initial)), how) {}
  /// Creates it, with the value T{}.
  object(create_only_t, const key& which, const options& how = {})
      : object(detail::open_mode::create_only, which, detail::default_object_blueprint<T>(), how) {}

  /// Opens what is there.
  object(open_only_t, const key& which, const options& how = {})
      : object(detail::open_mode::open_only, which, detail::object_blueprint<T>(nullptr), how) {}

  /// Opens it, or creates it with an initial value.
  object(open_or_create_t, const key& which, const detail::named_type<T>& initial,
         const options& how = {})
      : object(detail::open_mode::open_or_create, which,
               detail::object_blueprint<T>(std::addressof(initial)), how) {}

  /// Replaces the value. Blocks while another thread or process holds the lock. A crash leaves the
  /// value before, or the new one. Throws shm::error: removed, would_deadlock, corrupt.
  void store(const T& value) {
    const detail::held_lock lock = acquire();
    publish(value);
  }

  /// Like store(), but returns false, and changes nothing, if a live process holds the lock for
  /// that long.
  template <class Rep, class Period>
  [[nodiscard]] bool store_for(std::chrono::duration<Rep, Period> span, const T& value) {
    const auto lock = acquire(detail::deadline::after(span));
    if (lock) publish(value);
    return lock.has_value();
  }

  /// Calls f(T&) on a private draft under the lock, publishes the draft when f returns, and returns
  /// what f returns. When f throws, nothing is published and the exception goes on. Blocks, throws
  /// and survives a crash as store().
  template <class F>
  auto update(F&& f) {
    core& here = opened();  // f may move the handle
    const detail::held_lock lock = acquire();
    return change(here, lock, std::forward<F>(f));
  }

  /// Like update(), but returns false, without calling f, if a live process holds the lock for that
  /// long. Returns true when the draft is published; what f returns is discarded.
  template <class Rep, class Period, class F>
  [[nodiscard]] bool update_for(std::chrono::duration<Rep, Period> span, F&& f) {
    core& here = opened();  // f may move the handle
    const auto lock = acquire(detail::deadline::after(span));
    if (lock) static_cast<void>(change(here, *lock, std::forward<F>(f)));
    return lock.has_value();
  }

  /// A guard with a draft, published when its scope ends. Blocks while another holds the lock. A
  /// crash leaves the value before. Throws the same errors as store().
  [[nodiscard]] locked<T> lock() & { return {opened(), acquire()}; }
  void lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock. Never blocks. In a forked
  /// child, at its first use, also returns nothing while another process creates, opens or removes
  /// the object. Throws the same errors as store() except would_deadlock.
  [[nodiscard]] std::optional<locked<T>> try_lock() & {
    return guarded(detail::held_lock::try_acquire(opened().place));
  }
  void try_lock() && = delete;  // keep the handle in a variable

  /// Like lock(), but returns nothing if a live process holds the lock for that long. Throws the
  /// same errors as store().
  template <class Rep, class Period>
  [[nodiscard]] std::optional<locked<T>> try_lock_for(std::chrono::duration<Rep, Period> span) & {
    return guarded(acquire(detail::deadline::after(span)));
  }
  template <class Span>
  void try_lock_for(Span) && = delete;  // keep the handle in a variable

  /// The number of updates published so far, by all processes.
  std::uint64_t version() const noexcept { return head().version.load(std::memory_order_acquire); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().place.name(); }

 private:
  friend class object_reader<object, T>;
  friend class watchable<object>;
  using core = detail::object_core<T>;
  using cell = detail::cell_of<T>;

  object(detail::open_mode mode, const key& which, const detail::blueprint& plan,
         const options& how)
      : core_(new core(which, mode, how, plan)) {}

  core& opened() const {
    Expects(core_ != nullptr);
    return *core_;
  }
  detail::header& head() const { return opened().place.head(); }

  detail::held_lock acquire() { return detail::held_lock::acquire(opened().place); }
  std::optional<detail::held_lock> acquire(const detail::deadline& until) {
    return detail::held_lock::acquire(opened().place, until);
  }

  void publish(const T& value) {
    cell().publish(head(), opened().place.payload(), std::addressof(value));
  }

  template <class F>
  static auto change(core& here, const detail::held_lock& lock, F&& f) {
    detail::check_takes_reference<F, T>();
    detail::header& head = here.place.head();
    detail::draft<T> draft(here.buffer);
    cell().read(head.version, here.place.payload(), draft.bytes());
    return detail::call_then(std::forward<F>(f), *draft.get(), [&] {
      if (lock.is_held()) cell().publish(head, here.place.payload(), draft.bytes());
    });
  }

  std::optional<locked<T>> guarded(std::optional<detail::held_lock>&& lock) {
    if (!lock) return std::nullopt;
    return locked<T>(opened(), std::move(*lock));
  }

  template <class Use>
  auto watched(Use use) const {
    const detail::header& head = this->head();
    return use(
        opened().place, [&head] { return head.version.load(std::memory_order_acquire); },
        [] { return detail::words_of_change(); });
  }

  /// copy(from, version) takes what it needs out of a copy of the value, again until that was
  /// whole.
  template <class Copy>
  void read(const Copy& copy) const {
    const detail::connection& place = opened().place;
    if (place.is_removed()) detail::refuse_removed(place.about());
    if (!cell().try_read_by(place.head().version, place.payload(), copy)) read_patiently(copy);
  }

  template <class Copy>
  [[gnu::cold, gnu::noinline]] void read_patiently(Copy copy) const {
    const auto& version = head().version;
    const std::byte* const payload = opened().place.payload();
    for (;;) {
      for (int tries = 0; tries < detail::tries_before_locking; ++tries) {
        if (cell().try_read_by(version, payload, copy)) return;
      }
      // A writer is always faster: hold it up for one copy.
      if (opened().place.identity_bits_if_seated() == 0) continue;
      if (const auto lock = detail::held_lock::try_acquire(opened().place)) {
        // Relaxed: only holders write the version, and the lock orders holders.
        copy(cell().current(version, payload), version.load(std::memory_order_relaxed));
        return;
      }
    }
  }

  detail::open_handle<core> core_;
};

/// A C array can be neither returned nor passed.
template <class T, std::size_t N>
class object<T[N]> {
 public:
  /// Does not compile.
  template <class... Arguments>
  explicit object(Arguments&&...) {
    static_assert(
        N == 0 && N != 0,
        "shm: a C array is no value: use shm::object<std::array<T, N>>, a struct with the "
        "array as a member, or shm::array<T, N>");
  }
};
template <class T, std::size_t N>
class object<const T[N]> : public object<T[N]> {
 public:
  using object<T[N]>::object;
};

}  // namespace shm

// ---- shm/lifecycle/removal.hpp
// Removal: removes an object by name, whatever its state, unless it is foreign or in use.

namespace shm::detail {

enum class removal_mode {
  if_unused,
  if_dead,  ///< also only what was never finished, or was to live until its last handle closed
  forced
};

class remover : private visitor {
 public:
  remover(const key& which, removal_mode mode)
      // Trust does not matter here: the kernel knows who may remove.
      : visitor({which, access::everyone, purpose::read_and_write}, options().open_timeout),
        mode_(mode) {}

  void remove() {
    repeat([this] {
      const bool is_removed = inside_door([this] { return plan_set(); },
                                          [this](const found_set& set, const door& inside) {
                                            return remove_all(inside, !set.is_new);
                                          });
      return is_removed || is_gone_;
    });
  }

 private:
  /// Returns false if the caller has to look again: the object changed meanwhile, or a process may
  /// only be looking at it.
  bool remove_all(const door& inside, bool set_was_ours) {
    // Asked before anything is changed: a set that was made after a loss may be another user's.
    const status right = inside.set().may_remove();
    if (means_gone(right.error_number)) return false;
    if (!right.ok()) {
      refuse_set_call("semctl(IPC_SET), as before IPC_RMID", right.error_number, about_);
    }
    if (!remove_segment(inside, set_was_ours)) return false;
    crash_point("remove: before set");
    const status removed = inside.set().remove();
    if (!removed.ok() && !means_gone(removed.error_number)) {
      refuse_set_call("semctl(IPC_RMID)", removed.error_number, about_);
    }
    crash_point("remove: set gone");
    return true;
  }

  /// The plan of a new set for an object whose set was lost. Returns nothing if there is nothing to
  /// remove, or if the caller has to look again.
  std::optional<set_plan> plan_set() {
    attached_segment found;
    const looking seen = look_without_set(wanted_, is_last_try_, found, about_);
    is_gone_ = seen == looking::nothing;
    if (seen != looking::there) return std::nullopt;
    const status right = found.where.may_remove();
    if (means_gone(right.error_number)) return std::nullopt;
    if (!right.ok()) refuse_segment_call(asking_for_the_right, right.error_number, about_);
    return set_plan::replacing_lost_set_of(found, options().seats);
  }

  /// Returns true when the segment is gone, false if the caller has to look again.
  bool remove_segment(const door& inside, bool set_was_ours) {
    attached_segment found;
    // A first look, because writing needs more permission than looking.
    switch (look_at_segment(wanted_.which, found, about_)) {
      case looking::changed: return false;
      case looking::nothing:
        if (mode_ == removal_mode::if_dead && inside.somebody_sat()) {
          refuse_in_use(inside);  // the segment was removed by hand, and its handles go on
        }
        return true;
      case looking::there: break;
    }
    if (!is_ours(found, set_was_ours)) return false;
    found = attached_segment{};
    if (attach_segment(wanted_.which, attach_mode::read_write, found, about_) != looking::there) {
      return false;
    }
    if (!is_ours(found, set_was_ours)) return false;
    life word(found.head(), inside.set().mark());
    if (mode_ == removal_mode::forced) return settled(retire_by_force(word, found.where), inside);

    const bool has_handles =
        word.state() == life_state::ready || word.state() == life_state::removing;
    // The seats count in every state: somebody may have scribbled over the state of an object in
    // use.
    const bool is_final = word.state() == life_state::removed && mode_ == removal_mode::if_unused;
    if (!is_final && is_used(found, inside)) {
      // A process that is just dying is detached first, and then loses its seat.
      if (found.before.attached == 0 && !lookers_.is_over()) return false;
      refuse_in_use(inside);
    }
    if (mode_ == removal_mode::if_dead) require_dead(found);
    if (!has_handles) {
      if (word.was_changed_here() || word.seen().is_blank() || inside.is_held(about_)) {
        return settled(discard(word, found.where), inside);
      }
      return false;
    }
    if (!word.was_changed_here()) {
      if (!inside.is_held(about_)) return false;
      if (count_attached(found.where, about_) > 1) {
        return settled({retirement::in_use}, inside);
      }
      const unsigned permits = verified_description::permits_told(found.head(), found.before.size,
                                                                  wanted_.which, about_);
      if (!adopt(word, permits, inside, about_)) return false;
    }
    return settled(retire_if_unused(word, found.where, false), inside);
  }

  /// Throws foreign_segment, name_collision. False: it cannot be told yet.
  bool is_ours(const attached_segment& found, bool set_was_ours) const {
    const life_word word = life_of(found.head());
    // If a header of ours follows a blank word, somebody scribbled over the word of an object.
    const bool may_be_half_made =
        word.is_blank() &&
        !verified_description::makes_sense(found.head(), found.before.size, wanted_.which, about_);
    if (may_be_half_made) {
      if (!is_blank_of_ours(found, wanted_.which, set_was_ours, is_last_try_, about_)) return false;
    } else if (!word.is_blank() && !word.is_ours()) {
      refuse_foreign_segment(about_);
    }
    if (verified_description::belongs_to_another_name(found.head(), found.before.size,
                                                      wanted_.which, about_)) {
      refuse(errc::name_collision, about_,
             "the segment under this key belongs to another name and stays untouched");
    }
    return true;
  }

  bool is_used(const attached_segment& found, const door& inside) const {
    if (!inside.somebody_sat()) return false;
    if (found.before.attached > 0) return true;
    // Those who sit cannot reach the memory any more: programs before an exec, processes that are
    // just dying, handles that were closed while they held the lock.
    try {
      const auto facts =
          verified_description::read(found.head(), found.before.size, wanted_.which, about_);
      return is_held(found.head(), facts, inside);
    } catch (const error&) {
      return false;  // what cannot be understood is held by nobody
    }
  }

  bool settled(const ending& outcome, const door& inside) {
    if (!outcome.ok()) refuse_ending(outcome, about_);
    if (outcome.value == retirement::in_use && lookers_.is_over()) refuse_in_use(inside);
    return outcome.value == retirement::done;
  }

  void require_dead(const attached_segment& found) const {
    const life_word word = life_of(found.head());
    switch (word.state()) {
      case life_state::under_construction:
      case life_state::removed: return;
      case life_state::ready:
      case life_state::removing:
        if (verified_description::read(found.head(), found.before.size, wanted_.which, about_)
                .until_last_detach()) {
          return;
        }
        refuse(errc::in_use, about_,
               "nobody is attached, but it was made to stay until it is removed");
      case life_state::blank: break;
    }
    // A blank segment may be another program's, under a key where semaphores of ours were left.
    refuse(errc::in_use, about_,
           "nobody is attached, but it says neither whose it is nor that it was never finished; if "
           "it is of no use, take it away with shm::remove(name)");
  }

  [[noreturn]] void refuse_in_use(const door& inside) const {
    refuse(errc::in_use, about_,
           "processes are attached (seats: " + occupants(inside.set(), inside.set().seats()) +
               "); end them, or take it away under them with shm::remove(name, shm::force)");
  }

  removal_mode mode_;
  bool is_gone_ = false;
};

}  // namespace shm::detail

// ---- shm/remove.hpp
// Remove: removes an object: its segment and its semaphores.

namespace shm {

/// Removes the object. Does nothing if there is none. Blocks while a live process creates, opens or
/// removes it, at most 5 s, and up to 10 ms for processes that only look. A crash leaves the object
/// removed, or as it was.
///
/// Throws shm::error: in_use while any process is attached, or has closed a handle while it held
/// the lock; foreign_segment and name_collision, and then nothing is changed; timed_out; or the
/// kernel's errno if this user may not remove it. An object whose semaphores were lost is removed
/// if nobody else is attached. An object of another memory layout is removed like any other, but
/// its name cannot be read and so is not compared.
inline void remove(const key& which) {
  detail::remover(which, detail::removal_mode::if_unused).remove();
}

/// Removes the object of that name. This overload makes an unqualified remove("x") after `using
/// namespace shm` ambiguous, instead of the C library's remove of a file.
inline void remove(const char* name) {
  remove(key(name));
}

/// Removes the object although processes are attached: they get errc::removed at their next lock,
/// load or wake-up. Nothing changes for them if this user may not remove it. Blocks and throws like
/// remove(key), without in_use.
inline void remove(const key& which, force_t) {
  detail::remover(which, detail::removal_mode::forced).remove();
}

/// Removes the object if it is provably dead: nobody is attached, and it was never finished, or has
/// lifetime::until_last_detach, or only its semaphores are left. Does nothing if there is none.
/// Blocks and throws like remove(key); in_use, too, if the object is alive.
inline void remove_if_dead(const key& which) {
  detail::remover(which, detail::removal_mode::if_dead).remove();
}

}  // namespace shm

// ---- shm/sync/permit_pool.hpp
// Permit pool: permits of a semaphore, taken by semop; those of a dead process come back.

namespace shm::detail {

class permit_pool {
 public:
  explicit permit_pool(connection& place) noexcept : place_(place) {}

  /// Blocks while no permit is free, at most until the deadline; then returns false. Throws
  /// removed, limit_reached, corrupt. In a forked child's copy of a handle, sits down first.
  bool take(const deadline& until) {
    if (!place_.identity(until).has_seat()) return false;
    const connection::waiting_thread waiting(place_);
    if (!take_or_wait(until)) return false;
    place_.begin_use();  // until give_back()
    return true;
  }

  /// The caller must have taken a permit, in this process. Never blocks, never throws. Does not
  /// touch the memory, which may be gone with a handle that exit() closed.
  void give_back() noexcept {
    // Fails if the set is gone, and the permits with it. If somebody changed the set or its
    // permissions by hand, the kernel gives the permit back when the process ends.
    static_cast<void>(place_.set().give_permit());
    crash_point("permit: given back");
    place_.end_use();
  }

  /// Never blocks. Throws removed.
  unsigned free() const {
    if (place_.is_removed()) refuse_removed(place_.about());
    const result<int> now = place_.set().value(semaphore::permits);
    if (means_gone(now.error_number)) refuse_removed(place_.about());
    if (!now.ok()) refuse_set_call("semctl(GETVAL)", now.error_number, place_.about());
    // In another IPC namespace the id can be a stranger's set.
    place_.require_own_set();
    return static_cast<unsigned>(now.value);
  }

 private:
  bool take_or_wait(const deadline& until) {
    for (;;) {
      if (place_.is_removed()) refuse_removed(place_.about());
      status taken = place_.set().try_take_permit();
      if (taken.error_number == EAGAIN) {
        // No permit is free; or it is a stranger's set, whose semaphores stay untouched.
        place_.require_own_set();
        if (until.passed()) return false;
        crash_point("permit: before sleep");
        // In slices: a remover that died before the set was gone wakes nobody.
        taken = place_.set().take_permit(until.or_earlier(deadline::after(longest_sleep)));
        if (taken.error_number == EAGAIN) continue;
      }
      if (means_gone(taken.error_number)) refuse_removed(place_.about());
      if (!taken.ok()) refuse_set_call("semtimedop(permits)", taken.error_number, place_.about());
      crash_point("permit: taken");
      return true;
    }
  }

  connection& place_;
};

}  // namespace shm::detail

// ---- shm/semaphore.hpp
// Semaphore: a number of permits that processes share; those of a dead process come back.

namespace shm {

class permit;

/// A counting semaphore with a name: as many holders at once as it has permits. The permits of a
/// process that ends, in whatever way, come back by themselves.
///
///     shm::semaphore uploads("uploads", 3);   // opens it, or creates it with 3 permits
///     shm::permit one = uploads.acquire();    // blocks while 3 are held
///     send(file);                             // at most 3 at once, over all processes
///
/// Movable, not copyable; one handle may be used from several threads. Permits belong to the
/// process: a thread that ends without releasing its permit keeps it until the process ends, and so
/// does a program that calls exec. A forked child inherits none. Waiters are served in no
/// particular order.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object. A crash
/// in the constructor leaves nothing, or a semaphore that the next opener completes. A handle that
/// a forked child inherited takes a seat of its own at its first acquire, which can throw and block
/// as opening does, but never beyond the deadline of a timed call.
class semaphore {
 public:
  /// The largest number of permits that a semaphore can have.
  static constexpr unsigned max_permits = detail::most_permits;

  /// Opens it, or creates it with that many permits, all of them free. Throws shm::error:
  /// std::errc::invalid_argument unless there are 1 to max_permits; type_mismatch if it exists with
  /// another number of permits.
  semaphore(const key& which, unsigned permits, const options& how = {})
      : place_(open(which, permits, how)) {}

  /// Takes a permit. Blocks while none is free, also if this very thread holds all of them. Throws
  /// shm::error: removed, corrupt; limit_reached if the kernel has no memory to note that the
  /// permit has to come back. After a throw no permit is held.
  [[nodiscard]] permit acquire() &;
  void acquire() && = delete;  // keep the handle in a variable

  /// Like acquire(), but returns nothing if no permit is free. Never blocks. In a forked child, at
  /// its first use, also returns nothing while another process creates, opens or removes the
  /// semaphore.
  [[nodiscard]] std::optional<permit> try_acquire() &;
  void try_acquire() && = delete;  // keep the handle in a variable

  /// Like acquire(), but returns nothing if no permit is free for that long.
  template <class Rep, class Period>
  [[nodiscard]] std::optional<permit> try_acquire_for(std::chrono::duration<Rep, Period> span) &;
  template <class Span>
  void try_acquire_for(Span) && = delete;  // keep the handle in a variable

  /// Returns how many permits are free just now: by the time that the caller looks at the number,
  /// there may be more or fewer. Never blocks. Throws shm::error: removed.
  [[nodiscard]] unsigned available() const { return detail::permit_pool(opened()).free(); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  static detail::open_handle<detail::connection> open(const key& which, unsigned permits,
                                                      const options& how) {
    if (permits == 0 || permits > max_permits) {
      throw error(std::make_error_code(std::errc::invalid_argument),
                  detail::describe({which.name(), which.segment_key()}) + ": a semaphore of " +
                      std::to_string(permits) + " permits; it must have from 1 to " +
                      std::to_string(max_permits));
    }
    // Recorded as the size of a type, so that another number is another type.
    const schema counted(std::string(), permits, 1);
    const detail::blueprint plan{detail::segment_kind::semaphore, &counted, 0, 1,
                                 [](std::byte*, const void*) {},  nullptr};
    return detail::open_handle<detail::connection>(
        new detail::connection(which, detail::open_mode::open_or_create, how, &plan));
  }

  detail::connection& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  std::optional<permit> take(const detail::deadline& until);

  detail::open_handle<detail::connection> place_;
};

/// One permit of a semaphore, from acquire() until release() or the end of its scope. Movable, not
/// copyable. May be moved to another thread and released there.
///
/// The handle that it came from must outlive it; moving that handle is no harm. If the process
/// ends, in whatever way, the kernel gives the permit back.
class permit {
 public:
  /// The other one holds no permit afterwards.
  permit(permit&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), holder_(other.holder_) {}
  /// Gives back the permit that it held before.
  permit& operator=(permit&& other) noexcept {
    permit taken(std::move(other));
    std::swap(from_, taken.from_);
    std::swap(holder_, taken.holder_);
    return *this;
  }
  ~permit() { release(); }

  /// Gives the permit back. Does nothing if that was done before, in a moved-from permit, and in a
  /// forked child's copy: the permit belongs to the parent. Never blocks, never throws.
  void release() noexcept {
    detail::connection* const from = std::exchange(from_, nullptr);
    if (from == nullptr || detail::process::current() != holder_) return;
    detail::permit_pool(*from).give_back();
  }

 private:
  friend class semaphore;
  explicit permit(detail::connection& from) noexcept
      : from_(&from), holder_(detail::process::current()) {}

  detail::connection* from_;
  detail::process_epoch holder_;
};

inline permit semaphore::acquire() & {
  return *take(detail::deadline::never());
}

inline std::optional<permit> semaphore::try_acquire() & {
  return take(detail::deadline::now());
}

/// @cond
template <class Rep, class Period>
std::optional<permit> semaphore::try_acquire_for(std::chrono::duration<Rep, Period> span) & {
  return take(detail::deadline::after(span));
}
/// @endcond

inline std::optional<permit> semaphore::take(const detail::deadline& until) {
  detail::connection& place = opened();  // exit() may destroy this handle meanwhile
  if (!detail::permit_pool(place).take(until)) return std::nullopt;
  return permit(place);
}

}  // namespace shm

// ---- shm/base/compared_as_text.hpp
// Compared as text: the comparisons of a type with itself and with everything that is a text.

namespace shm::detail {

/// Base of a type that converts to std::string_view.
struct compared_as_text {};

template <class A, class B>
using if_comparable_texts = std::enable_if_t<
    (std::is_base_of_v<compared_as_text, A> ||
     std::is_base_of_v<compared_as_text, B>)&&std::is_convertible_v<const A&, std::string_view> &&
        std::is_convertible_v<const B&, std::string_view>,
    bool>;

template <class A, class B>
if_comparable_texts<A, B> operator==(const A& a, const B& b) noexcept {
  return std::string_view(a) == std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator!=(const A& a, const B& b) noexcept {
  return std::string_view(a) != std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator<(const A& a, const B& b) noexcept {
  return std::string_view(a) < std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator>(const A& a, const B& b) noexcept {
  return std::string_view(a) > std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator<=(const A& a, const B& b) noexcept {
  return std::string_view(a) <= std::string_view(b);
}
template <class A, class B>
if_comparable_texts<A, B> operator>=(const A& a, const B& b) noexcept {
  return std::string_view(a) >= std::string_view(b);
}

}  // namespace shm::detail

// ---- shm/base/stored_size.hpp
// Stored size: the number of elements in a container that lies in shared memory.

namespace shm::detail {

/// A size that another process may overwrite at any time, with any number: read once for each use,
/// and bounded.
class stored_size {
 public:
  std::size_t at_most(std::size_t limit) const noexcept {
    // Relaxed: nothing is ordered by it; it keeps the compiler from reading twice.
    return std::min<std::size_t>(__atomic_load_n(&size_, __ATOMIC_RELAXED), limit);
  }
  void set(std::size_t size) noexcept {
    // Relaxed: the lock or the guard orders what the caller stores.
    __atomic_store_n(&size_, static_cast<std::uint32_t>(size), __ATOMIC_RELAXED);
  }

 private:
  std::uint32_t size_ = 0;
};

[[noreturn, gnu::cold]] inline void refuse_size(const char* whose, std::size_t count,
                                                const char* what, std::size_t room) {
  throw std::length_error(std::string(whose) + ": " + std::to_string(count) + ' ' + what +
                          " do not fit into " + std::to_string(room));
}

}  // namespace shm::detail

// ---- shm/static_string.hpp
// Static string: text of at most N bytes that lies in its struct, to be shared as a member.

namespace shm {

/// Text of at most N bytes, inside the struct that it is a member of. Trivially copyable; unused
/// bytes are zero, so that equal strings have equal bytes, and a map can have it as key. There is
/// no terminating NUL: use view() or str(). Nothing blocks.
///
///     struct robot {
///       shm::static_string<31> name;
///       double x, y;
///     };
///     shm::object<robot> ilse{"ilse"};
///     ilse.update([](robot& it) { it.name = "Ilse"; });
///
/// What does not fit throws std::length_error and changes nothing. A size that somebody scribbled
/// into shared memory counts as N at most: no access goes beyond the N bytes.
template <std::size_t N>
class static_string : public detail::compared_as_text {
  static_assert(N > 0, "shm: a static_string has room for at least one byte");
  static_assert(N <= 0xffffffff, "shm: the size of a static_string has 32 bits");
  template <class Text>
  using if_text = std::enable_if_t<std::is_convertible_v<const Text&, std::string_view>>;

 public:
  using value_type = char;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = char&;
  using const_reference = const char&;
  using pointer = char*;
  using const_pointer = const char*;
  using iterator = char*;
  using const_iterator = const char*;
  static constexpr std::size_t npos = std::string_view::npos;

  constexpr static_string() noexcept = default;
  template <class Text, class = if_text<Text>>
  static_string(const Text& text) {
    assign(text);
  }
  static_string(std::size_t count, char c) { resize(count, c); }

  template <class Text, class = if_text<Text>>
  static_string& operator=(const Text& text) {
    return assign(text);
  }
  /// The text may lie in this string.
  static_string& assign(std::string_view text) {
    check(text.size());
    set_size(std::copy(text.begin(), text.end(), text_) - text_);
    return *this;
  }

  operator std::string_view() const noexcept { return view(); }
  std::string_view view() const noexcept { return {text_, size()}; }
  std::string str() const { return std::string(view()); }

  std::size_t size() const noexcept { return size_.at_most(N); }
  std::size_t length() const noexcept { return size(); }
  bool empty() const noexcept { return size() == 0; }
  static constexpr std::size_t capacity() noexcept { return N; }
  static constexpr std::size_t max_size() noexcept { return N; }

  const char* data() const noexcept { return text_; }
  char* data() noexcept { return text_; }
  const char* begin() const noexcept { return text_; }
  const char* end() const noexcept { return text_ + size(); }
  char* begin() noexcept { return text_; }
  char* end() noexcept { return text_ + size(); }
  const char* cbegin() const noexcept { return begin(); }
  const char* cend() const noexcept { return end(); }

  /// Precondition: i < size().
  const char& operator[](std::size_t i) const { return text_[checked(i)]; }
  char& operator[](std::size_t i) { return text_[checked(i)]; }
  /// Throws std::out_of_range.
  const char& at(std::size_t i) const { return text_[known(i)]; }
  char& at(std::size_t i) { return text_[known(i)]; }
  /// Precondition: not empty.
  const char& front() const { return (*this)[0]; }
  char& front() { return (*this)[0]; }
  const char& back() const { return (*this)[size() - 1]; }
  char& back() { return (*this)[size() - 1]; }

  /// The text may lie in this string.
  static_string& append(std::string_view text) {
    const std::size_t before = size();
    check(text.size() > N ? text.size() : before + text.size());
    set_size(std::copy(text.begin(), text.end(), text_ + before) - text_);
    return *this;
  }
  static_string& append(std::size_t count, char c) {
    resize(count > N ? count : size() + count, c);
    return *this;
  }
  static_string& operator+=(std::string_view text) { return append(text); }
  static_string& operator+=(char c) { return append(1, c); }
  void push_back(char c) { append(1, c); }
  /// Precondition: not empty.
  void pop_back() {
    Expects(!empty());
    resize(size() - 1);
  }
  void clear() noexcept { set_size(0); }
  void resize(std::size_t count, char c = '\0') {
    check(count);
    const std::size_t before = size();
    if (count > before) std::fill(text_ + before, text_ + count, c);
    set_size(static_cast<std::ptrdiff_t>(count));
  }
  /// Throws std::out_of_range if there is no such place.
  static_string& insert(std::size_t at, std::string_view text) {
    if (at > size()) refuse_place(at);
    const static_string behind = substr(at), inserted(text);  // the text may lie in this string
    check(size() + inserted.size());
    resize(at);
    return append(inserted).append(behind);
  }
  /// Throws std::out_of_range if there is no such place.
  static_string& erase(std::size_t at = 0, std::size_t count = npos) {
    const std::string_view rest = view().substr(at);
    const static_string behind(rest.substr(std::min(count, rest.size())));
    resize(at);
    return append(behind);
  }

  /// Throws std::out_of_range if there is no such place.
  static_string substr(std::size_t at = 0, std::size_t count = npos) const {
    return view().substr(at, count);
  }
  int compare(std::string_view other) const noexcept { return view().compare(other); }
  bool starts_with(std::string_view text) const noexcept {
    return view().substr(0, text.size()) == text;
  }
  bool ends_with(std::string_view text) const noexcept {
    return size() >= text.size() && view().substr(size() - text.size()) == text;
  }
  std::size_t find(std::string_view text, std::size_t from = 0) const noexcept {
    return view().find(text, from);
  }
  std::size_t find(char c, std::size_t from = 0) const noexcept { return view().find(c, from); }
  std::size_t rfind(std::string_view text, std::size_t from = npos) const noexcept {
    return view().rfind(text, from);
  }
  std::size_t rfind(char c, std::size_t from = npos) const noexcept {
    return view().rfind(c, from);
  }

  template <class Traits>
  friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& to,
                                                      const static_string& text) {
    return to << std::basic_string_view<char, Traits>(text.data(), text.size());
  }

 private:
  static void check(std::size_t count) {
    if (count > N) detail::refuse_size("shm::static_string", count, "bytes", N);
  }
  std::size_t checked(std::size_t i) const {
    Expects(i < size());
    return i;
  }
  std::size_t known(std::size_t i) const {
    if (i >= size()) refuse_place(i);
    return i;
  }
  [[noreturn]] static void refuse_place(std::size_t i) {
    throw std::out_of_range("shm::static_string: there is no byte " + std::to_string(i));
  }

  /// Bytes behind the end become zero.
  void set_size(std::ptrdiff_t count) noexcept {
    for (auto i = static_cast<std::size_t>(count); i < N; ++i) text_[i] = '\0';
    size_.set(static_cast<std::size_t>(count));
  }

  detail::stored_size size_;
  char text_[N] = {};
};

namespace detail {

template <std::size_t N>
struct described<static_string<N>> : as_a_scalar {
  using parts = type_list<>;
  static std::string format() {
    return format_of_pair<std::uint32_t, char[N]>(
        format_of<std::uint32_t>() + ":size:", format_of<char[N]>() + ":text:",
        sizeof(static_string<N>));
  }
  static std::string meaning() { return "string"; }
};

template <std::size_t N>
inline constexpr std::size_t identifying_bytes<static_string<N>> = sizeof(std::uint32_t) + N;

}  // namespace detail

}  // namespace shm

/// @cond
template <std::size_t N>
struct std::hash<shm::static_string<N>> {
  std::size_t operator()(const shm::static_string<N>& text) const noexcept {
    return std::hash<std::string_view>()(text.view());
  }
};
/// @endcond

// ---- shm/static_vector.hpp
// Static vector: at most N elements that lie in their struct, to be shared as a member.

namespace shm {

/// At most N elements, inside the struct that it is a member of. Trivially copyable; unused bytes
/// are zero. Nothing blocks.
///
///     struct plan { shm::static_vector<waypoint, 16> path; };
///     shm::object<plan> shared{"plan"};
///     shared.update([](plan& it) { it.path.push_back({1.0, 2.0}); });
///
/// What does not fit throws std::length_error and changes nothing; of a range that can be gone
/// through only once, what fits is taken before. A size that somebody scribbled into shared memory
/// counts as N at most: no access goes beyond the N elements.
template <class T, std::size_t N>
class static_vector {
  static_assert(N > 0, "shm: a static_vector has room for at least one element");
  static_assert(N <= 0xffffffff, "shm: the size of a static_vector has 32 bits");
  static_assert(std::is_trivially_copyable_v<T>,
                "shm: the elements of a static_vector are trivially copyable: they are copied as "
                "bytes between processes");
  template <class Iterator>
  using if_iterator = std::enable_if_t<
      !std::is_integral_v<Iterator> &&
      std::is_convertible_v<typename std::iterator_traits<Iterator>::iterator_category,
                            std::input_iterator_tag>>;

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using pointer = T*;
  using const_pointer = const T*;
  using iterator = T*;
  using const_iterator = const T*;
  using reverse_iterator = std::reverse_iterator<iterator>;
  using const_reverse_iterator = std::reverse_iterator<const_iterator>;

  static_vector() noexcept = default;
  explicit static_vector(std::size_t count) { resize(count); }
  static_vector(std::size_t count, const T& value) { assign(count, value); }
  template <class Iterator, class = if_iterator<Iterator>>
  static_vector(Iterator first, Iterator last) {
    assign(first, last);
  }
  static_vector(std::initializer_list<T> values) { assign(values.begin(), values.end()); }

  static_vector& operator=(std::initializer_list<T> values) {
    assign(values.begin(), values.end());
    return *this;
  }
  /// The value, or range, must not lie in this vector.
  void assign(std::size_t count, const T& value) {
    check(count);
    clear();
    resize(count, value);
  }
  template <class Iterator, class = if_iterator<Iterator>>
  void assign(Iterator first, Iterator last) {
    check(least_distance(first, last));
    clear();
    for (; first != last; ++first) push_back(*first);
  }
  void assign(std::initializer_list<T> values) { assign(values.begin(), values.end()); }

  std::size_t size() const noexcept { return size_.at_most(N); }
  bool empty() const noexcept { return size() == 0; }
  static constexpr std::size_t capacity() noexcept { return N; }
  static constexpr std::size_t max_size() noexcept { return N; }

  const T* data() const noexcept { return const_cast<static_vector*>(this)->data(); }
  T* data() noexcept { return std::launder(static_cast<T*>(static_cast<void*>(items_))); }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size(); }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size(); }
  const T* cbegin() const noexcept { return begin(); }
  const T* cend() const noexcept { return end(); }
  reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
  reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
  const_reverse_iterator rbegin() const noexcept { return const_reverse_iterator(end()); }
  const_reverse_iterator rend() const noexcept { return const_reverse_iterator(begin()); }

  /// Precondition of these: there is the element.
  const T& operator[](std::size_t i) const {
    Expects(i < size());
    return data()[i];
  }
  T& operator[](std::size_t i) { return const_cast<T&>(std::as_const(*this)[i]); }
  /// Throws std::out_of_range.
  const T& at(std::size_t i) const {
    if (i < size()) return data()[i];
    throw std::out_of_range("shm::static_vector: there is no element " + std::to_string(i));
  }
  T& at(std::size_t i) { return const_cast<T&>(std::as_const(*this).at(i)); }

  const T& front() const { return (*this)[0]; }
  T& front() { return (*this)[0]; }
  const T& back() const { return (*this)[size() - 1]; }
  T& back() { return (*this)[size() - 1]; }

  void push_back(const T& value) { emplace_back(value); }
  template <class... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    const std::size_t at = size();
    check(at + 1);
    T* const added = construct(at, std::forward<Arguments>(arguments)...);
    size_.set(at + 1);
    return *added;
  }
  /// Precondition: not empty.
  void pop_back() {
    Expects(!empty());
    set_size(size() - 1);
  }
  void clear() noexcept { set_size(0); }
  void resize(std::size_t count) {
    check(count);
    for (std::size_t i = size(); i < count; ++i) construct(i);
    set_size(count);
  }
  void resize(std::size_t count, const T& value) {
    check(count);
    for (std::size_t i = size(); i < count; ++i) construct(i, value);
    set_size(count);
  }

  /// Precondition of all that take a place: it lies in this vector.
  iterator insert(const_iterator before, const T& value) { return insert(before, 1, value); }
  iterator insert(const_iterator before, std::size_t count, const T& value) {
    const std::ptrdiff_t at = checked(before);
    const std::size_t old = size();
    check(count > N ? count : old + count);
    resize(old + count, value);
    return rotate(at, old);
  }
  /// The range must not lie in this vector.
  template <class Iterator, class = if_iterator<Iterator>>
  iterator insert(const_iterator before, Iterator first, Iterator last) {
    const std::ptrdiff_t at = checked(before);
    const std::size_t old = size();
    check(old + least_distance(first, last));
    for (; first != last; ++first) push_back(*first);
    return rotate(at, old);
  }
  iterator erase(const_iterator which) { return erase(which, which + 1); }
  iterator erase(const_iterator first, const_iterator last) {
    const std::ptrdiff_t at = checked(first), behind = checked(last);
    std::copy(begin() + behind, end(), begin() + at);
    set_size(size() - static_cast<std::size_t>(behind - at));
    return begin() + at;
  }

  friend bool operator==(const static_vector& a, const static_vector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend bool operator!=(const static_vector& a, const static_vector& b) { return !(a == b); }
  friend bool operator<(const static_vector& a, const static_vector& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
  friend bool operator>(const static_vector& a, const static_vector& b) { return b < a; }
  friend bool operator<=(const static_vector& a, const static_vector& b) { return !(b < a); }
  friend bool operator>=(const static_vector& a, const static_vector& b) { return !(a < b); }

 private:
  static void check(std::size_t count) {
    if (count > N) detail::refuse_size("shm::static_vector", count, "elements", N);
  }
  /// 0 for a range that can be gone through only once.
  template <class Iterator>
  static std::size_t least_distance(Iterator first, Iterator last) {
    using category = typename std::iterator_traits<Iterator>::iterator_category;
    const bool is_forward = std::is_convertible_v<category, std::forward_iterator_tag>;
    return is_forward ? static_cast<std::size_t>(std::distance(first, last)) : 0;
  }

  /// Moves what was added behind the old end to its place.
  iterator rotate(std::ptrdiff_t at, std::size_t old) {
    std::rotate(begin() + at, begin() + old, end());
    return begin() + at;
  }

  std::ptrdiff_t checked(const_iterator place) const {
    Expects(begin() <= place && place <= end());
    return place - begin();
  }

  template <class... Arguments>
  T* construct(std::size_t i, Arguments&&... arguments) {
    void* const where = items_ + i * sizeof(T);
    if constexpr (std::is_constructible_v<T, Arguments...>) {
      return ::new (where) T(std::forward<Arguments>(arguments)...);
    } else {
      return ::new (where) T{std::forward<Arguments>(arguments)...};
    }
  }

  /// Bytes behind the end become zero.
  void set_size(std::size_t count) noexcept {
    std::memset(items_ + count * sizeof(T), 0, (N - count) * sizeof(T));
    size_.set(count);
  }

  detail::stored_size size_;
  alignas(T) std::byte items_[N * sizeof(T)] = {};
};

namespace detail {

template <class T, std::size_t N>
struct described<static_vector<T, N>> {
  static constexpr bool is = true;
  static constexpr const char* inner_name = "items";
  using inner = T[N];
  using parts = type_list<T>;
  static std::string format() {
    return format_of_pair<std::uint32_t, T[N]>(
        format_of<std::uint32_t>() + ":size:", format_of_several(N, format_of<T>()) + ":items:",
        sizeof(static_vector<T, N>));
  }
  static std::string meaning() { return "vector"; }
};

}  // namespace detail
}  // namespace shm

// ---- shm/os/event.hpp
// Event: a file descriptor that is readable while it is signalled.

namespace shm::detail {

class event {
 public:
  /// Throws std::system_error.
  event() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (descriptor_ == -1) throw std::system_error(errno, std::system_category(), "shm: eventfd");
  }
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() { ::close(descriptor_); }

  int descriptor() const noexcept { return descriptor_; }

  void signal() const noexcept {
    const std::uint64_t one = 1;
    // Fails only if it has been signalled 2^64 - 2 times since it was cleared: then it is readable.
    while (::write(descriptor_, &one, sizeof one) == -1 && errno == EINTR) {
    }
  }
  void clear() const noexcept {
    std::uint64_t signals = 0;
    // EAGAIN: it was not signalled.
    while (::read(descriptor_, &signals, sizeof signals) == -1 && errno == EINTR) {
    }
  }

 private:
  int descriptor_;
};

}  // namespace shm::detail

// ---- shm/sync/watched_handle.hpp
// Watched handle: a handle of any type that a watcher looks after, and what it saw there last.

namespace shm::detail {

/// A handle that a watcher looks after.
class watched_handle {
 public:
  watched_handle(std::size_t number, const open_place& place) noexcept
      : number_(number), point_(place), counted_(place.sleeping()) {}
  watched_handle(const watched_handle&) = delete;
  watched_handle& operator=(const watched_handle&) = delete;
  virtual ~watched_handle() = default;

  std::size_t number() const noexcept { return number_; }
  const watch_point& point() const noexcept { return point_; }
  /// False: exit() has closed the handle.
  bool may_sleep() const noexcept { return counted_.may_sleep(); }
  bool is_removed() const noexcept { return point_.place().is_removed(); }

  /// Returns whether the version is another than at the look before, or the object has just been
  /// found to be removed.
  bool has_changed() noexcept {
    const bool was_removed = std::exchange(was_removed_, is_removed());
    const std::uint64_t seen_before = std::exchange(seen_, version());
    return seen_ != seen_before || was_removed_ != was_removed;
  }

  virtual watch_point::glance look() const noexcept = 0;

  watch_point::glance before{};
  bool is_reported = false;  ///< and nobody has asked since

 protected:
  void begin_with(std::uint64_t version) noexcept { seen_ = version; }

 private:
  virtual std::uint64_t version() const noexcept = 0;

  std::size_t number_;
  watch_point point_;
  sleepers::one counted_;
  std::uint64_t seen_ = 0;
  bool was_removed_ = false;
};

template <class Version, class WordsOfChange>
class watched_handle_of final : public watched_handle {
 public:
  watched_handle_of(std::size_t number, const open_place& place, Version version,
                    WordsOfChange words) noexcept
      : watched_handle(number, place), version_(std::move(version)), words_(std::move(words)) {
    begin_with(version_());
  }

  watch_point::glance look() const noexcept override { return point().look(words_); }

 private:
  std::uint64_t version() const noexcept override { return version_(); }

  Version version_;
  WordsOfChange words_;
};

}  // namespace shm::detail

// ---- shm/sync/watch_group.hpp
// Watch group: one thread that waits for changes of several objects, and reports which changed.

namespace shm::detail {

/// The kernel lets a thread sleep at 128 words, so a watcher with many handles has several groups.
class watch_group {
 public:
  static constexpr std::size_t most_words = 128;
  static constexpr std::size_t most_handles = (most_words - 1) / (2 + watch_point::most_compared);

  /// What all groups of a watcher share: a lock over their handles, and the event that is signalled
  /// while one is reported.
  struct shared {
    std::mutex mutex;
    event changes;
  };

  explicit watch_group(shared& all) : all_(all) {
    const result<pthread_t> started = quiet_thread::start(run, this);
    if (!started.ok()) {
      throw std::system_error(started.error_number, std::system_category(),
                              "shm::watcher: pthread_create");
    }
    thread_ = started.value;
  }
  watch_group(const watch_group&) = delete;
  watch_group& operator=(const watch_group&) = delete;
  ~watch_group() {
    if (process::current() != process_) return;  // the thread is the parent's
    {
      const std::lock_guard<std::mutex> guard(all_.mutex);
      is_over_ = true;
      interrupt();
    }
    ::pthread_join(thread_, nullptr);
  }

  // The caller must hold the mutex of all groups, and have the process to itself that made the
  // group.

  bool has_room() const noexcept { return handles_.size() < most_handles; }

  void add(std::unique_ptr<watched_handle> handle) {
    handles_.push_back(std::move(handle));
    interrupt();
  }

  /// Returns false if the group has no handle of that number. Else blocks until the thread is done
  /// with it, and gives the mutex away meanwhile.
  bool remove(std::size_t number, std::unique_lock<std::mutex>& guard) {
    const auto found = std::find_if(handles_.begin(), handles_.end(),
                                    [number](const auto& one) { return one->number() == number; });
    if (found == handles_.end()) return false;
    const std::unique_ptr<watched_handle> removed = std::move(*found);
    handles_.erase(found);
    const std::uint32_t round = round_.load(std::memory_order_relaxed);
    interrupt();
    guard.unlock();
    // Acquire: the thread has looked at the handles without this one.
    while (round_.load(std::memory_order_acquire) == round) {
      static_cast<void>(futex::wait({&round_, round}, deadline::after(longest_sleep)));
    }
    guard.lock();
    return true;
  }

  void collect_reported(std::vector<std::size_t>& numbers) {
    for (const auto& handle : handles_) {
      if (handle->is_reported) numbers.push_back(handle->number());
      handle->is_reported = false;
    }
  }

 private:
  static void* run(void* group) noexcept {
    static_cast<watch_group*>(group)->loop();
    return nullptr;
  }

  void loop() noexcept {
    std::unique_lock<std::mutex> guard(all_.mutex);
    while (!is_over_) {
      // Relaxed: changed with the mutex held only.
      const std::uint32_t interruptions = interruptions_.load(std::memory_order_relaxed);
      // Release: the thread that removed a handle sees that this one is done with it.
      round_.fetch_add(1, std::memory_order_release);
      futex::wake_all(round_);
      const deadline until = prepare();
      if (report()) continue;
      sleep(interruptions, until, guard);
    }
  }

  /// Looks at all handles, reports those that have changed, and asks publishers to ring.
  deadline prepare() noexcept {
    for (const auto& handle : handles_) handle->before = handle->look();
    report();
    std::array<bool, most_handles> is_asked{};
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      is_asked[i] = handles_[i]->point().ask_to_ring(handles_[i]->before.version);
    }
    const bool is_ordered = process::barrier_everywhere();
    deadline until = deadline::after(longest_sleep);
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      if (handles_[i]->is_removed()) continue;
      until = until.or_earlier(handles_[i]->point().next_look(is_asked[i] && is_ordered));
    }
    return until;
  }

  /// Returns whether any has changed.
  bool report() noexcept {
    bool any = false;
    for (const auto& handle : handles_) {
      if (!handle->has_changed()) continue;
      handle->is_reported = any = true;
    }
    if (any) all_.changes.signal();
    return any;
  }

  /// The kernel returns the last word of the list that the thread was woken at. So the alarms come
  /// after all bells; and where one of them rang, those before it may have rung, too.
  ///
  /// The thread can hand on one alarm only, so it says which one when it knows. If the process is
  /// killed before, others find out within a second.
  void sleep(std::uint32_t interruptions, const deadline& until,
             std::unique_lock<std::mutex>& guard) noexcept {
    std::array<const watched_handle*, most_handles> handles{};
    std::size_t number = 0;
    for (const auto& handle : handles_) {
      if (!handle->is_removed() && handle->may_sleep()) handles[number++] = handle.get();
    }
    futex_list<most_words> list;
    list.add({&interruptions_, interruptions});
    for (std::size_t i = 0; i < number; ++i) list.add(handles[i]->point().bell(handles[i]->before));
    const std::size_t first_alarm = list.size();
    std::array<const header*, most_handles> alarms{};
    for (std::size_t i = 0; i < number; ++i) {
      if (!handles[i]->point().has_alarm()) continue;
      alarms[list.size() - first_alarm] = &handles[i]->point().place().head();
      list.add(handles[i]->point().alarm());
    }
    const std::size_t behind_alarms = list.size();
    for (std::size_t i = 0; i < number; ++i) {
      handles[i]->point().add_compared(handles[i]->before, list);
    }
    guard.unlock();
    const result<std::size_t> woken = futex::wait_any(list, until);
    if (woken.ok() && woken.value >= first_alarm && woken.value < behind_alarms) {
      for (std::size_t i = woken.value - first_alarm + 1; i-- > 0;) {
        const alarm_on_death hand_on(alarms[i]->alarm);
        ring_for_another(*alarms[i]);
      }
    }
    if (futex::is_refused(woken.error_number)) {
      // Here nothing but looking again tells.
      const deadline moment = deadline::after(std::chrono::milliseconds(1));
      static_cast<void>(futex::wait({&interruptions_, interruptions}, until.or_earlier(moment)));
    }
    guard.lock();
  }

  void interrupt() noexcept {
    interruptions_.fetch_add(1, std::memory_order_relaxed);
    futex::wake_all(interruptions_);
  }

  shared& all_;
  std::vector<std::unique_ptr<watched_handle>> handles_;
  futex_word interruptions_{0};
  futex_word round_{0};
  bool is_over_ = false;
  process_epoch process_ = process::current();
  pthread_t thread_{};
};

}  // namespace shm::detail

// ---- shm/watcher.hpp
// Watcher: a file descriptor that is readable while any of several objects has changed.

namespace shm {

/// Watches objects, arrays and maps for a program that waits in an event loop:
///
///     shm::object<const command> wanted("wanted");
///     shm::watcher watcher;
///     const std::size_t number = watcher.add(wanted);
///     // in the loop, when watcher.fd() is readable:
///     for (const std::size_t changed : watcher.changed()) {
///       if (changed == number) obey(wanted.load());
///     }
///
/// The descriptor works with poll, epoll, and the loops built on them. Every change makes it
/// readable; several changes may be reported as one. It is edge-safe: a change after changed() has
/// returned makes it readable again, so load after changed(). A removed object is reported once;
/// the next load() through its handle throws errc::removed.
///
/// A watcher has a thread of its own for each 18 handles, begun when the first of them is added.
/// The thread handles no signals and calls no function of the program. Read-only handles are
/// reported as late as a thread that waits through them would be woken.
///
/// All functions may be called from several threads at once. A child that fork() made cannot use
/// its copy: what it calls throws std::errc::operation_not_permitted, except the destructor. The
/// child makes a watcher of its own.
class watcher {
 public:
  /// Throws std::system_error if the kernel has no descriptor left.
  watcher() = default;
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  /// Blocks until its threads have ended. They never wait for other processes.
  ~watcher() = default;

  /// Watches for changes from now on. Returns a number for the handle; no other handle of this
  /// watcher has or gets it. The handle may be moved, but must not be closed before remove().
  /// Throws std::system_error if no thread can be made.
  template <class Handle>
  std::size_t add(const Handle& handle) {
    const std::lock_guard<std::mutex> guard(own().mutex);
    handle.watched_by([this](const auto& place, auto version, auto words) {
      using watched = detail::watched_handle_of<decltype(version), decltype(words)>;
      group_with_room().add(std::make_unique<watched>(last_number_ + 1, place, version, words));
    });
    return ++last_number_;
  }

  /// Watches that handle no longer. After it has returned, the handle may be closed, and changed()
  /// does not name it. Does nothing if there is no such number.
  void remove(std::size_t number) {
    std::unique_lock<std::mutex> guard(own().mutex);
    for (const auto& group : groups_) {
      if (group->remove(number, guard)) return;
    }
  }

  /// Readable while changed() would name any handle. Valid as long as the watcher. Do not read or
  /// close it.
  int fd() const noexcept { return shared_.changes.descriptor(); }

  /// Returns the numbers of the handles whose objects have changed since the last call, in no
  /// order, and makes the descriptor unreadable until the next change. Never blocks.
  std::vector<std::size_t> changed() {
    const std::lock_guard<std::mutex> guard(own().mutex);
    shared_.changes.clear();
    std::vector<std::size_t> numbers;
    for (const auto& group : groups_) group->collect_reported(numbers);
    return numbers;
  }

 private:
  detail::watch_group::shared& own() {
    if (detail::process::current() == process_) return shared_;
    throw error(std::make_error_code(std::errc::operation_not_permitted),
                "shm::watcher: it was made before fork() and belongs to the parent; make another "
                "one in the child");
  }

  detail::watch_group& group_with_room() {
    for (const auto& group : groups_) {
      if (group->has_room()) return *group;
    }
    groups_.push_back(std::make_unique<detail::watch_group>(shared_));
    return *groups_.back();
  }

  detail::watch_group::shared shared_;
  std::vector<std::unique_ptr<detail::watch_group>> groups_;
  std::size_t last_number_ = 0;
  detail::process_epoch process_ = prepared();

  static detail::process_epoch prepared() {
    detail::process::prepare();
    return detail::process::current();
  }
};

}  // namespace shm

// ---- shm.hpp
// Typed shared objects on System V shared memory: the list of public headers, nothing else.

/// @namespace shm
/// All that a program names. An object, array, map, mutex or semaphore is opened by a key, as
/// shm::options say, and stays until shm::remove(). What a refusal throws is a shm::error, with an
/// shm::errc.
