// Open modes: whether opening may create, must create, or must find.
// SPDX-License-Identifier: MIT
#pragma once

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
