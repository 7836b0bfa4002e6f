// Jobs: what the program `together` measures.
// SPDX-License-Identifier: MIT
#include "job.hpp"

namespace bench {

std::vector<job> every_job() {
  std::vector<job> jobs;
  add_contended(jobs);
  add_read(jobs);
  add_kill(jobs);
  add_wake(jobs);
  return jobs;
}

}  // namespace bench
