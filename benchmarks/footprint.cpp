// Footprint: the bytes that an object takes beside its value, in its segment and in the kernel.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <shm.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/memory.hpp"

namespace {

/// What the kernel takes for one semaphore: struct sem, aligned to a cache line.
constexpr std::size_t bytes_of_semaphore = 64;
constexpr std::size_t semaphores_beside_seats = 6;

struct footprint {
  std::size_t segment;     ///< its size, as `ipcs -m` shows it
  std::size_t semaphores;  ///< what the kernel takes for them
  std::size_t beside;  ///< both, in whole pages, but for the pages that the bare value would take
};

std::size_t in_whole_pages(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

footprint look_at(const std::string& name) {
  for (const shm::object_info& info : shm::list()) {
    if (info.name != name) continue;
    const auto semaphores = (info.most_seats + semaphores_beside_seats) * bytes_of_semaphore;
    return {info.segment_size, semaphores,
            in_whole_pages(info.segment_size) - in_whole_pages(info.size) + semaphores};
  }
  throw std::runtime_error("the object is not in the list");
}

template <class Shared>
footprint measure() {
  const bench::scratch name;
  const Shared shared(name.name());
  return look_at(name.name());
}

using contenders = std::map<std::string, std::function<footprint()>>;

template <std::size_t Size>
footprint of_object() {
  return measure<shm::object<std::array<std::uint64_t, Size / 8>>>();
}

const contenders& all() {
  static const contenders known = {
      {"shm::mutex", measure<shm::mutex>},
      {"shm::object of 64 B", of_object<64>},
      {"shm::object of 1 KiB", of_object<1024>},
      {"shm::object of 1 MiB", of_object<1024 * 1024>},
      {"shm::array of 1024 × 64 B", measure<shm::array<std::array<std::uint64_t, 8>, 1024>>},
  };
  return known;
}

void list() {
  const char* separator = "[";
  for (const auto& [name, how] : all()) {
    std::printf(R"(%s{"job": "memory", "contender": "%s"})", separator, name.c_str());
    separator = ",\n ";
  }
  std::puts("]");
}

void run(const std::string& contender) {
  const footprint seen = all().at(contender)();
  std::printf(
      R"({"job": "memory", "contender": "%s", "value": %zu, "unit": "B", "better": "less", )"
      R"("segment": %zu, "semaphores": %zu})"
      "\n",
      contender.c_str(), seen.beside, seen.segment, seen.semaphores);
}

}  // namespace

/// footprint --list, or --job memory --contender NAME --seconds S
int main(int argc, char** argv) {
  try {
    if (argc == 2 && argv[1] == std::string_view("--list")) {
      list();
      return EXIT_SUCCESS;
    }
    if (argc == 7 && argv[3] == std::string_view("--contender")) {
      run(argv[4]);
      return EXIT_SUCCESS;
    }
    std::fputs("usage: footprint --list, or --job memory --contender NAME --seconds S\n", stderr);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "footprint: %s\n", failure.what());
  }
  return EXIT_FAILURE;
}
