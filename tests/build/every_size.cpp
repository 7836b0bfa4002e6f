// Every size: what is copied into shared memory and out of it is the same, whatever its size.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <shm.hpp>

namespace {

constexpr std::size_t most = 600;

unsigned char byte_at(std::size_t i) {
  return static_cast<unsigned char>(i * 7 + 1);
}

/// Whether `copy(to, from, size)` writes that many bytes and no other.
template <class Copy>
bool is_right(Copy copy) {
  alignas(16) unsigned char from[most], to[most + 1];
  for (std::size_t i = 0; i < most; ++i) from[i] = byte_at(i);
  for (std::size_t size = 1; size <= most; ++size) {
    std::memset(to, 0, sizeof to);
    copy(to, from, size);
    if (std::memcmp(to, from, size) != 0 || to[size] != 0) return false;
  }
  return true;
}

template <std::size_t Alignment>
bool copies_right() {
  using namespace shm::detail;
  const auto load = [](void* to, const void* from, std::size_t size) {
    load_shared<Alignment>(to, from, size);
  };
  const auto store = [](void* to, const void* from, std::size_t size) {
    store_shared<Alignment>(to, from, size);
  };
  const auto move = [](void* to, const void* from, std::size_t size) {
    move_shared<Alignment>(to, from, size);
  };
  return is_right(load) && is_right(store) && is_right(move);
}

template <std::size_t Size>
bool shares_right(const shm::key& key) {
  using value = std::array<unsigned char, Size>;
  value first{}, second{};
  for (std::size_t i = 0; i < Size; ++i) {
    first[i] = byte_at(i);
    second[i] = byte_at(i + 100);
  }
  bool right = true;
  {
    shm::object<value> object(shm::create_only, key, first);
    right = right && object.load() == first && shm::object<const value>(key).load() == first;
    object.store(second);
    right = right && object.load() == second;
    object.update([&](value& draft) { draft = first; });
    right = right && object.load() == first;
  }
  shm::remove(key);
  {
    shm::array<value, 3> array(shm::create_only, key, first);
    array.store(1, second);
    right = right && array.load(0) == first && array.load(1) == second;
    right = right && array.snapshot()[1] == second && array.snapshot()[2] == first;
  }
  shm::remove(key);
  return right;
}

}  // namespace

int main() {
  const shm::key key = shm::key::anonymous();
  const bool right = copies_right<1>() && copies_right<2>() && copies_right<4>() &&
                     copies_right<8>() && shares_right<1>(key) && shares_right<8>(key) &&
                     shares_right<15>(key) && shares_right<16>(key) && shares_right<24>(key) &&
                     shares_right<65>(key) && shares_right<129>(key) && shares_right<600>(key);
  std::puts(right ? "right" : "wrong");
  return right ? 0 : 1;
}
