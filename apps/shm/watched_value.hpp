// Watched value: the fields of an object that are watched, and which of them have changed.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <shm.hpp>
#include <string>
#include <vector>

#include "columns.hpp"
#include "commands.hpp"
#include "rows.hpp"
#include "sighting.hpp"
#include "trend.hpp"

namespace tool {

class watched_value {
 public:
  /// Throws refusal if the object, or these fields and rows of it, cannot be watched.
  watched_value(const sighting& there, const watch_options& how);
  watched_value(const watched_value&) = delete;
  watched_value& operator=(const watched_value&) = delete;

  /// Returns whether anything has changed; the first look counts as a change. Throws refusal, and
  /// shm::error: removed.
  bool look();

  /// Begins to listen for changes. Returns false if it listens already. A change that came before
  /// is not reported.
  bool listen();
  void stop_listening() { changes_.reset(); }
  /// Readable after a change; -1 if it does not listen.
  int descriptor() const noexcept { return changes_ ? changes_->fd() : -1; }
  /// Makes the descriptor unreadable until the next change.
  void take_note() { changes_->changed(); }

  const shm::const_any_object& object() const noexcept { return there_.object(); }
  bool is_current() const { return there_.is_current(); }
  std::uint64_t version() const noexcept { return seen_.version; }
  /// Updates, over the last looks.
  double per_second() const noexcept { return per_second_; }

  // One field of one element is a cell.
  const std::vector<std::string>& names() const noexcept { return names_; }
  std::string type(std::size_t c) const { return type_of(field(c)); }
  std::string text(std::size_t c, audience to = audience::people) const {
    return text_of(field(c), element(c), to);
  }
  std::string csv_text(std::size_t c) const { return csv_text_of(field(c), element(c)); }
  const std::deque<double>& past(std::size_t c) const { return cells_[c].past; }
  /// Whether it has changed since forget_changes().
  bool has_changed(std::size_t c) const { return cells_[c].has_changed; }
  void forget_changes();

 private:
  struct cell {
    std::vector<std::byte> bytes;  ///< with zeros for what does not count
    bool has_changed = false;
    std::deque<double> past;
  };

  std::vector<std::string> names_of_cells() const;
  const column& field(std::size_t c) const { return columns_[c % columns_.size()]; }
  bytes_view element(std::size_t c) const;

  sighting there_;
  std::vector<column> columns_;
  rows rows_;
  std::vector<std::string> names_;
  sample seen_;
  std::vector<cell> cells_;
  rate rate_;
  double per_second_ = 0;
  std::optional<shm::watcher> changes_;  // last: it must not outlive the object
};

}  // namespace tool
