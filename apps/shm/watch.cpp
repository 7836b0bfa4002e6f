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
#include <ctime>
#include <optional>
#include <sstream>

#include "commands.hpp"
#include "full_screen.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "record.hpp"
#include "sighting.hpp"
#include "terminal.hpp"
#include "trend.hpp"
#include "watched_value.hpp"
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

enum class event { none, quit, key, change };

/// Waits for so long. A signal, the key q, and a pipe that nobody reads any more mean to quit.
event next_event(std::chrono::nanoseconds span, bool on_screen, bool has_keys, int changes) {
  // A signal between the look at stop_requested and the wait would be heeded an interval later.
  sigset_t held_back, before;
  ::sigemptyset(&held_back);
  for (const int signal : stopping) ::sigaddset(&held_back, signal);
  ::sigprocmask(SIG_BLOCK, &held_back, &before);
  // Poll leaves out those below 0. Whether a screen is gone, the next frame tells.
  std::array<pollfd, 3> ends{{{has_keys ? STDIN_FILENO : -1, POLLIN, 0},
                              {on_screen ? -1 : STDOUT_FILENO, 0, 0},
                              {changes, POLLIN, 0}}};
  const std::chrono::nanoseconds left = std::max(span, std::chrono::nanoseconds::zero());
  const timespec timeout{left.count() / 1000000000, left.count() % 1000000000};
  const int seen = stop_requested != 0 ? 0 : ::ppoll(ends.data(), ends.size(), &timeout, &before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (stop_requested != 0) return event::quit;
  if (seen <= 0) return event::none;
  if (ends[1].revents != 0) return event::quit;
  if (ends[0].revents == 0) return event::change;
  char key = 0;
  return ::read(STDIN_FILENO, &key, 1) != 1 || key == 'q' ? event::quit : event::key;
}

/// Of the terminal; zeros where it does not tell.
winsize window_size() {
  winsize window{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 ? window : winsize{};
}

std::string time_now() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()) % 1000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  return fmt::format("{:%FT%T}.{:03}", fmt::localtime(seconds), milliseconds.count());
}

class watching {
 public:
  explicit watching(const watch_options& how) : how_(how), writers_(how.name) {}

  exit_code run() {
    stop_on_signals();
    find();  // what is refused is said before the screen is taken
    std::optional<full_screen> screen;
    if (on_screen_) screen.emplace();
    has_keys_ = screen && screen->has_keys();
    while (stop_requested == 0) {
      const bool is_enough = how_.changes != 0 && changes_ >= how_.changes;
      const bool is_due = is_urgent_ || is_enough || (is_stale_ && clock::now() >= next_frame_);
      if (on_screen_ && is_due) draw();
      if (is_enough) break;
      if (clock::now() >= next_check_) check();
      if (wait() == event::quit) break;
      value_ ? look() : find();
    }
    return done;
  }

 private:
  using clock = std::chrono::steady_clock;

  /// Looks whether there is such an object.
  void find() {
    const std::optional<sighting> there = sighting::of(how_.name);
    if (!there) {
      if (type_.empty() && note_.empty()) tell("waiting for it: " + nonexistence_of(how_.name));
      return;
    }
    require_same_type(there->object());
    value_.emplace(*there, how_);
    if (!record_) record_.emplace(how_.record, in_a_line("time", "version", value_->names()));
    writers_ = writers_of(how_.name);
    note_.clear();
    is_whole_line_ = true;
    next_check_ = clock::now();
    look();
  }

  /// A recording has one set of columns.
  void require_same_type(const shm::const_any_object& object) {
    const std::string type = fmt::format("{} {}", word_for(object.kind()), object.type().format());
    if (type_.empty()) type_ = type;
    if (type_ == type) return;
    throw refusal(refused, fmt::format("{}: it was made anew, and is of another type now; watch it "
                                       "anew",
                                       readable(how_.name, 64)));
  }

  void look() {
    try {
      const bool is_there = value_->is_current();
      if (is_there && value_->look()) take_change();
      if (is_there) return;
    } catch (const shm::error& why) {
      if (why.code() != shm::errc::removed) throw;
    }
    value_.reset();
    tell("it was removed; waiting for it to be made anew");
  }

  void take_change() {
    ++changes_;
    is_stale_ = true;
    record_change();
    if (!on_screen_) print_changes();
  }

  /// Looks for what no change tells.
  void check() {
    next_check_ = clock::now() + between_checks;
    is_stale_ = true;  // updates per second
    if (!value_ || !writers_.have_changed()) return;
    tell(writers_.in_words());
    if (writers_.are_there()) note_.clear();  // on a screen the news is that it is gone
  }

  void tell(const std::string& note) {
    note_ = note;
    is_urgent_ = on_screen_;
    if (!on_screen_) fmt::print(stderr, "shm: {}: {}\n", readable(how_.name, 64), note);
  }

