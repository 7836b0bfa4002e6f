#include <shm.hpp>
#include "support/catch.hpp"
