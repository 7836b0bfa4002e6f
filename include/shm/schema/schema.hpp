// Schema: what a type looks like in memory, as a text that is stored beside the value and compared.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

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
