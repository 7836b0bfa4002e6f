// Comparison: ==3, >=1500ms: the value of a field with one that a person types.
// SPDX-License-Identifier: MIT
#include "comparison.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "exit_code.hpp"
#include "meaning_text.hpp"
#include "readable.hpp"

namespace tool {

namespace {

bool has_order(const shm::field& what) {
  switch (what.meaning) {
    case shm::field_meaning::string:
    case shm::field_meaning::duration:
    case shm::field_meaning::time_point: return true;
    case shm::field_meaning::optional: {
      const shm::field& contents = contents_of(what);
      return contents.dimensions.empty() && has_order(contents);
    }
    case shm::field_meaning::plain:
      return what.type <= shm::field_type::long_double || what.type == shm::field_type::text;
    case shm::field_meaning::vector:
    case shm::field_meaning::bits: break;
  }
  return false;
}

template <class T>
std::optional<int> order_of(const T& a, const T& b) {
  if (a == b) return 0;
  if (a < b) return -1;
  if (b < a) return 1;
  return std::nullopt;
}

/// Negative when a comes before b, positive when behind it; nothing when they have no order.
std::optional<int> order(const shm::field& what, bytes_view a, bytes_view b) {
  if (!has_order(what)) return std::nullopt;
  if (what.meaning == shm::field_meaning::optional) {
    const bytes_view in_a = contents_in(what, a), in_b = contents_in(what, b);
    if (in_a.empty() || in_b.empty()) return std::nullopt;
    return order(contents_of(what), in_a, in_b);
  }
  if (what.meaning == shm::field_meaning::string) {
    return order_of(text_in(contents_in(what, a)), text_in(contents_in(what, b)));
  }
  if (what.type == shm::field_type::text) return order_of(text_in(a), text_in(b));
  const ticks of_a = ticks_in(what, a), of_b = ticks_in(what, b);
  return of_a.are_whole ? order_of(of_a.whole, of_b.whole) : order_of(of_a.fraction, of_b.fraction);
}

}  // namespace

comparison::relation comparison::take_relation(std::string& typed) {
  // Those of two characters first.
  constexpr std::array<std::pair<const char*, relation>, 6> operators{{{"==", relation::equal},
                                                                       {"!=", relation::unequal},
                                                                       {"<=", relation::at_most},
                                                                       {">=", relation::at_least},
                                                                       {"<", relation::less},
                                                                       {">", relation::greater}}};
  for (const auto& [text, meant] : operators) {
    if (typed.rfind(text, 0) != 0) continue;
    typed.erase(0, std::min(typed.find_first_not_of(' ', std::string(text).size()), typed.size()));
    return meant;
  }
  throw refusal(wrong_usage, fmt::format("--until {}: write an operator and a value, as in "
                                         "'>=3'; there are: == != < <= > >=",
                                         readable(typed, 80)));
}

comparison::comparison(const column& where, const std::string& typed) : where_(where) {
  require_single(where);
  std::string text = typed;
  relation_ = take_relation(text);
  const shm::field& what = *where.place.what;
  wanted_ = element_from(what, where.path, text);
  const bool is_equality = relation_ == relation::equal || relation_ == relation::unequal;
  if (is_equality || has_order(what)) return;
  throw refusal(wrong_usage, fmt::format("{} is {}, which has no order; compare it with == or !=",
                                         where.path, type_of(where)));
}

bool comparison::holds_in(bytes_view value) const {
  const shm::field& what = *where_.place.what;
  const bytes_view now = part(where_, value);
  const std::optional<int> order_now = order(what, now, wanted_);
  const bool is_equal =
      order_now ? *order_now == 0 : what_counts(what, now) == what_counts(what, wanted_);
  switch (relation_) {
    case relation::equal: return is_equal;
    case relation::unequal: return !is_equal;
    case relation::at_most: return order_now && *order_now <= 0;
    case relation::at_least: return order_now && *order_now >= 0;
    case relation::less: return order_now && *order_now < 0;
    case relation::greater: return order_now && *order_now > 0;
  }
  return false;
}

}  // namespace tool
