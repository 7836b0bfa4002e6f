// Motor: what the operator asks for, and what the controller has done.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <shm.hpp>

using moment = std::chrono::steady_clock::time_point;

struct command {
  BOOST_HANA_DEFINE_STRUCT(command, (std::int32_t, number), (double, speed), (bool, stop),
                           (moment, sent));
};

struct status {
  BOOST_HANA_DEFINE_STRUCT(status, (std::int32_t, obeyed), (double, speed));
};
