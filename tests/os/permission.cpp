// Permission: the kernel's rules, repeated; compared with what the kernel itself answers.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <shm.hpp>

#include "support/catch.hpp"

using namespace shm::detail;

TEST_CASE("what a mode lets its owner, its group and others do") {
  const uid_t stranger = ::geteuid() + 1;
  const gid_t strange = 0x7ffffff0;
  const auto of_ours = [&](unsigned mode) {
    return ownership{::geteuid(), stranger, strange, strange, mode};
  };
  CHECK(kernel_allows(of_ours(0600), right::alter));
  CHECK(kernel_allows(of_ours(0400), right::read));
  CHECK(kernel_allows(of_ours(0), right::own));
  CHECK(kernel_allows(of_ours(0), right::none));
  CHECK(kernel_allows(ownership{stranger, ::geteuid(), strange, strange, 0}, right::own));
  const ownership of_our_group{stranger, stranger, strange, ::getegid(), 0640};
  CHECK(kernel_allows(of_our_group, right::read));
  CHECK(kernel_allows(ownership{stranger, stranger, strange, strange, 0666}, right::alter));
  if (::geteuid() == 0) return;  // who may do all of it
  CHECK_FALSE(kernel_allows(of_ours(0400), right::alter));
  CHECK_FALSE(kernel_allows(of_ours(0066), right::read));
  CHECK_FALSE(kernel_allows(of_our_group, right::alter));
  CHECK_FALSE(kernel_allows(of_our_group, right::own));
  CHECK_FALSE(kernel_allows(ownership{stranger, stranger, strange, strange, 0660}, right::read));
}
