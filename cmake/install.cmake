# What `cmake --install` puts down: the headers, and a package that find_package(shm) and pkg-config find.
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(shm_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/shm)
target_include_directories(shm INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS shm EXPORT shm_targets)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT shm_targets NAMESPACE shm:: DESTINATION ${shm_package_dir} FILE shm-targets.cmake)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/shm-config-version.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES cmake/shm-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/shm-config-version.cmake
        DESTINATION ${shm_package_dir})

set(shm_pc_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${shm_pc_dir}
           OUTPUT_VARIABLE shm_prefix_from_pc)
configure_file(cmake/shm.pc.in ${CMAKE_CURRENT_BINARY_DIR}/shm.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shm.pc DESTINATION ${shm_pc_dir})
