// Picture: a segment's memory, line by line: offset, bytes, meaning; and what nobody explains.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <shm.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

class picture {
 public:
  picture(const char* title, const shm::key& key) {
    const auto found = shm::detail::segment::find(key.segment_key());
    if (!found.ok()) throw std::runtime_error("no segment to look at");
    memory_ = std::move(
        shm::detail::attachment::of(found.value, shm::detail::attach_mode::read_only).value);
    if (!memory_) throw std::runtime_error("cannot attach the segment");
    size_ = found.value.stat().value.size;
    std::printf("\n# %s: %zu bytes\n\n", title, size_);
    show_header();
    show_seats();
    show_schema();
  }

  const std::byte* payload() const { return memory_.address() + fixed().payload_offset; }

  template <class Member>
  void show(const char* what, const Member& member) {
    show(what, &member, sizeof member);
  }
  void show(const std::string& what, const void* at, std::size_t size) {
    const auto* const bytes = static_cast<const std::byte*>(at);
    const auto zero = [](std::byte byte) { return byte == std::byte{}; };
    if (size > 16 && std::all_of(bytes, bytes + size, zero)) {
      add(at, size, "00 x " + std::to_string(size), what);
      return;
    }
    for (std::size_t i = 0; i < size; i += 16) {
      const std::size_t part = std::min<std::size_t>(16, size - i);
      add(bytes + i, part, hex(bytes + i, part), what);
    }
  }

  /// What differs from run to run.
  template <class Member>
  void hide(const char* what, const Member& member) {
    hide(what, &member, sizeof member);
  }
  void hide(const char* what, const void* at, std::size_t size) {
    add(at, size, "?? x " + std::to_string(size), what);
  }

  /// Prints all, and what nobody has shown.
  void print() {
    const auto by_offset = [](const line& a, const line& b) { return a.offset < b.offset; };
    std::sort(lines_.begin(), lines_.end(), by_offset);
    std::size_t end = 0;
    const std::vector<line> shown = std::move(lines_);
    lines_.clear();
    for (const line& one : shown) {
      if (one.offset < end) throw std::logic_error(one.what + " overlaps what lies before it");
      show("unused", memory_.address() + end, one.offset - end);
      lines_.push_back(one);
      end = one.offset + one.size;
    }
    show("unused", memory_.address() + end, size_ - end);
    for (const line& one : lines_) {
      std::printf("%6zu  %-47s  %s\n", one.offset, one.bytes.c_str(), one.what.c_str());
    }
  }

 private:
  struct line {
    std::size_t offset, size;
    std::string bytes, what;
  };

  const shm::detail::header& head() const { return shm::detail::header_at(memory_); }
  const shm::detail::description& fixed() const { return head().fixed; }
  std::size_t after_seats() const {
    return sizeof(shm::detail::header) + fixed().seats * sizeof(shm::detail::seat_entry);
  }

  void show_header() {
    show_life();
    const std::uint64_t holder = shm::detail::seat_identity::in(head().lock.load()).bits();
    add(&head().lock, sizeof head().lock, hex(&holder, sizeof holder), "lock, without the thread");
    show("version", head().version);
    show("section", head().section);
    show("waiters", head().waiters);
    show("watched", head().watched);
    show("alarm", head().alarm);
    show("bell", head().bell);
    show("last_generation", head().last_generation);
    show("reserved", head().reserved);
    show("layout", fixed().layout);
    show("kind", fixed().kind);
    show("until_last_detach", fixed().until_last_detach);
    show("seats", fixed().seats);
    show("name_length", fixed().name_length);
    show("schema_length", fixed().schema_length);
    show("type_size", fixed().type_size);
    show("type_alignment", fixed().type_alignment);
    show("fingerprint", fixed().fingerprint);
    show("payload_size", fixed().payload_size);
    show("payload_offset", fixed().payload_offset);
    hide("name", fixed().name, fixed().name_length);
    show("rest of name", fixed().name + fixed().name_length,
         sizeof fixed().name - fixed().name_length);
    show("boot", fixed().boot);
    show("in_flight_offset", fixed().in_flight_offset);
    show("in_flight_size", fixed().in_flight_size);
    show("wake_readers", fixed().wake_readers);
  }

  /// The mark is random.
  void show_life() {
    const std::uint64_t word =
        shm::detail::life_word(shm::detail::life_of(head()).state(), 0).bits();
    add(&head().life, sizeof head().life, hex(&word, sizeof word), "life, without the mark");
  }

  void show_seats() {
    const auto* const seats =
        static_cast<const shm::detail::seat_entry*>(static_cast<const void*>(&head() + 1));
    for (unsigned seat = 0; seat < fixed().seats; ++seat) {
      const bool taken = seats[seat].generation != 0;
      const auto unless_free = [&](const char* what, const auto& member) {
        taken ? hide(what, member) : show(what, member);
      };
      unless_free("seat: incarnation", seats[seat].incarnation);
      show("seat: generation", seats[seat].generation);
      unless_free("seat: process", seats[seat].process);
    }
  }

  void show_schema() {
    const auto* const text =
        static_cast<const char*>(static_cast<const void*>(memory_.address() + after_seats()));
    for (std::size_t i = 0; i < fixed().schema_length; i += 16) {
      const std::string part(text + i, std::min<std::size_t>(16, fixed().schema_length - i));
      show("schema: " + part, text + i, part.size());
    }
  }

  void add(const void* at, std::size_t size, const std::string& bytes, const std::string& what) {
    const auto offset = static_cast<const std::byte*>(at) - memory_.address();
    lines_.push_back({static_cast<std::size_t>(offset), size, bytes, what});
  }

  static std::string hex(const void* at, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
      char byte[4];
      std::snprintf(byte, sizeof byte, "%s%02x", i == 0 ? "" : " ",
                    static_cast<const unsigned char*>(at)[i]);
      text += byte;
    }
    return text;
  }

  shm::detail::attachment memory_;
  std::size_t size_ = 0;
  std::vector<line> lines_;
};

}  // namespace support
