// Typed shared objects on System V shared memory: the list of public headers.
// SPDX-License-Identifier: MIT
#pragma once

#include "shm/array.hpp"
#include "shm/mutex.hpp"
#include "shm/object.hpp"
#include "shm/remove.hpp"
