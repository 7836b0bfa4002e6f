# What `cmake --install` puts down: the headers, and a package that find_package(shm) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(shm_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/shm)
install(TARGETS shm EXPORT shm_targets FILE_SET HEADERS)
install(EXPORT shm_targets NAMESPACE shm:: DESTINATION ${shm_package_dir} FILE shm-targets.cmake)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/shm-config-version.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES cmake/shm-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/shm-config-version.cmake
        DESTINATION ${shm_package_dir})
