// shm: shows, watches, changes and clears up objects of programs that it has never seen.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "objects.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

/// Behind a word's closing bracket: to CLI11 a word from [ to ] is a list, as [0].name=[x] would
/// be.
constexpr char bracket_guard = '\x1f';

void protect_brackets(std::string& word) {
  if (!word.empty() && (word.back() == ']' || word.back() == bracket_guard)) word += bracket_guard;
}

std::string unprotected(std::string word) {
  if (!word.empty() && word.back() == bracket_guard) word.pop_back();
  return word;
}

std::string failure_message(const CLI::App* app, const CLI::Error& why) {
  std::string text = CLI::FailureMessage::simple(app, why);
  text.erase(std::remove(text.begin(), text.end(), bracket_guard), text.end());
  return text;
}

/// Adds the commands; what is left to do after parsing is in `chosen`.
class command_line {
 public:
  command_line() : app_("Shows, watches, changes and clears up shared objects.", "shm") {
    app_.require_subcommand(1);
    app_.failure_message(failure_message);
    app_.set_version_flag("--version", "shm " SHM_TOOL_VERSION);
    app_.footer(
        "Examples:\n"
        "  shm ls                         what is there\n"
        "  shm show car                   its fields and their values\n"
        "  shm watch car --field speed    as they change; q quits\n"
        "  shm wait car                   until the next change\n"
        "  shm set car gear=3             one field, crash-atomically\n"
        "  shm gc --dry-run               what is provably dead\n"
        "Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 not found, 4 no permission, 5 in "
        "use,\n  6 corrupt or damaged, 7 refused for another reason.");
    add_looking();
    add_changing();
    add_clearing();
    add_examples();
    for (CLI::App* const command : app_.get_subcommands({})) {
      for (CLI::Option* const option : command->get_options()) {
        if (option->get_items_expected_max() > 0) option->transform(unprotected);
      }
    }
  }

  int run(int argc, char** argv) {
    // Behind -- all is the command's that lock runs, or of the line that is being completed.
    char** const end = argv + argc;
    const std::string_view command = argc > 1 ? argv[1] : "";
    const bool keeps_rest = command == "lock" || command == "completion";
    char** const mark = keeps_rest ? std::find(argv, end, std::string_view("--")) : end;
    if (mark != end) (command == "lock" ? lock_.command : completion_.words).assign(mark + 1, end);
    if (argc > 1) require_command(argv[1]);
    try {
      std::vector<std::string> words(argv + std::min(argc, 1), mark);
      for (std::string& word : words) protect_brackets(word);
      std::reverse(words.begin(), words.end());  // as CLI11 takes them
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& why) {
      if (app_.exit(why) == 0) return done;
      hint_at_options_meant_as_names(argv, mark);
      return wrong_usage;
    }
    return chosen_();
  }

 private:
  /// CLI11 would say only that a command is required.
  void require_command(const std::string& word) const {
    std::vector<std::string> known;
    for (const CLI::App* const one : app_.get_subcommands({})) known.push_back(one->get_name());
    if (word.empty() || word[0] == '-' ||
        std::find(known.begin(), known.end(), word) != known.end()) {
      return;
    }
    throw refusal(wrong_usage,
                  fmt::format("there is no command \"{}\"{}", shm::detail::printable(word, 80),
                              suggestion(word, known)));
  }

  /// To CLI11 such a name is an option, and the name is missing.
  void hint_at_options_meant_as_names(char** argv, char** end) const {
    if (app_.get_subcommands().empty()) return;
    const CLI::App* const command = app_.get_subcommands().front();
    for (char** word = argv + 2; word != end && *word != std::string_view("--"); ++word) {
      const std::string typed(*word);
      if (typed.rfind('-', 0) != 0) continue;
      if (command->get_option_no_throw(typed.substr(0, typed.find('='))) != nullptr) continue;
      fmt::print(
          stderr,
          "There is no option {0}. A name that begins with - goes behind --, as in: shm show "
          "-- -name;\nor type its key, key:0x…, as shm ls shows it.\n",
          shm::detail::printable(typed, 80));
      return;
    }
  }

  CLI::App& add(const char* name, const char* what, std::function<int()> job) {
    CLI::App* const command = app_.add_subcommand(name, what);
    command->callback([this, job = std::move(job)] { chosen_ = job; });
    return *command;
  }

