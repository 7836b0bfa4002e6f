// Slot: one place of a map, described like any struct, so that a mismatch names key and value.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <algorithm>
#include <boost/hana/define_struct.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>

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
