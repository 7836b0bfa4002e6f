// Player: adds points on its own line of the board; start one for each line.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>

#include "score.hpp"

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s LINE PLAYER [OBJECT]\n", argv[0]);
    return 2;
  }
  const auto line = static_cast<std::size_t>(std::strtoul(argv[1], nullptr, 10));
  score_board board{argc > 3 ? argv[3] : "example.board"};
  for (int goal = 0; goal < 1000; ++goal) {
    board.update(line, [&](score& mine) {
      std::snprintf(mine.player.data(), mine.player.size(), "%s", argv[2]);
      mine.points += 3;
    });
  }
} catch (const std::exception& problem) {
  std::fprintf(stderr, "%s\n", problem.what());
  return 1;
}
