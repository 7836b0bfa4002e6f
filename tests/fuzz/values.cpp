// Fuzz, values: hostile bytes in strings and vectors never lead outside of them.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <shm.hpp>
#include <string_view>

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

using text = shm::static_string<13>;
using texts = shm::static_vector<shm::static_string<3>, 5>;

/// Alone in memory, so that AddressSanitizer sees each byte beside it.
template <class T>
std::unique_ptr<T> scribbled(const std::uint8_t*& data, std::size_t& size) {
  auto value = std::make_unique<T>();
  const std::size_t part = std::min(size, sizeof(T));
  std::memcpy(static_cast<void*>(value.get()), data, part);
  data += part;
  size -= part;
  return value;
}

template <class F>
void try_to(F&& f) {
  try {
    f();
  } catch (const std::length_error&) {
  } catch (const std::out_of_range&) {
  }
}

void use(text& one, std::string_view other, std::size_t at) {
  require(one.size() <= text::capacity() && one.view().size() == one.size(), "a bounded string");
  try_to([&] { one.insert(at, other); });
  try_to([&] { one.append(other); });
  try_to([&] { one.erase(at, 2); });
  try_to([&] { one.resize(at); });
  try_to([&] { one.at(at) = 'x'; });
  require(one.size() <= text::capacity(), "a bounded string");
  if (!one.empty()) one.pop_back();
}

void use(texts& all, std::size_t at) {
  require(all.size() <= texts::capacity(), "a bounded vector");
  for (const auto& one : all) require(one.size() <= one.capacity(), "a bounded string inside");
  const std::size_t before = all.size();
  try_to(
      [&] { all.insert(all.begin() + static_cast<std::ptrdiff_t>(std::min(at, before)), "new"); });
  try_to([&] { all.resize(at); });
  try_to([&] { all.at(at) = "at"; });
  if (!all.empty()) all.erase(all.begin());
  require(all.size() <= texts::capacity(), "a bounded vector");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto one = scribbled<text>(data, size), other = scribbled<text>(data, size);
  const auto all = scribbled<texts>(data, size);
  const std::size_t at = size == 0 ? 0 : data[0] % 20;
  use(*all, at);
  use(*one, *other, at);
  return 0;
}
