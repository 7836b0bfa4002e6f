// Print formats: what the schema says of structs, and what the compiler does with them.
// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdio>
#include <shm.hpp>

#include "support/schema_types.hpp"
#include "support/types.hpp"

namespace {

/// format, size, then name and offset of each member.
template <class T>
void print() {
  std::printf("%s %zu", std::string(shm::schema_of<T>().format()).c_str(), sizeof(T));
  static const shm::detail::unconstructed<T> place{};
  shm::detail::for_each_member<T>([](const char* name, auto accessor) {
    const auto* const start = reinterpret_cast<const std::byte*>(&place.value);
    const auto* const member = reinterpret_cast<const std::byte*>(&accessor(place.value));
    std::printf(" %s %td", name, member - start);
  });
  std::puts("");
}

}  // namespace

int main() {
  print<support::telemetry>();
  print<every_kind>();
  print<c_style>();
  print<inner>();
}
