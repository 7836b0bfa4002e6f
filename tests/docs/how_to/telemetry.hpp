// Telemetry: the struct of the how-to samples.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <shm.hpp>

struct telemetry {
  BOOST_HANA_DEFINE_STRUCT(telemetry, (double, speed), (std::int32_t, gear));
};
