// Memory: names and bytes for one benchmark in one process, gone when it ends.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

#include "../contenders/ours.hpp"
#include "../contenders/site.hpp"

namespace bench {

/// A name that nobody else has; what is called so in the end is removed.
class scratch {
 public:
  const std::string& name() const { return site_.name(); }

 private:
  site site_;
  shm_remover removed_{site_};
};

/// Memory that other processes could share, as every contender's value has to lie in.
class plain_memory {
 public:
  /// Every page is there already: the first touch is another matter.
  explicit plain_memory(std::size_t size) : site_(size + offset) {
    std::memset(site_.memory(), 0, size + offset);
  }
  std::byte* bytes() const { return site_.memory() + offset; }

 private:
  static constexpr std::size_t offset = 1344;  // in a page, as a payload behind its header
  site site_;
};

}  // namespace bench
