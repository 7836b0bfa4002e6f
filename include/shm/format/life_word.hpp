// Life word: the first eight bytes of a segment: whose it is, its state, and its semaphore set.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "../os/set_values.hpp"

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
