include(CMakeFindDependencyMacro)
find_dependency(Boost)
find_dependency(Microsoft.GSL CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/shm-targets.cmake)
