// watch: a value as it changes: on a terminal in place, in a pipe a line for each change.
// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>

#include "columns.hpp"
#include "commands.hpp"
#include "objects.hpp"
#include "terminal.hpp"
#include "words.hpp"

namespace tool {

namespace {

volatile std::sig_atomic_t stop_requested = 0;

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = 1; };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

/// Keys one by one, no cursor, a screen of its own; all as it was at the end, however it comes.
class full_screen {
 public:
  full_screen() {
    has_keys_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (has_keys_) {
      termios single = before_;
      single.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      ::tcsetattr(STDIN_FILENO, TCSANOW, &single);
    }
    fmt::print("\x1b[?1049h\x1b[?25l");
    std::fflush(stdout);
  }
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;
  ~full_screen() {
    fmt::print("\x1b[?25h\x1b[?1049l");
    std::fflush(stdout);
    if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  bool has_keys() const noexcept { return has_keys_; }

 private:
  termios before_{};
  bool has_keys_ = false;
};

/// Waits for so long; true when q was pressed, or nobody is there any more.
bool quit_within(unsigned milliseconds, bool has_keys) {
  pollfd keys{STDIN_FILENO, POLLIN, 0};
  const int pressed = ::poll(&keys, has_keys ? 1 : 0, static_cast<int>(milliseconds));
  if (pressed <= 0) return false;
  char key = 0;
  return ::read(STDIN_FILENO, &key, 1) != 1 || key == 'q';
}

/// Updates in a second, over the last few.
class rate {
 public:
  double seen(std::uint64_t version) {
    const auto now = clock::now();
    looks_.push_back({now, version});
    while (looks_.size() > 2 && now - looks_.front().when > std::chrono::seconds(3)) {
      looks_.erase(looks_.begin());
    }
    const std::chrono::duration<double> span = now - looks_.front().when;
    const auto updates = static_cast<double>(version - looks_.front().version);
    return span.count() > 0 ? updates / span.count() : 0;
  }

 private:
  using clock = std::chrono::steady_clock;
  struct look {
    clock::time_point when;
    std::uint64_t version;
  };
  std::vector<look> looks_;
};

struct cell {
  std::string name;
  std::string type;
  std::string text;
  bool changed = false;
};

class watcher {
 public:
  explicit watcher(const watch_options& how)
      : how_(how), from_(look_at(how.name)), columns_(columns_of(from_.value(), how.fields)) {
    if (from_.kind() == shm::object_kind::mutex) {
      throw refusal(wrong_usage, how.name + ": a mutex has no value; see: shm who " + how.name);
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
      show_it(changed);
      changes += changed ? 1 : 0;
      if (how_.changes != 0 && changes >= how_.changes) break;
      if (quit_within(how_.interval, has_keys)) break;
    }
    return done;
  }

  /// Whether any cell shows something new.
  bool look() {
    version_ = from_.version();
    per_second_ = rate_.seen(version_);
    const std::vector<std::byte> bytes = from_.snapshot();
    std::vector<cell> now;
    for (std::size_t i = 0; i < from_.size(); ++i) {
      const auto value = bytes_view(bytes).subspan(i * from_.element_size(), from_.element_size());
      for (const column& one : columns_) {
        if (!one.is_heading) now.push_back({path_of(one, i), type_of(one), text_of(one, value)});
      }
    }
    bool any = cells_.empty();
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      now[c].changed = cells_[c].text != now[c].text;
      any = any || now[c].changed;
    }
    cells_ = std::move(now);
    return any;
  }

  std::string path_of(const column& one, std::size_t i) const {
    const bool is_array = from_.kind() == shm::object_kind::array;
    if (!is_array) return one.path.empty() ? "value" : one.path;
    return fmt::format("[{}]{}{}", i, one.path.empty() ? "" : ".", one.path);
  }

  void draw() const {
    winsize window{};
    const bool sized = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 3;
    const std::size_t lines = sized ? window.ws_row - 3u : 21;
    const std::size_t columns = sized && window.ws_col > 0 ? window.ws_col : 80;
    std::vector<row> rows{{"FIELD", "TYPE", "VALUE"}};
    for (const cell& one : cells_) {
      if (rows.size() > lines) break;
      rows.push_back(
          {one.name, one.type, styled(one.text, one.changed ? style::changed : style::plain)});
    }
    std::string text = fmt::format("{}  {}, version {}, {:.1f} updates/s   (q quits)\n",
                                   shm::detail::printable(from_.name(), 64), word_for(from_.kind()),
                                   version_, per_second_);
    text += table(rows);
    if (rows.size() <= cells_.size()) {
      text += fmt::format("… {} more; choose with --field\n", cells_.size() - rows.size() + 1);
    }
    print_frame(text, columns);
  }

  /// Over the frame before, line by line, so that nothing flickers.
  static void print_frame(const std::string& text, std::size_t columns) {
    std::string frame = "\x1b[H";
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = text.find('\n', start);
      const std::string line = text.substr(start, end - start);
      frame += (width(line) <= columns ? line : line.substr(0, columns)) + "\x1b[0m\x1b[K\r\n";
      start = end + 1;
    }
    fmt::print("{}\x1b[J", frame);
    std::fflush(stdout);
  }

  void print_changes() {
    std::string line =
        fmt::format("{:%FT%T} version={}", fmt::localtime(std::time(nullptr)), version_);
    for (const cell& one : cells_) {
      if (one.changed || first_line_) line += fmt::format(" {}={}", one.name, one.text);
    }
    first_line_ = false;
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }

  const watch_options& how_;
  shm::const_any_object from_;
  std::vector<column> columns_;
  std::vector<cell> cells_;
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
