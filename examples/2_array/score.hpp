// Score: one line of the board.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <shm.hpp>

struct score {
  using text = std::array<char, 16>;
  BOOST_HANA_DEFINE_STRUCT(score, (text, player), (std::int32_t, points));
};

using score_board = shm::array<score, 4>;
using const_score_board = shm::array<const score, 4>;