  event wait() {
    const clock::time_point now = clock::now();
    const bool is_frame_due = now >= next_frame_;
    clock::time_point until = value_ ? next_check_ : now + between_sightings;
    if (is_urgent_) until = now;
    if (on_screen_ && !is_frame_due) until = std::min(until, next_frame_);
    if (value_) {
      // Between two frames nobody needs to know, and a busy writer need not wake anybody.
      const bool listens = !on_screen_ || is_frame_due || !how_.record.empty();
      if (!listens) value_->stop_listening();
      if (listens && value_->listen()) return event::none;  // a change may have come before
    }
    const event what =
        next_event(until - now, on_screen_, has_keys_, value_ ? value_->descriptor() : -1);
    if (what == event::change) value_->take_note();
    if (what == event::key) is_urgent_ = true;
    return what;
  }

  void draw() {
    print_frame(value_ ? frame_of_values() : std::vector<std::string>{title("")});
    is_stale_ = is_urgent_ = false;
    next_frame_ = clock::now() + std::chrono::milliseconds(how_.interval);
    if (value_) value_->forget_changes();
  }

  std::string title(const std::string& facts) const {
    const std::string name = readable(value_ ? value_->object().name() : how_.name);
    const char* const link = facts.empty() || note_.empty() ? "" : ", ";
    return fmt::format("{}  {}{}{}   (q quits)", name, facts, link, note_);
  }

  static std::size_t most_lines() {
    const winsize window = window_size();
    return window.ws_row > 0 ? window.ws_row : 24;
  }

  std::vector<std::string> frame_of_values() const {
    const watched_value& now = *value_;
    std::vector<std::string> frame{
        title(fmt::format("{}, version {}, {:.1f} updates/s", word_for(now.object().kind()),
                          now.version(), now.per_second()))};
    // Below the title and the head; the last line says how many are not shown.
    const std::size_t room = most_lines() - std::min<std::size_t>(most_lines(), 2);
    const std::size_t count = now.names().size();
    const std::size_t shown = count <= room ? count : room - (room > 0 ? 1 : 0);
    std::vector<row> texts{{"FIELD", "TYPE", "VALUE", "TREND"}};
    for (std::size_t c = 0; c < shown; ++c) {
      texts.push_back({now.names()[c], now.type(c), marked(now.text(c), now.has_changed(c)),
                       sparkline(now.past(c))});
    }
    std::istringstream lines_of_table(table(texts));
    for (std::string line; std::getline(lines_of_table, line);) frame.push_back(line);
    if (shown < count) {
      frame.push_back(fmt::format("… {} more; choose with --field", count - shown));
    }
    frame.resize(std::min(frame.size(), most_lines()));
    return frame;
  }

  /// By a colour, or else by a star.
  static std::string marked(const std::string& text, bool changed) {
    if (has_colours()) return styled(text, changed ? style::changed : style::plain);
    return (changed ? "* " : "  ") + text;
  }

  /// Over the frame before, line by line, so that nothing flickers; no line ends behind the last
  /// one, so that nothing scrolls.
  static void print_frame(const std::vector<std::string>& lines) {
    const winsize window = window_size();
    const std::size_t columns = window.ws_col > 0 ? window.ws_col : 80;
    std::string frame = "\x1b[H";
    for (std::size_t l = 0; l < lines.size(); ++l) {
      frame += (l == 0 ? "" : "\r\n") + cut(lines[l], columns) + "\x1b[0m\x1b[K";
    }
    fmt::print("{}\x1b[J", frame);
    flush_output();
  }

  void print_changes() {
    std::string line = fmt::format("{} version={}", time_now(), value_->version());
    for (std::size_t c = 0; c < value_->names().size(); ++c) {
      if (!value_->has_changed(c) && !is_whole_line_) continue;
      line += fmt::format(" {}={}", value_->names()[c], value_->text(c, audience::programs));
    }
    is_whole_line_ = false;
    value_->forget_changes();
    fmt::print("{}\n", line);
    flush_output();
  }

  void record_change() {
    std::vector<std::string> values;
    for (std::size_t c = 0; c < value_->names().size(); ++c) values.push_back(value_->csv_text(c));
    record_->line(in_a_line(time_now(), fmt::format("{}", value_->version()), values));
  }

  static std::vector<std::string> in_a_line(const std::string& time, const std::string& version,
                                            const std::vector<std::string>& others) {
    std::vector<std::string> line{time, version};
    line.insert(line.end(), others.begin(), others.end());
    return line;
  }

  const watch_options& how_;
  const bool on_screen_ = has_screen();
  bool has_keys_ = false;
  std::optional<watched_value> value_;  ///< nothing while there is no such object
  std::string type_;                    ///< of the first one
  std::optional<record> record_;        // when all else is known to be right: it opens the file
  writers_of writers_;
  std::string note_;  ///< on the screen, beside the name
  unsigned long changes_ = 0;
  bool is_whole_line_ = true;  ///< the next one tells of all fields
  bool is_stale_ = true;       ///< the frame
  bool is_urgent_ = false;     ///< it is to be drawn now
  clock::time_point next_frame_;
  clock::time_point next_check_;
};

}  // namespace

exit_code watch(const watch_options& how) {
  return watching(how).run();
}

}  // namespace tool
