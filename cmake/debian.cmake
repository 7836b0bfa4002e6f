# What `cpack` makes: libshm-dev_<version>_all.deb.
# SPDX-License-Identifier: MIT
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The shm authors <shm@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_NAME libshm-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libboost-dev (>= 1.74), libmsgsl-dev (>= 4.0)")
set(CPACK_PACKAGE_DESCRIPTION "Every process that names a struct sees the same struct, whole whatever process dies.")

# Debian wants the licence there; no other way of installing does.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_PACKAGE_NAME} RENAME copyright
        COMPONENT debian EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS
    "${CMAKE_CURRENT_BINARY_DIR};shm;ALL;/;${CMAKE_CURRENT_BINARY_DIR};shm;debian;/")
include(CPack)
