// Viewer: shows all lines as they were at one moment.
// SPDX-License-Identifier: MIT
#include <cstdio>

#include "score.hpp"

int main(int argc, char** argv) try {
  const const_score_board board{argc > 1 ? argv[1] : "example.board"};
  for (const score& line : board.snapshot()) {
    if (line.points != 0) std::printf("%-8.16s %d\n", line.player.data(), line.points);
  }
} catch (const shm::error& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
