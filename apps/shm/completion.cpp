// completion: what a shell offers behind shm: commands, options, objects, their fields.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "columns.hpp"
#include "commands.hpp"
#include "completion_scripts.hpp"
#include "entries.hpp"
#include "objects.hpp"
#include "words.hpp"

namespace tool {

namespace {

/// What there is for one word of a line, in lines for the shells' scripts: "word X", where X is a
/// whole one; "stem X", where something is to follow; "files X", names of files behind X;
/// "command N", whose own completion is asked from the Nth word on.
class offer {
 public:
  offer(const CLI::App& all, const completion_options& how)
      : all_(all), words_(how.words), at_(how.at), typed_(words_.at(at_)) {}

  void print() {
    if (at_ == 0) return commands();
    command_ = subcommand(words_[0]);
    if (command_ == nullptr || is_behind_mark()) return;
    chooses_one_ = command_->get_name() == "wait";
    read_line();
    const std::size_t equals = typed_.find('=');
    const bool is_option = !only_names_ && typed_.rfind("--", 0) == 0;
    if (option_ != nullptr) {
      value(*option_, "");
    } else if (is_option && equals != typed_.npos) {
      const CLI::Option* const option = command_->get_option_no_throw(typed_.substr(0, equals));
      if (option != nullptr) value(*option, typed_.substr(0, equals + 1));
    } else if (!only_names_ && typed_.rfind('-', 0) == 0) {
      options(*command_);
    } else {
      positional();
    }
  }

 private:
  const CLI::App* subcommand(const std::string& name) const {
    for (const CLI::App* const one : all_.get_subcommands({})) {
      if (one->get_name() == name) return one;
    }
    return nullptr;
  }

  /// What lock runs has a completion of its own.
  bool is_behind_mark() const {
    const auto mark = std::find(words_.begin(), words_.end(), "--");
    const auto behind = static_cast<std::size_t>(mark - words_.begin()) + 1;
    if (command_->get_name() != "lock" || at_ < behind) return false;
    fmt::print("command {}\n", behind);
    return true;
  }

  /// Whose object it is about may stand behind the word that is typed, too.
  void read_line() {
    const CLI::Option* wants_value = nullptr;
    bool no_options = false;
    std::size_t positionals = 0;
    for (std::size_t i = 1; i < words_.size(); ++i) {
      const std::string& word = words_[i];
      if (i == at_) {
        option_ = wants_value;
        only_names_ = no_options;
        before_ = positionals;
        if (option_ == nullptr && (no_options || word.rfind('-', 0) != 0)) ++positionals;
        wants_value = nullptr;
      } else if (wants_value != nullptr) {
        wants_value = nullptr;
      } else if (!no_options && word == "--") {
        no_options = true;
      } else if (!no_options && word.rfind('-', 0) == 0) {
        const CLI::Option* const option = command_->get_option_no_throw(word);
        if (option != nullptr && option->get_items_expected_max() > 0) wants_value = option;
      } else if (positionals++ == 0) {
        name_ = word;
      }
    }
  }

  void commands() const {
    if (typed_.rfind('-', 0) == 0) return options(all_);
    for (const CLI::App* const one : all_.get_subcommands({})) word(one->get_name());
  }

  void options(const CLI::App& of) const {
    for (const CLI::Option* const one : of.get_options()) {
      if (one->get_group().empty()) continue;
      for (const std::string& name : one->get_lnames()) word("--" + name);
    }
  }

  void value(const CLI::Option& of, const std::string& stem) const {
    const std::string name = of.get_lnames().empty() ? "" : of.get_lnames()[0];
    if (name == "field") chooses_one_ ? single_fields(stem) : fields(stem);
    if (name == "expect") single_fields(stem);
    if (name == "record") fmt::print("files {}\n", stem);
  }

  void positional() const {
    std::size_t next = 0;
    for (const CLI::Option* const one : command_->get_options()) {
      if (one->nonpositional()) continue;
      const bool repeats = one->get_items_expected_max() > 1;
      if (next++ != before_ && !(repeats && next <= before_)) continue;
      const std::string what = one->get_name(true);
      if (what == "NAME") names();
      if (what == "assignments") single_fields("");
      if (what == "SHELL") word("bash"), word("zsh");
    }
  }

