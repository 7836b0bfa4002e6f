// Schema: what a type looks like in memory, as a text that is stored beside the value and compared.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace shm {

/// A PEP 3118 format with explicit byte order and padding, a size and an alignment. Nothing throws
/// but the constructor (std::bad_alloc); nothing blocks.
class schema {
 public:
  /// A format and what it does not say. schema_of<T>() makes those of types.
  schema(std::string format, std::size_t size, std::size_t alignment)
      : format_(std::move(format)), size_(size), alignment_(alignment), fingerprint_(hash()) {}

  /// For example `T{<d:speed:<i:gear:4x}`; NumPy reads it.
  std::string_view format() const noexcept { return format_; }
  /// In bytes.
  std::size_t size() const noexcept { return size_; }
  /// In bytes.
  std::size_t alignment() const noexcept { return alignment_; }
  /// A hash of all the rest; the same for every compiler and machine.
  std::uint64_t fingerprint() const noexcept { return fingerprint_; }

  /// Whether all of it is the same.
  friend bool operator==(const schema& a, const schema& b) noexcept {
    return a.fingerprint_ == b.fingerprint_ && a.size_ == b.size_ && a.alignment_ == b.alignment_ &&
           a.format_ == b.format_;
  }
  /// Whether anything differs.
  friend bool operator!=(const schema& a, const schema& b) noexcept { return !(a == b); }

 private:
  /// FNV-1a in 64 bits. Part of the memory layout: never changes without a new layout number.
  std::uint64_t hash() const noexcept {
    std::uint64_t h = 0xcbf29ce484222325;
    const auto add = [&h](unsigned char byte) { h = (h ^ byte) * 0x100000001b3; };
    for (const char c : format_) add(static_cast<unsigned char>(c));
    for (const std::uint64_t number : {std::uint64_t{size_}, std::uint64_t{alignment_}}) {
      for (unsigned shift = 0; shift < 64; shift += 8)
        add(static_cast<unsigned char>(number >> shift));
    }
    return h;
  }

  std::string format_;
  std::size_t size_;
  std::size_t alignment_;
  std::uint64_t fingerprint_;
};

}  // namespace shm
