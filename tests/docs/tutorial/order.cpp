// Order: two values that belong together, under a mutex that tells of a dead holder.
// SPDX-License-Identifier: MIT
// [sample]
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <shm.hpp>

int main(int argc, char**) try {
  shm::mutex books{"tutorial.books"};
  shm::object<std::int64_t> orders{"tutorial.orders"}, invoices{"tutorial.invoices"};

  const shm::scoped_lock lock{books};
  if (books.owner_died()) {
    std::puts("somebody died between an order and its invoice: repaired");
    invoices.store(orders.load());
    books.mark_repaired();
  }
  orders.update([](std::int64_t& n) { n += 1; });
  if (argc > 1) std::raise(SIGKILL);  // for the tutorial: as kill -9 would, just here
  invoices.update([](std::int64_t& n) { n += 1; });
  std::printf("%ld orders, %ld invoices\n", orders.load(), invoices.load());
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
// [/sample]
