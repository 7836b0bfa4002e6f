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
#include <sstream>

#include "columns.hpp"
#include "commands.hpp"
#include "full_screen.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "record.hpp"
#include "rows.hpp"
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

/// Waits for so long; true when a signal came, q was pressed, or nobody reads any more.
bool quit_within(unsigned milliseconds, bool on_screen, bool has_keys) {
  // A signal between the look at stop_requested and the wait would be heeded an interval later.
  sigset_t held_back, before;
  ::sigemptyset(&held_back);
  for (const int signal : stopping) ::sigaddset(&held_back, signal);
  ::sigprocmask(SIG_BLOCK, &held_back, &before);
  // Poll leaves out those below 0. Whether a screen is gone, the next frame tells.
  std::array<pollfd, 2> ends{
      {{has_keys ? STDIN_FILENO : -1, POLLIN, 0}, {on_screen ? -1 : STDOUT_FILENO, 0, 0}}};
  const timespec span{milliseconds / 1000, milliseconds % 1000 * 1000000L};
  const int seen = stop_requested != 0 ? 0 : ::ppoll(ends.data(), ends.size(), &span, &before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (stop_requested != 0) return true;
  if (seen <= 0) return false;
  char key = 0;
  return ends[1].revents != 0 ||
         (ends[0].revents != 0 && (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q'));
}

std::string time_now() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()) % 1000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  return fmt::format("{:%FT%T}.{:03}", fmt::localtime(seconds), milliseconds.count());
}

/// One field of one element.
struct cell {
  std::vector<std::byte> bytes;  ///< with zeros for what does not count
  bool changed = false;
  std::deque<double> past;
};

class watcher {
 public:
  explicit watcher(const watch_options& how)
      : how_(how),
        from_(watchable(how.name)),
        segment_id_(id_under(how.name)),
        columns_(fields_of(columns_of(from_.value(), how.fields))),
        rows_(rows_in(how.rows, from_.size())),
        names_(names()),
        record_(how.record, in_a_line("time", "version", names_)) {}

  exit_code run() {
    stop_on_signals();
    if (!has_screen()) {
      return loop(
          [this](bool changed) {
            if (changed) print_changes();
          },
          false, false);
    }
    const full_screen screen;
    return loop([this](bool) { draw(); }, true, screen.has_keys());
  }

 private:
  template <class Show>
  exit_code loop(Show show_it, bool on_screen, bool has_keys) {
    unsigned long changes = 0;
    while (stop_requested == 0) {
      const bool changed = look();
      if (changed) record_change();
      show_it(changed);
      changes += changed ? 1 : 0;
      if (how_.changes != 0 && changes >= how_.changes) break;
      if (quit_within(how_.interval, on_screen, has_keys)) break;
    }
    return done;
  }

  static shm::const_any_object watchable(const std::string& name) {
    shm::const_any_object from = look_at(name);
    if (!has_value(from.kind())) refuse_without_value(name, from.kind());
    if (from.kind() == shm::object_kind::map) {
      throw refusal(wrong_usage, fmt::format("{0}: entries of a map come and go; see: shm show {0}",
                                             readable(name, 64)));
    }
    return from;
  }

  static int id_under(const std::string& name) {
    return shm::detail::segment::find(key_named(name).segment_key()).value.id();
  }

  static std::vector<column> fields_of(std::vector<column> all) {
    const auto is_heading = [](const column& one) { return one.is_heading; };
    all.erase(std::remove_if(all.begin(), all.end(), is_heading), all.end());
    return all;
  }

  /// Of the cells, in their order.
  std::vector<std::string> names() const {
    const std::size_t count = (rows_.end - rows_.first) * columns_.size();
    if (count > most_cells) {
      throw refusal(wrong_usage,
                    fmt::format("{} fields are too many to be watched, {} are not; choose with "
                                "--field, and of an array with --rows",
                                count, most_cells));
    }
    const bool is_array = from_.kind() == shm::object_kind::array;
    std::vector<std::string> all;
    for (std::size_t i = rows_.first; i < rows_.end; ++i) {
      for (const column& one : columns_) {
        all.push_back(is_array ? path_in_element(from_.value(), i, one.path) : one.path);
      }
    }
    return all;
  }

  static std::vector<std::string> in_a_line(const std::string& time, const std::string& version,
                                            const std::vector<std::string>& others) {
    std::vector<std::string> line{time, version};
    line.insert(line.end(), others.begin(), others.end());
    return line;
  }

  /// Whether anything has changed.
  bool look() {
    // An ipcrm tells nobody: the memory stays as it was for those who are attached.
    if (id_under(how_.name) != segment_id_) {
      throw refusal(not_found,
                    fmt::format("{}: it has been removed; if it was made anew, watch it anew",
                                readable(how_.name, 64)));
    }
    seen_ = take_sample(from_, rows_, patience);
    per_second_ = rate_.seen(seen_.version);
    const bool is_first = cells_.empty();
    cells_.resize(names_.size());
    bool any = is_first;
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      cell& one = cells_[c];
      std::vector<std::byte> now = what_counts(*field(c).place.what, part(field(c), element(c)));
      one.changed = !is_first && now != one.bytes;
      one.bytes = std::move(now);
      if (is_number(field(c))) {
        remember(one.past, std::strtod(text_of(field(c), element(c)).c_str(), nullptr));
      }
      any = any || one.changed;
    }
    return any;
  }

  const column& field(std::size_t c) const { return columns_[c % columns_.size()]; }

  bytes_view element(std::size_t c) const {
    const std::size_t size = from_.element_size();
    return bytes_view(seen_.bytes).subspan(c / columns_.size() * size, size);
  }

  static bool is_number(const column& one) {
    return one.place.is_single() && one.place.what->type >= shm::field_type::int8 &&
           one.place.what->type <= shm::field_type::long_double;
  }

  void draw() const {
    winsize window{};
    const bool sized = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0;
    const std::size_t lines = sized && window.ws_row > 0 ? window.ws_row : 24;
    const std::size_t columns = sized && window.ws_col > 0 ? window.ws_col : 80;
    std::vector<std::string> frame{fmt::format("{}  {}, version {}, {:.1f} updates/s   (q quits)",
                                               readable(from_.name()), word_for(from_.kind()),
                                               seen_.version, per_second_)};
    // Below the title and the head; the last line says how many are not shown.
    const std::size_t room = lines - std::min<std::size_t>(lines, 2);
    const std::size_t shown = cells_.size() <= room ? cells_.size() : room - (room > 0 ? 1 : 0);
    std::vector<row> texts{{"FIELD", "TYPE", "VALUE", "TREND"}};
    for (std::size_t c = 0; c < shown; ++c) {
      texts.push_back({names_[c], type_of(field(c)),
                       marked(text_of(field(c), element(c)), cells_[c].changed),
                       sparkline(cells_[c].past)});
    }
    std::istringstream lines_of_table(table(texts));
    for (std::string line; std::getline(lines_of_table, line);) frame.push_back(line);
    if (shown < cells_.size()) {
      frame.push_back(fmt::format("… {} more; choose with --field", cells_.size() - shown));
    }
    frame.resize(std::min(frame.size(), lines));
    print_frame(frame, columns);
  }

  /// By a colour, or else by a star.
  static std::string marked(const std::string& text, bool changed) {
    if (has_colours()) return styled(text, changed ? style::changed : style::plain);
    return (changed ? "* " : "  ") + text;
  }

  /// Over the frame before, line by line, so that nothing flickers; no line ends behind the last
  /// one, so that nothing scrolls.
  static void print_frame(const std::vector<std::string>& lines, std::size_t columns) {
    std::string frame = "\x1b[H";
    for (std::size_t l = 0; l < lines.size(); ++l) {
      frame += (l == 0 ? "" : "\r\n") + cut(lines[l], columns) + "\x1b[0m\x1b[K";
    }
    fmt::print("{}\x1b[J", frame);
    flush_output();
  }

  void print_changes() {
    std::string line = fmt::format("{} version={}", time_now(), seen_.version);
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      if (!cells_[c].changed && !is_first_line_) continue;
      line += fmt::format(" {}={}", names_[c], text_of(field(c), element(c), audience::programs));
    }
    is_first_line_ = false;
    fmt::print("{}\n", line);
    flush_output();
  }

  void record_change() {
    std::vector<std::string> values;
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      values.push_back(csv_text_of(field(c), element(c)));
    }
    record_.line(in_a_line(time_now(), fmt::format("{}", seen_.version), values));
  }

  static constexpr std::size_t most_cells = 10000;
  /// For a version that is the values': of an array in constant use there may be none.
  static constexpr std::chrono::milliseconds patience{10};

  const watch_options& how_;
  shm::const_any_object from_;
  int segment_id_;
  std::vector<column> columns_;
  rows rows_;
  std::vector<std::string> names_;
  record record_;  // when all else is known to be right: it opens the file
  sample seen_;
  std::vector<cell> cells_;
  rate rate_;
  double per_second_ = 0;
  bool is_first_line_ = true;
};

}  // namespace

exit_code watch(const watch_options& how) {
  return watcher(how).run();
}

}  // namespace tool
