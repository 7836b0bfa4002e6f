# shm_warnings: what our own programs are compiled with; never passed on to users.
# SPDX-License-Identifier: MIT
add_library(shm_warnings INTERFACE)
target_compile_options(shm_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wnull-dereference -Wdouble-promotion -Wformat=2 -Werror)
find_package(Threads REQUIRED)
target_link_libraries(shm_warnings INTERFACE Threads::Threads)
