// Scenario: what a fuzzer's input means: a segment's content, and who scribbles when.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <shm.hpp>
#include <vector>

namespace fuzz {

/// At that step of the library's protocols another process writes there.
struct scribble {
  std::uint64_t value;
  std::uint16_t offset;
  std::uint16_t step;
  std::uint32_t width;
};

/// The bits of scenario::conditions.
enum condition : std::uint8_t {
  right_mark = 1,
  right_name = 2,
  right_fingerprint = 4,
  somebody_attached = 8,
  edited_in_place = 16,
  door_occupied = 32,
  locked_in_memory = 64,
  open_to_everyone = 128,
};

/// The input's first bytes; the rest is the segment's content.
struct scenario {
  std::uint8_t segment;  ///< none, or of which size
  std::uint8_t mode;
  std::uint8_t set;
  std::uint8_t taken_seats;  ///< one bit each
  std::uint8_t conditions;
  std::uint8_t first, second;  ///< what is opened, and what beside it
  std::uint8_t unused;
  std::array<scribble, 4> scribbles;
};
static_assert(std::is_trivially_copyable_v<scenario> && sizeof(scenario) == 72);

using bytes = std::vector<std::uint8_t>;

/// So many values of scenario::first open what the good contents' first kind is, and so on; those
/// of a kind from the fourth on come after all others.
constexpr unsigned openers_of_a_kind = 4;
constexpr unsigned first_kinds = 3;
constexpr unsigned first_later_opener = 20;
/// These open what is there, of whatever kind.
constexpr unsigned first_untyped_opener = 17;

/// Makes inputs out of the contents of good segments: without that, none gets past the first eight
/// bytes.
class mutator {
 public:
  mutator(const std::vector<bytes>& good_contents, unsigned seed)
      : contents_(good_contents), random_(seed) {}

  /// A segment as it should be, and nobody who scribbles.
  bytes fresh() {
    scenario calm{};
    const std::size_t kind = below(contents_.size());
    calm.set = 1;
    calm.conditions = right_mark | right_name | right_fingerprint;
    const std::size_t openers = kind < first_kinds
                                    ? openers_of_a_kind * kind
                                    : first_later_opener + openers_of_a_kind * (kind - first_kinds);
    calm.first = static_cast<std::uint8_t>(openers + below(openers_of_a_kind));
    if (below(4) == 0) calm.first = static_cast<std::uint8_t>(first_untyped_opener + below(2));
    calm.second = byte();
    for (scribble& one : calm.scribbles) one.step = 0xffff;
    bytes input(sizeof calm);
    std::memcpy(input.data(), &calm, sizeof calm);
    const bytes& content = contents_[kind];
    input.insert(input.end(), content.begin(), content.end());
    return input;
  }

  void change(bytes& input) {
    scenario plan;
    std::memcpy(&plan, input.data(), sizeof plan);
    switch (below(4)) {
      case 0: change_circumstances(plan); break;
      case 1: change_scribbles(plan, input.size() - sizeof plan); break;
      default: change_content(input); return;
    }
    std::memcpy(input.data(), &plan, sizeof plan);
  }

 private:
  using header = shm::detail::header;
  using description = shm::detail::description;

  std::size_t below(std::size_t end) { return random_() % end; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(random_()); }

  void change_circumstances(scenario& plan) {
    switch (below(7)) {
      case 0: plan.segment = byte(); break;
      case 1: plan.mode = byte(); break;
      case 2: plan.set = byte(); break;
      case 3: plan.taken_seats = byte(); break;
      case 4: plan.conditions = static_cast<std::uint8_t>(plan.conditions ^ 1u << below(8)); break;
      case 5: plan.first = byte(); break;
      default: plan.second = byte();
    }
  }

  /// One, or several at the same step.
  void change_scribbles(scenario& plan, std::size_t size) {
    const auto step = static_cast<std::uint16_t>(below(below(2) == 0 ? 30 : 300));
    for (std::size_t more = 1 + below(2); more > 0; --more) {
      const place where = field(size);
      plan.scribbles[below(plan.scribbles.size())] = {
          value(where.width, size), static_cast<std::uint16_t>(where.offset), step,
          static_cast<std::uint32_t>(where.width)};
    }
  }

  void change_content(bytes& input) {
    const std::size_t size = input.size() - sizeof(scenario);
    const place where = field(size);
    if (where.offset + where.width > size) return;
    const std::uint64_t changed = value(where.width, size);
    std::memcpy(input.data() + sizeof(scenario) + where.offset, &changed, where.width);
  }

  struct place {
    std::size_t offset, width;
  };

  /// A field of the header, or a word of what lies behind it.
  place field(std::size_t size) {
    static constexpr std::size_t fixed = offsetof(header, fixed);
    static constexpr place fields[] = {{offsetof(header, life), 8},
                                       {offsetof(header, lock), 8},
                                       {offsetof(header, version), 8},
                                       {offsetof(header, section), 4},
                                       {offsetof(header, waiters), 4},
                                       {offsetof(header, last_generation), 4},
                                       {fixed + offsetof(description, layout), 4},
                                       {fixed + offsetof(description, kind), 4},
                                       {fixed + offsetof(description, until_last_detach), 4},
                                       {fixed + offsetof(description, seats), 4},
                                       {fixed + offsetof(description, name_length), 4},
                                       {fixed + offsetof(description, schema_length), 4},
                                       {fixed + offsetof(description, type_size), 8},
                                       {fixed + offsetof(description, type_alignment), 8},
                                       {fixed + offsetof(description, fingerprint), 8},
                                       {fixed + offsetof(description, payload_size), 8},
                                       {fixed + offsetof(description, payload_offset), 8},
                                       {fixed + offsetof(description, name), 8}};
    const std::size_t words = size > sizeof(header) ? (size - sizeof(header)) / 8 : 0;
    const std::size_t which = below(2 * std::size(fields) + words);
    if (which < 2 * std::size(fields)) return fields[which / 2];
    return {sizeof(header) + 8 * (which - 2 * std::size(fields)), 8};
  }

  std::uint64_t value(std::size_t width, std::size_t size) {
    const auto generation = static_cast<std::uint32_t>(below(8));
    switch (below(8)) {
      case 0: return 0;
      case 1: return ~std::uint64_t{0};
      case 2: return below(5);
      case 3: return size - below(std::min<std::size_t>(size + 1, 300));
      case 4: return random_();
      case 5: return std::uint64_t{random_()} << 32 | random_();
      case 6:
        return shm::detail::life_word(static_cast<shm::detail::life_state>(below(8)),
                                      static_cast<shm::detail::set_mark>(1 + below(3)))
            .bits();
      default:
        return width == 8 ? shm::detail::seat_identity(generation, byte() % 5).bits() | below(9)
                          : generation;
    }
  }

  const std::vector<bytes>& contents_;
  std::mt19937 random_;
};

}  // namespace fuzz
