// Object core: what a read-write handle of an object holds.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

#include "../base/shared_bytes.hpp"
#include "../schema/describe.hpp"
#include "drafting_core.hpp"
#include "value.hpp"
#include "versioned_cell.hpp"

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