  void add_looking() {
    CLI::App& ls_command = add("ls", "Every object: who has it open, who holds its lock",
                               [this] { return tool::ls(ls_); });
    ls_command.add_flag("--json", ls_.json, "For programs");
    ls_command.add_flag("--all", ls_.all, "Foreign segments, too, and those that may not be read");

    CLI::App& show_command =
        add("show", "A value by its fields", [this] { return tool::show(show_); });
    show_command.add_option("NAME", show_.name)->required();
    const auto form = [&](const char* flag, output which, const char* what) {
      return show_command.add_flag_callback(
          flag, [this, which] { show_.form = which; }, what);
    };
    CLI::Option* const as_json = form("--json", output::json, "For programs");
    CLI::Option* const as_csv = form("--csv", output::csv, "For spreadsheets")->excludes(as_json);
    form("--raw", output::raw, "The bytes as they are")->excludes(as_json)->excludes(as_csv);
    show_command.add_flag("--damaged", show_.damaged,
                          "What a dead editor left of an array, as it lies there");
    show_command.add_option("--rows", show_.rows, "Elements FIRST:END of an array, as in 0:20");
    show_command.add_option("--field", show_.fields, "Only these, as in speed,wheels[2].pressure")
        ->delimiter(',')
        ->allow_extra_args(false);

    CLI::App& schema_command = add("schema", "Which fields a value has, and where they lie",
                                   [this] { return tool::schema(name_); });
    schema_command.add_option("NAME", name_)->required();

    CLI::App& watch_command =
        add("watch", "A value as it changes; q quits", [this] { return tool::watch(watch_); });
    watch_command.add_option("NAME", watch_.name)->required();
    watch_command.add_option("--field", watch_.fields, "Only these")
        ->delimiter(',')
        ->allow_extra_args(false);
    watch_command.add_option("--rows", watch_.rows, "Elements FIRST:END of an array, as in 0:20");
    watch_command
        .add_option("--interval", watch_.interval,
                    "On a terminal: milliseconds between two frames, at least")
        ->check(CLI::Range(1u, 3600000u));
    watch_command.add_option("--changes", watch_.changes,
                             "End after so many, the first look included");

    watch_command.add_option("--record", watch_.record,
                             "A CSV file with a line for each change; where the version jumps, "
                             "changes were replaced before they could be read");

    CLI::App& wait_command =
        add("wait", "Blocks until the next change, or until a field has a value",
            [this] { return tool::wait(wait_); });
    wait_command.add_option("NAME", wait_.name)->required();
    CLI::Option* const field =
        wait_command.add_option("--field", wait_.field,
                                "Until this one changes, and print its value; of an array "
                                "[3].FIELD, of a map [KEY].FIELD");
    wait_command
        .add_option("--until", wait_.until,
                    "Until the field compares so, at once if it does now: an operator (== != < <= "
                    "> >=) and a value as set takes it")
        ->needs(field);
    add_timeout(wait_command, wait_.timeout, "");

    CLI::App& who_command = add("who", "Which processes have it open, and who holds its lock",
                                [this] { return tool::who(name_); });
    who_command.add_option("NAME", name_)->required();

    CLI::App& doctor_command = add("doctor", "Limits, leftovers and traps, each with its fix",
                                   [this] { return tool::doctor(doctor_); });
    doctor_command.add_option("--proc", doctor_.proc, "Where to read the limits")->group("");
    doctor_command.add_option("--root", doctor_.root, "Below which to look for logind")->group("");
  }

  void add_changing() {
    CLI::App& set_command = add("set", "Changes fields, all of them in one crash-atomic update",
                                [this] { return tool::set(set_); });
    set_command.add_option("NAME", set_.name)->required();
    set_command
        .add_option("assignments", set_.assignments,
                    "FIELD=VALUE ...; of an array [3].FIELD=VALUE, of a map [KEY].FIELD=VALUE")
        ->required();
    set_command
        .add_option("--expect", set_.expectations,
                    "FIELD=VALUE: change nothing unless it has that value now")
        ->expected(1)
        ->allow_extra_args(false)
        ->take_all();

    add_timeout(set_command, set_.timeout);

    CLI::App& lock_command =
        add("lock", "Runs a command while holding the lock: shm lock NAME -- COMMAND ...",
            [this] { return tool::lock(lock_); });
    lock_command.add_option("NAME", lock_.name)->required();
    add_timeout(lock_command, lock_.timeout);
    lock_command
        .add_option("-E,--conflict-exit-code", lock_.too_late,
                    "What to return when the lock was not to be had in time, in place of 1")
        ->check(CLI::Range(0, 255));

    CLI::App& repaired_command =
        add("repaired", "Says that what a dead holder left is in order again",
            [this] { return tool::repaired(repaired_); });
    repaired_command.add_option("NAME", repaired_.name)->required();
    add_timeout(repaired_command, repaired_.timeout);
  }

