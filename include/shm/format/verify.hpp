// Verify: is the segment found what this program means by the name? Copied, checked, then used.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "../base/shared_bytes.hpp"
#include "../os/key.hpp"
#include "../os/refusals.hpp"
#include "../schema/difference.hpp"
#include "any_length.hpp"
#include "layout.hpp"

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
