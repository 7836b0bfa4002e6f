# Too new: find_package finds the installed package, and refuses it to a request for a version it is not.
# SPDX-License-Identifier: MIT
# cmake -D PREFIX=… -D VERSION=… -P too_new.cmake
foreach(request 99 0.99 ${VERSION}.1)
  find_package(shm ${request} CONFIG QUIET NO_DEFAULT_PATH PATHS ${PREFIX})
  if(shm_FOUND)
    message(FATAL_ERROR "a request for ${request} was given ${shm_VERSION}")
  endif()
  if(NOT shm_CONSIDERED_VERSIONS STREQUAL VERSION)
    message(FATAL_ERROR "${PREFIX} was not looked at: '${shm_CONSIDERED_VERSIONS}'")
  endif()
endforeach()