  static void add_timeout(CLI::App& command, long& milliseconds,
                          const std::string& for_what = " for the lock") {
    command
        .add_option("--timeout", milliseconds,
                    "How many milliseconds to wait" + for_what + "; 0 does not wait at all")
        ->check(CLI::Range(0L, 86400000L));
  }

  void add_clearing() {
    CLI::App& rm_command =
        add("rm", "Takes objects away, unless in use", [this] { return tool::rm(rm_); });
    rm_command.add_option("NAME", rm_.names)->required();
    rm_command.add_flag("--force", rm_.force, "Under those who are attached, too: they are told");

    CLI::App& gc_command = add("gc", "Removes what is provably dead, and nothing else",
                               [this] { return tool::gc(dry_run_); });
    gc_command.add_flag("--dry-run", dry_run_, "Only say what");

    CLI::App& completion_command =
        add("completion", "A script for bash or zsh: source <(shm completion bash)",
            [this] { return tool::completion(completion_, app_); });
    completion_command.add_option("SHELL", completion_.what)
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "offer"}));
    completion_command.add_option("--at", completion_.at, "Which of the words behind --")
        ->group("");
  }

  void add_examples() {
    const std::pair<const char*, const char*> examples[] = {
        {"ls",
         "  shm ls                          what is there\n"
         "  shm ls --all                    also segments of other programs\n"
         "  shm ls --json | jq -r '.[].title'"},
        {"show",
         "  shm show car                    its fields and their values\n"
         "  shm show car --field speed,wheels[2].pressure\n"
         "  shm show table --rows 0:20      the first twenty elements\n"
         "  shm show car --json | jq .value.speed"},
        {"schema", "  shm schema car                  names, types and places of its fields"},
        {"watch",
         "  shm watch car --field speed     as it changes; q quits\n"
         "  shm watch car | tee log         a line for each change\n"
         "  shm watch car --record car.csv"},
        {"wait",
         "  shm wait car && ./redraw        at the next change\n"
         "  shm wait car --field gear       prints the next gear\n"
         "  shm wait car --field gear --until '==3'\n"
         "  shm wait car --field mode --until '!=eco' --timeout 1500\n"
         "  shm wait cars --field [4711].speed --until '>=12.5'"},
        {"who", "  shm who car                     processes, seats, and the holder of its lock"},
        {"doctor",
         "  shm doctor && echo fine         the exit code is 1 when there is any finding"},
        {"set",
         "  shm set car gear=3 speed=4.5    both at once, crash-atomically\n"
         "  shm set table [3].pid=77        in one element of an array\n"
         "  shm set cars [4711].gear=2      in the entry of a map that has this key\n"
         "  shm set car gear=reverse timeout=1500ms path=[1,2,3] driver=none\n"
         "  shm set car gear=3 --expect gear=2"},
        {"lock",
         "  shm lock car -- cp -a state backup\n"
         "  shm lock car --timeout 500 -- ./step"},
        {"repaired", "  shm repaired table              when you have seen to it"},
        {"rm",
         "  shm rm car table                unless they are in use\n"
         "  shm rm --force car              even then"},
        {"gc",
         "  shm gc --dry-run                what is provably dead\n"
         "  shm gc                          take it away"},
        {"completion",
         "  source <(shm completion bash)   in ~/.bashrc\n"
         "  source <(shm completion zsh)    in ~/.zshrc, after compinit"},
    };
    for (const auto& [command, lines] : examples) {
      app_.get_subcommand(command)->footer(std::string("Examples:\n") + lines);
    }
  }

  CLI::App app_;
  std::function<int()> chosen_;
  std::string name_;
  ls_options ls_;
  show_options show_;
  watch_options watch_;
  wait_options wait_;
  set_options set_;
  lock_options lock_;
  repaired_options repaired_;
  rm_options rm_;
  doctor_options doctor_;
  completion_options completion_;
  bool dry_run_ = false;
};

int guarded(int argc, char** argv) {
  try {
    const int code = command_line().run(argc, argv);
    flush_output();
    return code;
  } catch (const refusal& why) {
    fmt::print(stderr, "shm: {}\n", why.what());
    return why.code();
  } catch (const shm::error& why) {
    fmt::print(stderr, "{}\n", with_commands(why.what()));
    return code_of(why.code());
  }
}

}  // namespace

}  // namespace tool

int main(int argc, char** argv) {
  try {
    return tool::guarded(argc, argv);
  } catch (const std::exception& why) {
    std::fputs("shm: ", stderr);
    std::fputs(why.what(), stderr);
    std::fputs("\n", stderr);
    return tool::refused;
  }
}
