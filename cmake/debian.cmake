# What `cpack` makes: libshm-dev_<version>_all.deb; and shm-tools_<version>_<architecture>.deb with the command.
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

# Two packages: the headers for every architecture, and the command for this one.
if(SHM_BUILD_TOOL)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/shm-tools RENAME copyright
          COMPONENT tool_debian EXCLUDE_FROM_ALL)
  install(FILES apps/shm/completion/_shm.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _shm
          COMPONENT tool_debian EXCLUDE_FROM_ALL)
  set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_CURRENT_BINARY_DIR};shm;ALL;/")
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_COMPONENTS_ALL Unspecified debian tool tool_debian)
  set(CPACK_COMPONENT_UNSPECIFIED_GROUP headers)
  set(CPACK_COMPONENT_DEBIAN_GROUP headers)
  set(CPACK_COMPONENT_TOOL_GROUP tool)
  set(CPACK_COMPONENT_TOOL_DEBIAN_GROUP tool)
  set(CPACK_DEBIAN_HEADERS_PACKAGE_NAME ${CPACK_DEBIAN_PACKAGE_NAME})
  set(CPACK_DEBIAN_HEADERS_PACKAGE_ARCHITECTURE all)
  set(CPACK_DEBIAN_HEADERS_PACKAGE_DEPENDS ${CPACK_DEBIAN_PACKAGE_DEPENDS})
  set(CPACK_DEBIAN_TOOL_PACKAGE_NAME shm-tools)
  set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION utils)
  set(CPACK_DEBIAN_TOOL_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_TOOL_DESCRIPTION "Shows, watches, changes and clears up objects of the shm library.")
  unset(CPACK_DEBIAN_PACKAGE_ARCHITECTURE)  # as dpkg says
  unset(CPACK_DEBIAN_PACKAGE_DEPENDS)
endif()
include(CPack)