  void names() const {
    const std::string& job = command_->get_name();
    const bool needs_value = job == "show" || job == "watch" || job == "set";
    for (const shm::object_info& one : shm::list()) {
      const bool is_shown = job == "show" && one.kind == shm::object_kind::semaphore;
      if (!needs_value || has_value(one.kind) || is_shown) word(title(one));
    }
  }

  /// The last of those that are typed, with commas between them.
  void fields(const std::string& stem) const {
    const std::size_t comma = typed_.rfind(',');
    const std::string before = comma == typed_.npos ? stem : typed_.substr(0, comma + 1);
    const shm::const_any_object from = look_at(name_);
    const shm::field& value = from.kind() == shm::object_kind::map ? value_of(from) : from.value();
    for (const column& one : columns_of(value, {})) word(before + one.path);
  }

  /// Those that hold one value: what can be set, and be compared.
  void single_fields(const std::string& stem) const {
    const shm::const_any_object from = look_at(name_);
    if (from.kind() == shm::object_kind::map) return;  // there may be millions of keys
    if (from.kind() != shm::object_kind::array) return scalars(from.value(), stem, "");
    const bool is_structure = is_struct(from.value());
    // One element after another first: there may be millions, each with all its fields.
    const std::size_t bracket = typed_.find(']', stem.size());
    if (bracket != typed_.npos) {
      return scalars(from.value(), typed_.substr(0, bracket + 1), is_structure ? "." : "");
    }
    for (std::size_t i = 0; i < from.size() && offered_ < most_offered; ++i) {
      const std::string element = fmt::format("{}[{}]", stem, i);
      is_structure ? stem_word(element + '.') : scalars(from.value(), element, "");
    }
  }

  /// Those inside of arrays one by one.
  void scalars(const shm::field& value, const std::string& stem, const std::string& link) const {
    const bool is_element = !stem.empty() && stem.back() == ']';
    for (const column& one : columns_of(value, {})) {
      if (one.is_heading || one.place.what->type == shm::field_type::opaque) continue;
      const bool is_element_itself = is_element && !is_struct(value);
      const std::string path = is_element_itself ? "" : one.path;
      cells(one, one.place.dimensions, stem + link + path);
    }
  }

  void cells(const column& one, std::size_t dimension, const std::string& path) const {
    const auto& dimensions = one.place.what->dimensions;
    if (dimension == dimensions.size()) return chooses_one_ ? word(path) : stem_word(path + '=');
    for (std::uint64_t i = 0; i < dimensions[dimension] && offered_ < most_offered; ++i) {
      cells(one, dimension + 1, fmt::format("{}[{}]", path, i));
    }
  }

  void word(const std::string& text) const { line("word", text); }
  void stem_word(const std::string& text) const {
    if (text != typed_) line("stem", text);  // else what follows is up to the person
  }
  void line(const char* kind, const std::string& text) const {
    if (text.rfind(typed_, 0) != 0 || offered_ == most_offered) return;
    ++offered_;
    fmt::print("{} {}\n", kind, text);
  }

  static constexpr std::size_t most_offered = 1000;

  const CLI::App& all_;
  const std::vector<std::string>& words_;
  std::size_t at_;
  const std::string& typed_;
  const CLI::App* command_ = nullptr;
  const CLI::Option* option_ = nullptr;  ///< whose value is typed
  bool chooses_one_ = false;             ///< its --field is one field, that of an element, too
  bool only_names_ = false;              ///< -- has been before
  std::size_t before_ = 0;               ///< positional words before the one that is typed
  std::string name_;
  mutable std::size_t offered_ = 0;
};

}  // namespace

exit_code completion(const completion_options& how, const CLI::App& all_commands) {
  if (how.what == "bash") {
    fmt::print("{}", bash_completion);
  } else if (how.what == "zsh") {
    fmt::print("{}", zsh_completion);
  } else if (how.at < how.words.size()) {
    offer(all_commands, how).print();
  } else {
    throw refusal(wrong_usage, "completion offer --at N -- WORD ...: there is no such word");
  }
  return done;
}

}  // namespace tool
