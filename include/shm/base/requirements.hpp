// Requirements: language, platform and libraries, each refused in one clear error.
// SPDX-License-Identifier: MIT
#pragma once

// A missing file ends a compilation at once, so that nothing follows the one error that matters.
#if !defined(__linux__) || !defined(__LP64__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error \
    "shm supports 64-bit little-endian Linux, such as x86-64 and AArch64: its crash safety rests on it"
#include <shm stops at the error above>
#elif __cplusplus < 201703L
#error "shm needs C++17 or newer: compile with -std=c++17"
#include <shm stops at the error above>
#elif !defined(__cpp_exceptions)
#error "shm needs exceptions: every refusal is one; compile without -fno-exceptions"
#include <shm stops at the error above>
#elif defined(Bool)
#error "shm: Bool is a macro, most likely of X11: include <shm.hpp> before the headers of X11"
#include <shm stops at the error above>
#elif !__has_include(<boost/hana/define_struct.hpp>)
#error \
    "shm needs Boost.Hana (headers only): apt install libboost-dev | conan: boost | vcpkg: boost-hana | brew: boost"
#include <shm stops at the error above>
#elif !__has_include(<gsl/span>)
#error \
    "shm needs Microsoft GSL (headers only): apt install libmsgsl-dev | conan: ms-gsl | vcpkg: ms-gsl | brew: cpp-gsl"
#include <shm stops at the error above>
#endif
