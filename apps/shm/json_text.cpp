// JSON text: what ls and show print for programs.
// SPDX-License-Identifier: MIT
#include "json_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "meaning_text.hpp"
#include "objects.hpp"
#include "people.hpp"
#include "words.hpp"

namespace tool {

namespace {

/// One that is finite, but none of those that JSON's numbers hold, is a text.
json long_double_as_json(long double value, const std::string& text) {
  const auto rounded = static_cast<double>(value);
  const bool is_lost =
      std::isfinite(value) && (std::isinf(rounded) || (rounded == 0) != (value == 0));
  return is_lost ? json(text) : json(rounded);
}

json bool_as_json(unsigned char value) {
  return value > 1 ? json(value) : json(value == 1);
}

template <class Float>
json complex_as_json(bytes_view one) {
  return json::array({static_cast<double>(number_in<Float>(one)),
                      static_cast<double>(number_in<Float>(one.subspan(sizeof(Float))))});
}

/// Times and bits as they are typed: JSON has no such values.
json meaning_as_json(const shm::field& what, bytes_view one) {
  if (what.members.empty() || what.meaning == shm::field_meaning::bits) {
    return meaning_text(what, one, audience::programs);
  }
  const bytes_view contents = contents_in(what, one);
  switch (what.meaning) {
    case shm::field_meaning::string:
      return std::string(static_cast<const char*>(static_cast<const void*>(contents.data())),
                         contents.size());
    case shm::field_meaning::optional:
      return contents.empty() ? json() : value_as_json(contents_of(what), contents);
    default: break;
  }
  json list = json::array();
  const shm::field element = element_of(what);
  const auto size = static_cast<std::size_t>(element.size * element.count());
  for (std::size_t at = 0; at < contents.size(); at += size) {
    list.push_back(value_as_json(element, contents.subspan(at, size)));
  }
  return list;
}

json scalar_as_json(const shm::field& what, bytes_view bytes) {
  if (const auto name = enumerator_in(what, bytes)) return *name;
  const std::vector<std::byte> one = native(what, bytes);
  switch (what.type) {
    case shm::field_type::boolean: return bool_as_json(number_in<unsigned char>(one));
    case shm::field_type::character: return std::string(1, number_in<char>(one));
    case shm::field_type::int8: return number_in<std::int8_t>(one);
    case shm::field_type::uint8: return number_in<std::uint8_t>(one);
    case shm::field_type::int16: return number_in<std::int16_t>(one);
    case shm::field_type::uint16: return number_in<std::uint16_t>(one);
    case shm::field_type::int32: return number_in<std::int32_t>(one);
    case shm::field_type::uint32: return number_in<std::uint32_t>(one);
    case shm::field_type::int64: return number_in<std::int64_t>(one);
    case shm::field_type::uint64: return number_in<std::uint64_t>(one);
    case shm::field_type::float32:
      return std::stod(fmt::format("{}", number_in<float>(one)));  // 0.1
    case shm::field_type::float64: return number_in<double>(one);
    case shm::field_type::long_double:
      return long_double_as_json(number_in<long double>(one), scalar_text(what, bytes));
    case shm::field_type::complex64: return complex_as_json<float>(one);
    case shm::field_type::complex128: return complex_as_json<double>(one);
    case shm::field_type::complex_long_double: return complex_as_json<long double>(one);
    case shm::field_type::text: return text_in(one);
    case shm::field_type::opaque:
    case shm::field_type::structure: break;
  }
  return scalar_text(what, bytes, audience::programs);
}

}  // namespace

json value_as_json(const shm::field& what, bytes_view bytes, std::size_t dimension) {
  if (dimension < what.dimensions.size()) {
    const auto count = static_cast<std::size_t>(what.dimensions[dimension]);
    std::size_t stride = static_cast<std::size_t>(what.size);
    for (std::size_t d = dimension + 1; d < what.dimensions.size(); ++d) {
      stride *= static_cast<std::size_t>(what.dimensions[d]);
    }
    json list = json::array();
    for (std::size_t i = 0; i < count; ++i) {
      list.push_back(value_as_json(what, bytes.subspan(i * stride, stride), dimension + 1));
    }
    return list;
  }
  if (what.meaning != shm::field_meaning::plain) return meaning_as_json(what, bytes);
  if (what.type != shm::field_type::structure) return scalar_as_json(what, bytes);
  json members = json::object();
  for (const shm::field& member : what.members) {
    const bytes_view part = bytes.subspan(static_cast<std::size_t>(member.offset),
                                          static_cast<std::size_t>(member.size * member.count()));
    members[member.name] = value_as_json(member, part);
  }
  return members;
}

json info_as_json(const shm::object_info& info) {
  json seats = json::array();
  for (const shm::seat_info& one : info.seats) {
    seats.push_back({{"seat", one.seat}, {"process", one.process}});
  }
  return {{"name", info.name},
          {"title", title(info)},
          {"key", shm::detail::hex(info.key)},
          {"segment_id", info.segment_id},
          {"set_id", info.set_id},
          {"kind", word_for(info.kind)},
          {"state", word_for(info.state)},
          {"format", info.format},
          {"notes", info.notes},
          {"size", info.size},
          {"count", info.count},
          {"entries", info.entries},
          {"available", info.available},
          {"segment_size", info.segment_size},
          {"mode", info.mode},
          {"owner", user_name(info.owner)},
          {"attached", info.attached},
          {"seats", seats},
          {"most_seats", info.most_seats},
          {"lock", word_for(info.lock)},
          {"lock_process", info.lock_process},
          {"lock_process_started", info.lock_process == 0 ? 0 : started(info.lock_process)},
          {"needs_repair", info.needs_repair},
          {"version", info.version},
          {"until_last_detach", info.until_last_detach},
          {"changed", info.changed},
          {"problem", info.problem}};
}

std::string dumped(const json& what) {
  return what.dump(2, ' ', true, json::error_handler_t::replace);
}

std::string dumped_in_a_line(const json& what) {
  return what.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace tool
