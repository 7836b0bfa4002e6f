// watch: a value as it changes: on a terminal in place, in a pipe a line for each change.
// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

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

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = 1; };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

struct cell {
  std::string name;
  std::string type;
  std::string text;
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
        columns_(columns_of(from_.value(), how.fields)),
        record_(how.record) {
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
      if (changed) record_change(changes == 0);
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
    return {name, type_of(one), text_of(one, value), is_number, false, {}};
  }

  void draw() const {
    winsize window{};
    const bool sized = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 3;
    const std::size_t lines = sized ? window.ws_row - 3u : 21;
    const std::size_t columns = sized && window.ws_col > 0 ? window.ws_col : 80;
    std::vector<row> rows{{"FIELD", "TYPE", "VALUE", "TREND"}};
    for (const cell& one : cells_) {
      if (rows.size() > lines) break;
      rows.push_back({one.name, one.type,
                      styled(one.text, one.changed ? style::changed : style::plain),
                      sparkline(one.past)});
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
      frame += cut(text.substr(start, end - start), columns) + "\x1b[0m\x1b[K\r\n";
      start = end + 1;
    }
    fmt::print("{}\x1b[J", frame);
    std::fflush(stdout);
  }

  void print_changes() {
    std::string line = fmt::format("{} version={}", time_now(), version_);
    for (const cell& one : cells_) {
      if (one.changed || first_line_) line += fmt::format(" {}={}", one.name, one.text);
    }
    first_line_ = false;
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }

  void record_change(bool is_first) {
    std::vector<std::string> line{"time", "version"};
    if (is_first) {
      for (const cell& one : cells_) line.push_back(one.name);
      record_.line(line);
    }
    line = {time_now(), fmt::format("{}", version_)};
    for (const cell& one : cells_) line.push_back(one.text);
    record_.line(line);
  }

  const watch_options& how_;
  shm::const_any_object from_;
  std::vector<column> columns_;
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
