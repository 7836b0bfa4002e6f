# What find_package(shm) finds: the target shm::shm, and what it needs.
# SPDX-License-Identifier: MIT
cmake_minimum_required(VERSION 3.21...3.30)
include(CMakeFindDependencyMacro)
find_dependency(Boost)
find_dependency(Microsoft.GSL CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/shm-targets.cmake)
