// Time text: durations and points in time as people write them, and back to ticks.
// SPDX-License-Identifier: MIT
#include "time_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <optional>
#include <string_view>

#include "value_text.hpp"

namespace tool {

namespace {

struct unit_of_time {
  const char* name;
  std::int64_t numerator;  ///< in seconds
  std::int64_t denominator;
};
constexpr std::array<unit_of_time, 8> units{{{"ns", 1, 1'000'000'000},
                                             {"us", 1, 1'000'000},
                                             {"µs", 1, 1'000'000},
                                             {"ms", 1, 1000},
                                             {"s", 1, 1},
                                             {"min", 60, 1},
                                             {"h", 3600, 1},
                                             {"d", 86400, 1}}};

/// digits / 10^decimals
struct decimal {
  wide digits = 0;
  unsigned decimals = 0;
};

wide power_of_ten(unsigned exponent) {
  wide power = 1;
  for (; exponent != 0; --exponent) power *= 10;
  return power;
}

/// Takes [-]123[.456] away; nothing where there is none, or of more than 27 digits.
std::optional<decimal> take_decimal(std::string_view& text) {
  std::string_view rest = text;
  const bool is_negative = !rest.empty() && rest[0] == '-';
  if (is_negative) rest.remove_prefix(1);
  decimal found;
  unsigned count = 0;
  bool after_point = false;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    if (rest[0] == '.' && !after_point) {
      after_point = true;
      continue;
    }
    if (std::isdigit(static_cast<unsigned char>(rest[0])) == 0) break;
    if (++count > 27) return std::nullopt;
    found.digits = found.digits * 10 + (rest[0] - '0');
    if (after_point) ++found.decimals;
  }
  if (count == 0) return std::nullopt;
  if (is_negative) found.digits = -found.digits;
  text = rest;
  return found;
}

std::string text_of(wide number) {
  const bool is_negative = number < 0;
  std::string digits;
  do {
    const int digit = static_cast<int>(number % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    number /= 10;
  } while (number != 0);
  return is_negative ? '-' + digits : digits;
}

std::string duration_text(const shm::field& what, const ticks& value) {
  const std::string unit = what.tick_in_words();
  const std::string number =
      value.are_whole ? text_of(value.whole) : fmt::format("{:.17g}", value.fraction);
  const bool has_name = unit.find('/') == unit.npos;
  return has_name ? number + unit : fmt::format("{}*{}", number, unit);
}

/// How many decimals of a second whole ticks have; nothing where they are no decimals.
std::optional<unsigned> decimals_of(const shm::field& what) {
  for (unsigned decimals = 0; decimals <= 18; ++decimals) {
    if (power_of_ten(decimals) % static_cast<wide>(what.tick_denominator) == 0) return decimals;
  }
  return std::nullopt;
}

bool is_of_system_clock(const shm::field& what) {
  return what.meaning == shm::field_meaning::time_point && what.clock == "system";
}

/// Nothing outside of the years 0 to 9999.
std::optional<std::string> calendar_text(const shm::field& what, const ticks& value) {
  const auto decimals = decimals_of(what);
  if (!value.are_whole || !decimals) return std::nullopt;
  const wide scale = power_of_ten(*decimals);
  wide limit = 0;
  if (__builtin_mul_overflow(value.whole, static_cast<wide>(what.tick_numerator), &limit) ||
      __builtin_mul_overflow(limit, scale / static_cast<wide>(what.tick_denominator), &limit)) {
    return std::nullopt;
  }
  wide seconds = limit / scale, rest = limit % scale;
  if (rest < 0) {
    rest += scale;
    --seconds;
  }
  constexpr wide year_0 = -62167219200, year_10000 = 253402300800;
  if (seconds < year_0 || seconds >= year_10000) return std::nullopt;
  const auto since_epoch = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&since_epoch, &parts);
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  if (rest != 0) {
    std::string fraction = text_of(scale + rest).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += '.' + fraction;
  }
  return text + 'Z';
}

/// Rounded to zero where ticks are whole.
ticks ratio(const shm::field& what, wide above, wide below) {
  ticks result;
  result.are_whole = what.type < shm::field_type::float32;
  result.whole = above / below;
  result.fraction = static_cast<long double>(above) / static_cast<long double>(below);
  return result;
}

/// Seconds times a ratio, in ticks.
ticks in_ticks(const shm::field& what, const std::string& path, const std::string& text,
               const decimal& number, std::int64_t numerator, std::int64_t denominator) {
  wide above = number.digits, below = power_of_ten(number.decimals);
  const bool is_too_large =
      __builtin_mul_overflow(above, static_cast<wide>(numerator), &above) ||
      __builtin_mul_overflow(above, static_cast<wide>(what.tick_denominator), &above) ||
      __builtin_mul_overflow(below, static_cast<wide>(denominator), &below) ||
      __builtin_mul_overflow(below, static_cast<wide>(what.tick_numerator), &below);
  if (is_too_large) refuse_value(what, path, text, "it is too large");
  const ticks result = ratio(what, above, below);
  if (result.are_whole && above % below != 0) {
    refuse_value(what, path, text, fmt::format("it is stored in whole {}", what.tick_in_words()));
  }
  return result;
}

ticks duration_from(const shm::field& what, const std::string& path, const std::string& text) {
  std::string_view rest = text;
  const auto number = take_decimal(rest);
  if (number && number->digits == 0 && rest.empty()) return in_ticks(what, path, text, {}, 1, 1);
  if (number) {
    if (rest == '*' + what.tick_in_words()) {
      return in_ticks(what, path, text, *number, static_cast<std::int64_t>(what.tick_numerator),
                      static_cast<std::int64_t>(what.tick_denominator));
    }
    for (const unit_of_time& one : units) {
      if (rest == one.name) {
        return in_ticks(what, path, text, *number, one.numerator, one.denominator);
      }
    }
  }
  refuse_value(what, path, text, "write a number and its unit: ns, us, ms, s, min, h or d");
}

/// Takes that many digits, and the separator before them, if any.
std::optional<int> take_digits(std::string_view& text, const char* separators, unsigned count) {
  if (*separators != 0) {
    if (text.empty() || std::string_view(separators).find(text[0]) == std::string_view::npos) {
      return std::nullopt;
    }
    text.remove_prefix(1);
  }
  if (text.size() < count) return std::nullopt;
  int number = 0;
  for (const char digit : text.substr(0, count)) {
    if (std::isdigit(static_cast<unsigned char>(digit)) == 0) return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  text.remove_prefix(count);
  return number;
}

/// 2026-11-26, 2026-11-26T09:30, 2026-11-26T09:30:00.25, each with Z or without, in UTC.
std::optional<decimal> seconds_from(std::string_view text) {
  const auto year = take_digits(text, "", 4), month = take_digits(text, "-", 2),
             day = take_digits(text, "-", 2);
  if (!year || !month || !day) return std::nullopt;
  std::tm parts{};
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  decimal fraction;
  if (!text.empty() && text != "Z") {
    const auto hour = take_digits(text, "T ", 2), minute = take_digits(text, ":", 2);
    if (!hour || !minute) return std::nullopt;
    parts.tm_hour = *hour;
    parts.tm_min = *minute;
    if (!text.empty() && text[0] == ':') {
      const auto second = take_digits(text, ":", 2);
      if (!second) return std::nullopt;
      parts.tm_sec = *second;
      if (!text.empty() && text[0] == '.') {
        const auto read = take_decimal(text);
        if (!read || read->decimals > 9) return std::nullopt;
        fraction = *read;
      }
    }
  }
  if (!text.empty() && text != "Z") return std::nullopt;
  const std::tm written = parts;
  const std::time_t seconds = ::timegm(&parts);
  // A day or an hour that there is not comes back as another.
  if (parts.tm_mon != written.tm_mon || parts.tm_mday != written.tm_mday ||
      parts.tm_hour != written.tm_hour || parts.tm_min != written.tm_min) {
    return std::nullopt;
  }
  return decimal{seconds * power_of_ten(fraction.decimals) + fraction.digits, fraction.decimals};
}

/// Rounded down to ticks.
ticks now_by(const shm::field& what) {
  const auto since = what.clock == "system"
                         ? std::chrono::system_clock::now().time_since_epoch()
                         : std::chrono::duration_cast<std::chrono::system_clock::duration>(
                               std::chrono::steady_clock::now().time_since_epoch());
  const wide above =
      wide{std::chrono::nanoseconds(since).count()} * static_cast<wide>(what.tick_denominator);
  const wide below = wide{1'000'000'000} * static_cast<wide>(what.tick_numerator);
  return ratio(what, above, below);
}

}  // namespace

std::string time_text(const shm::field& what, const ticks& value) {
  if (is_of_system_clock(what)) {
    if (const auto text = calendar_text(what, value)) return *text;
  }
  return duration_text(what, value);
}

ticks ticks_from(const shm::field& what, const std::string& path, const std::string& text) {
  const bool has_now = what.clock == "system" || what.clock == "steady";
  if (has_now && text == "now") return now_by(what);
  if (!is_of_system_clock(what)) return duration_from(what, path, text);
  const auto seconds = seconds_from(text);
  if (!seconds) {
    refuse_value(what, path, text, "write the time in UTC, as in 2026-11-26T09:30:00.25Z, or now");
  }
  return in_ticks(what, path, text, *seconds, 1, 1);
}

}  // namespace tool
