// Shared bytes: copies between private memory and memory that others change at the same time.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

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
