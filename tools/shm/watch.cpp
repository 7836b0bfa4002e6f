// watch: a value as it changes: on a terminal in place, in a pipe a line for each change.
// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "columns.hpp"
#include "commands.hpp"
#include "full_screen.hpp"
#include "objects.hpp"
#include "record.hpp"
#include "terminal.hpp"
#include "trend.hpp"
#include "words.hpp"

namespace tool {

namespace {

volatile std::sig_atomic_t stop_requested = 0;

constexpr std::array<int, 4> stopping{SIGINT, SIGQUIT, SIGTERM, SIGHUP};

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = 1; };
  for (const int signal : stopping) ::sigaction(signal, &action, nullptr);
}

/// Waits for so long; true when a signal came, q was pressed, or nobody is there any more.
bool quit_within(unsigned milliseconds, bool has_keys) {
  // A signal between the look at stop_requested and the wait would be heeded an interval later.
  sigset_t held_back, before;
  ::sigemptyset(&held_back);
  for (const int signal : stopping) ::sigaddset(&held_back, signal);
  ::sigprocmask(SIG_BLOCK, &held_back, &before);
  pollfd keys{STDIN_FILENO, POLLIN, 0};
  const timespec span{milliseconds / 1000, milliseconds % 1000 * 1000000L};
  const int pressed = stop_requested != 0 ? 0 : ::ppoll(&keys, has_keys ? 1 : 0, &span, &before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (stop_requested != 0) return true;
  char key = 0;
  return pressed > 0 && (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q');
}

struct cell {
  std::string name;
  std::string type;
  std::string text;
  std::string csv_text;
  bool is_number = false;
  bool changed = false;
  std::deque<double> past;
};

std::string time_now() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()) % 1000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  return fmt::format("{:%FT%T}.{:03}", fmt::localtime(seconds), milliseconds.count());
}

class watcher {
 public:
  explicit watcher(const watch_options& how)
      : how_(how),
        from_(look_at(how.name)),
        segment_id_(id_under(how.name)),
        columns_(columns_of(from_.value(), how.fields)),
        rows_(rows_in(how.rows, from_.size())),
        record_(how.record) {
    if (from_.kind() == shm::object_kind::mutex) refuse_mutex(how.name);
    const std::size_t cells = (rows_.end - rows_.first) * columns_.size();
    if (cells > most_cells) {
      throw refusal(wrong_usage,
                    fmt::format("{} fields are too many to be watched, {} are not; choose with "
                                "--field, and of an array with --rows",
                                cells, most_cells));
    }
  }

  exit_code run() {
    stop_on_signals();
    if (::isatty(STDOUT_FILENO) == 1) {
      const full_screen screen;
      return loop([this](bool) { draw(); }, screen.has_keys());
    }
    return loop(
        [this](bool changed) {
          if (changed) print_changes();
        },
        false);
  }

 private:
  template <class Show>
  exit_code loop(Show show_it, bool has_keys) {
    unsigned long changes = 0;
    while (stop_requested == 0) {
      const bool changed = look();
      if (changed) record_change(changes == 0);
      show_it(changed);
      changes += changed ? 1 : 0;
      if (how_.changes != 0 && changes >= how_.changes) break;
      if (quit_within(how_.interval, has_keys)) break;
    }
    return done;
  }

  static int id_under(const std::string& name) {
    return shm::detail::segment::find(key_named(name).segment_key()).value.id();
  }

