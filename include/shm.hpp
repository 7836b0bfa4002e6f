// Typed shared objects on System V shared memory: the list of public headers, nothing else.
// SPDX-License-Identifier: MIT
#pragma once

/// @namespace shm
/// All that a program names. An object, array, map, mutex or semaphore is opened by a key, as
/// shm::options say, and stays until shm::remove(). What a refusal throws is a shm::error, with an
/// shm::errc.

#include "shm/base/requirements.hpp"

#include "shm/any.hpp"
#include "shm/array.hpp"
#include "shm/array_access.hpp"
#include "shm/base/error.hpp"
#include "shm/base/extent.hpp"
#include "shm/base/open_mode.hpp"
#include "shm/base/options.hpp"
#include "shm/base/version.hpp"
#include "shm/const_any.hpp"
#include "shm/const_array.hpp"
#include "shm/const_map.hpp"
#include "shm/const_object.hpp"
#include "shm/inspect.hpp"
#include "shm/locked.hpp"
#include "shm/locked_array.hpp"
#include "shm/map.hpp"
#include "shm/mutex.hpp"
#include "shm/object.hpp"
#include "shm/object_reader.hpp"
#include "shm/os/key.hpp"
#include "shm/remove.hpp"
#include "shm/schema/describe.hpp"
#include "shm/schema/notes.hpp"
#include "shm/semaphore.hpp"
#include "shm/static_string.hpp"
#include "shm/static_vector.hpp"
#include "shm/watchable.hpp"
#include "shm/watcher.hpp"
