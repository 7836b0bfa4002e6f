// Leftovers: what the tests of this program have left behind.
// SPDX-License-Identifier: MIT
#include "leftovers.hpp"

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "names.hpp"

namespace support {
namespace {

/// Key and id of each segment or set in this namespace, below the line of titles.
void list_objects(const char* kind, std::vector<std::string>& found) {
  const std::string path = std::string("/proc/sysvipc/") + kind;
  std::ifstream table(path);
  std::string line, key, id;
  if (!std::getline(table, line)) throw std::runtime_error("cannot read " + path);
  while (table >> key >> id && std::getline(table, line))
    found.push_back(std::string(kind) + " key " + key + " id " + id);
}

}  // namespace

bool take_and_tell_leftovers(bool alone) {
  std::vector<std::string> left = names::take_leftovers();
  if (alone) {
    list_objects("shm", left);
    list_objects("sem", left);
  }
  for (const std::string& one : left)
    std::fprintf(stderr, "left behind by a test: %s\n", one.c_str());
  return !left.empty();
}

}  // namespace support
