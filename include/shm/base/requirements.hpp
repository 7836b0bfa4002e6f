// Requirements: what must be installed beside this library, said clearly.
// SPDX-License-Identifier: MIT
#pragma once

#if !__has_include(<boost/hana/define_struct.hpp>)
#error \
    "shm needs Boost.Hana (headers only): apt install libboost-dev | conan: boost | vcpkg: boost-hana | brew: boost"
#endif
#if !__has_include(<gsl/span>)
#error \
    "shm needs Microsoft GSL (headers only): apt install libmsgsl-dev | conan: ms-gsl | vcpkg: ms-gsl | brew: cpp-gsl"
#endif
#if !defined(__linux__)
#error \
    "shm needs Linux: its crash safety rests on SEM_UNDO, MADV_WIPEONFORK and shm_nattch as Linux has them"
#endif