  /// Whether any cell shows something new.
  bool look() {
    // An ipcrm tells nobody: the memory stays as it was for those who are attached.
    if (id_under(how_.name) != segment_id_) {
      throw refusal(not_found,
                    fmt::format("{}: it has been removed; if it was made anew, watch it anew",
                                shm::detail::printable(how_.name, 64)));
    }
    version_ = from_.version();
    per_second_ = rate_.seen(version_);
    const std::vector<std::byte> bytes = bytes_of(from_, rows_);
    std::vector<cell> now;
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      const auto value =
          bytes_view(bytes).subspan((i - rows_.first) * from_.element_size(), from_.element_size());
      for (const column& one : columns_) {
        if (!one.is_heading) now.push_back(cell_of(one, i, value));
      }
    }
    bool any = cells_.empty();
    for (std::size_t c = 0; c < now.size(); ++c) {
      if (!cells_.empty()) {
        now[c].changed = cells_[c].text != now[c].text;
        now[c].past = std::move(cells_[c].past);
      }
      if (now[c].is_number) remember(now[c].past, std::strtod(now[c].text.c_str(), nullptr));
      any = any || now[c].changed;
    }
    cells_ = std::move(now);
    return any;
  }

  cell cell_of(const column& one, std::size_t i, bytes_view value) const {
    std::string name = one.path;
    if (from_.kind() == shm::object_kind::array) {
      name = fmt::format("[{}]{}{}", i, name.empty() ? "" : ".", name);
    } else if (name.empty()) {
      name = "value";
    }
    const bool is_number = one.place.is_single() && one.place.what->type >= shm::field_type::int8 &&
                           one.place.what->type <= shm::field_type::long_double;
    return {name, type_of(one), text_of(one, value), csv_text_of(one, value), is_number, false, {}};
  }

  void draw() const {
    winsize window{};
    const bool sized = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 4;
    const std::size_t lines = sized ? window.ws_row : 24;
    const std::size_t columns = sized && window.ws_col > 0 ? window.ws_col : 80;
    // Around them: the title, the head, what is not shown, and the line where the cursor ends.
    const std::size_t shown = cells_.size() + 3 <= lines ? cells_.size() : lines - 4;
    std::vector<row> table_rows{{"FIELD", "TYPE", "VALUE", "TREND"}};
    for (std::size_t c = 0; c < shown; ++c) {
      const cell& one = cells_[c];
      table_rows.push_back({one.name, one.type,
                            styled(one.text, one.changed ? style::changed : style::plain),
                            sparkline(one.past)});
    }
    std::string text = fmt::format("{}  {}, version {}, {:.1f} updates/s   (q quits)\n",
                                   shm::detail::printable(from_.name(), 64), word_for(from_.kind()),
                                   version_, per_second_);
    text += table(table_rows);
    if (shown < cells_.size()) {
      text += fmt::format("… {} more; choose with --field\n", cells_.size() - shown);
    }
    print_frame(text, columns);
  }

  /// Over the frame before, line by line, so that nothing flickers.
  static void print_frame(const std::string& text, std::size_t columns) {
    std::string frame = "\x1b[H";
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = text.find('\n', start);
      frame += cut(text.substr(start, end - start), columns) + "\x1b[0m\x1b[K\r\n";
      start = end + 1;
    }
    fmt::print("{}\x1b[J", frame);
    flush_output();
  }

  void print_changes() {
    std::string line = fmt::format("{} version={}", time_now(), version_);
    for (const cell& one : cells_) {
      if (one.changed || first_line_) line += fmt::format(" {}={}", one.name, one.text);
    }
    first_line_ = false;
    fmt::print("{}\n", line);
    flush_output();
  }

  void record_change(bool is_first) {
    std::vector<std::string> line{"time", "version"};
    if (is_first) {
      for (const cell& one : cells_) line.push_back(one.name);
      record_.line(line);
    }
    line = {time_now(), fmt::format("{}", version_)};
    for (const cell& one : cells_) line.push_back(one.csv_text);
    record_.line(line);
  }

  static constexpr std::size_t most_cells = 10000;

  const watch_options& how_;
  shm::const_any_object from_;
  int segment_id_;
  std::vector<column> columns_;
  rows rows_;
  std::vector<cell> cells_;
  record record_;
  rate rate_;
  std::uint64_t version_ = 0;
  double per_second_ = 0;
  bool first_line_ = true;
};

}  // namespace

exit_code watch(const watch_options& how) {
  return watcher(how).run();
}

}  // namespace tool
