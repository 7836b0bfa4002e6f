// Permission: the kernel's rules, repeated; compared with what the kernel itself answers.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <shm.hpp>

#include "support/catch.hpp"

using namespace shm::detail;

TEST_CASE("what a mode lets its owner, its group and others do") {
  if (::geteuid() == 0) SUCCEED("root may do all of it");
  const uid_t stranger = ::geteuid() + 1;
  const gid_t strange = 0x7ffffff0;
  const auto of_ours = [&](unsigned mode) {
    return permission{::geteuid(), stranger, strange, strange, mode};
  };
  CHECK(of_ours(0600).allows(right::alter));
  CHECK(of_ours(0400).allows(right::read));
  CHECK(of_ours(0).allows(right::own));
  CHECK(of_ours(0).allows(right::none));
  CHECK(permission{stranger, ::geteuid(), strange, strange, 0}.allows(right::own));
  const permission of_our_group{stranger, stranger, strange, ::getegid(), 0640};
  CHECK(of_our_group.allows(right::read));
  CHECK(permission{stranger, stranger, strange, strange, 0666}.allows(right::alter));
  if (::geteuid() == 0) return;
  CHECK_FALSE(of_ours(0400).allows(right::alter));
  CHECK_FALSE(of_ours(0066).allows(right::read));
  CHECK_FALSE(of_our_group.allows(right::alter));
  CHECK_FALSE(of_our_group.allows(right::own));
  CHECK_FALSE(permission{stranger, stranger, strange, strange, 0660}.allows(right::read));
}
