// JSON text: what ls and show print for programs.
// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <shm.hpp>

#include "value_text.hpp"

namespace tool {

/// Members in the order of the struct.
using json = nlohmann::ordered_json;

json value_as_json(const shm::field& what, bytes_view bytes, std::size_t dimension = 0);
json info_as_json(const shm::object_info& info);

/// Text that is no UTF-8 is made so; all but ASCII is escaped, so that no terminal obeys it.
std::string dumped(const json& what);
std::string dumped_in_a_line(const json& what);

}  // namespace tool
