// Commands: each is a function of its options, in a file of its own, and returns an exit code.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "exit_code.hpp"

namespace CLI {
class App;
}

namespace tool {

struct ls_options {
  bool json = false;
  bool all = false;
};
exit_code ls(const ls_options& how);

enum class output { tree, json, csv, raw };
struct show_options {
  std::string name;
  output form = output::tree;
  bool damaged = false;  ///< what a dead editor left, as it lies there
  std::string rows;      ///< FIRST:END
  std::vector<std::string> fields;
};
exit_code show(const show_options& how);

exit_code schema(const std::string& name);

struct watch_options {
  std::string name;
  std::string rows;  ///< FIRST:END
  std::vector<std::string> fields;
  unsigned interval = 100;    ///< milliseconds between two frames on a screen, at least
  std::string record;         ///< a CSV file
  unsigned long changes = 0;  ///< end after so many; 0: never
};
exit_code watch(const watch_options& how);

struct wait_options {
  std::string name;
  std::string field;
  std::string until;  ///< an operator and a value; "": another value than now
  long timeout = -1;  ///< milliseconds; negative: without a limit
};
exit_code wait(const wait_options& how);

struct set_options {
  std::string name;
  std::vector<std::string> assignments;
  std::vector<std::string> expectations;
  long timeout = -1;  ///< milliseconds; negative: without a limit
};
exit_code set(const set_options& how);

exit_code who(const std::string& name);

struct lock_options {
  std::string name;
  long timeout = -1;            ///< milliseconds; negative: without a limit
  int too_late = answer_is_no;  ///< what to return then
  std::vector<std::string> command;
};
/// The command's own exit code, or ours where it was not run.
int lock(const lock_options& how);

struct repaired_options {
  std::string name;
  long timeout = -1;  ///< milliseconds; negative: without a limit
};
exit_code repaired(const repaired_options& how);

struct rm_options {
  std::vector<std::string> names;
  bool force = false;
};
exit_code rm(const rm_options& how);

exit_code gc(bool dry_run);

struct doctor_options {
  std::string proc = "/proc";
  std::string root = "/";  ///< below which the files of systemd are
};
exit_code doctor(const doctor_options& how);

struct completion_options {
  std::string what;                ///< bash, zsh; or for those scripts: offer
  std::size_t at = 0;              ///< which of the words is being typed
  std::vector<std::string> words;  ///< of a command line, without the leading shm
};
exit_code completion(const completion_options& how, const CLI::App& all_commands);

}  // namespace tool
