// Described: standard types that mean more than their bytes, and what a schema says of them.
// SPDX-License-Identifier: MIT
#include <bitset>
#include <chrono>
#include <complex>
#include <optional>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"

using namespace std::chrono_literals;

namespace {

struct lab_clock {
  using rep = std::int64_t;
  using period = std::ratio<1, 60>;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<lab_clock>;
};

struct point {
  BOOST_HANA_DEFINE_STRUCT(point, (float, x), (float, y));
};
struct meaningful {
  using frames = std::chrono::duration<std::int32_t, std::ratio<1, 60>>;
  using points = shm::static_vector<point, 3>;
  using numbers = shm::static_vector<std::int16_t, 4>;
  BOOST_HANA_DEFINE_STRUCT(meaningful, (std::chrono::milliseconds, wait), (frames, shown),
                           (std::chrono::system_clock::time_point, made),
                           (std::chrono::steady_clock::time_point, seen),
                           (lab_clock::time_point, shot), (std::bitset<70>, flags),
                           (std::complex<double>, z), (std::optional<std::int16_t>, maybe),
                           (shm::static_string<5>, name), (numbers, list), (points, path),
                           (std::optional<std::chrono::seconds>, left));
};

template <class T>
std::string words(std::string_view path) {
  const auto parsed = shm::detail::parse(shm::schema_of<T>());
  REQUIRE(parsed.has_value());
  const auto found = shm::find_field(parsed->value, path);
  REQUIRE(found.has_value());
  return found->what->type_in_words();
}

template <class Ours, class Stored>
std::string refusal_of_opening() {
  const support::name name;
  const shm::object<Stored> made(name);
  const auto refusal = support::refusal_of([&] { const shm::object<Ours> opened(name); });
  CHECK(refusal.code() == shm::errc::type_mismatch);
  return refusal.what();
}

template <class Duration>
struct job {
  BOOST_HANA_DEFINE_STRUCT(job, (std::int64_t, id), (Duration, limit));
};

}  // namespace

TEST_CASE("types that mean more than their bytes have a format, and a note of the meaning") {
  CHECK(shm::schema_of<meaningful>().format() ==
        "T{<q:wait:<i:shown:4x<q:made:<q:seen:<q:shot:T{(2)<Q:words:}:flags:<Zd:z:"
        "T{<h:value:?:engaged:x}:maybe:T{<I:size:5s:text:3x}:name:T{<I:size:(4)<h:items:}:list:"
        "T{<I:size:(3)T{<f:x:<f:y:}:items:}:path:T{<q:value:?:engaged:7x}:left:}");
  CHECK(shm::schema_of<meaningful>().notes() ==
        "wait\tduration 1/1000\t\t\t\t\t\nshown\tduration 1/60\t\t\t\t\t\n"
        "made\ttime 1/1000000000 system\t\t\t\t\t\nseen\ttime 1/1000000000 steady\t\t\t\t\t\n"
        "shot\ttime 1/60 lab_clock\t\t\t\t\t\nflags\tbits 70\t\t\t\t\t\nmaybe\toptional\t\t\t\t\t\n"
        "name\tstring\t\t\t\t\t\nlist\tvector\t\t\t\t\t\npath\tvector\t\t\t\t\t\n"
        "left\toptional\t\t\t\t\t\nleft.value\tduration 1/1\t\t\t\t\t");
}

TEST_CASE("their fields say in words what they are") {
  CHECK(words<meaningful>("wait") == "duration in ms");
  CHECK(words<meaningful>("shown") == "duration in 1/60 s");
  CHECK(words<meaningful>("made") == "system time in ns");
  CHECK(words<meaningful>("seen") == "steady time in ns");
  CHECK_THAT(words<meaningful>("shot"), ContainsSubstring("lab_clock time in 1/60 s"));
  CHECK(words<meaningful>("flags") == "bitset of 70");
  CHECK(words<meaningful>("z") == "complex double");
  CHECK(words<meaningful>("maybe") == "optional int16");
  CHECK(words<meaningful>("name") == "string of at most 5");
  CHECK(words<meaningful>("list") == "vector of at most 4 int16");
  CHECK(words<meaningful>("path") == "vector of at most 3 struct");
  CHECK(words<meaningful>("left") == "optional duration in s");
  CHECK(words<std::array<std::chrono::hours, 3>>("") == "duration in h");
  CHECK(words<std::complex<float>>("") == "complex float");
  CHECK(words<std::complex<long double>>("") == "complex long double");
}

TEST_CASE("a path goes into a vector by an index, and into an optional struct by a name") {
  struct holder {
    BOOST_HANA_DEFINE_STRUCT(holder, (meaningful::points, path), (std::optional<point>, maybe));
  };
  const auto parsed = shm::detail::parse(shm::schema_of<holder>());
  REQUIRE(parsed.has_value());
  const auto place = [&](std::string_view path) { return shm::find_field(parsed->value, path); };
  CHECK(place("path[2].y")->offset == 4 + 2 * sizeof(point) + 4);
  CHECK(place("path.items[2].y")->offset == place("path[2].y")->offset);
  CHECK(place("maybe.y")->offset == offsetof(holder, maybe) + 4);
  CHECK(place("maybe.engaged")->offset == offsetof(holder, maybe) + 8);
  CHECK_FALSE(place("path[3].y").has_value());
  CHECK_FALSE(place("maybe.z").has_value());
  CHECK_FALSE(place("maybe[0]").has_value());
}

TEST_CASE("another unit, clock, number of bits or room is a mismatch that names the member") {
  CHECK_THAT((refusal_of_opening<job<std::chrono::seconds>, job<std::chrono::milliseconds>>()),
             ContainsSubstring("limit: duration in ms at byte 8 in the segment, duration in s at "
                               "byte 8 in this program"));
  using minutes = std::chrono::duration<std::int64_t, std::ratio<60>>;
  CHECK_THAT((refusal_of_opening<job<std::int64_t>, job<minutes>>()),
             ContainsSubstring("limit: duration in min at byte 8 in the segment, int64"));
  CHECK_THAT((refusal_of_opening<job<std::chrono::system_clock::time_point>,
                                 job<std::chrono::steady_clock::time_point>>()),
             ContainsSubstring("limit: steady time in ns at byte 8 in the segment, system time"));
  CHECK_THAT((refusal_of_opening<job<std::optional<std::chrono::seconds>>,
                                 job<std::optional<std::chrono::hours>>>()),
             ContainsSubstring("limit: optional duration in h"));
  CHECK_THAT((refusal_of_opening<job<std::bitset<9>>, job<std::bitset<10>>>()),
             ContainsSubstring("limit: bitset of 10"));
  CHECK_THAT((refusal_of_opening<job<shm::static_string<6>>, job<shm::static_string<8>>>()),
             ContainsSubstring("limit: string of at most 8"));
  CHECK_THAT(
      (refusal_of_opening<job<shm::static_vector<int, 2>>, job<shm::static_vector<float, 2>>>()),
      ContainsSubstring("limit: vector of at most 2 float"));
  CHECK_THAT((refusal_of_opening<shm::static_vector<std::chrono::seconds, 2>,
                                 shm::static_vector<std::chrono::hours, 2>>()),
             ContainsSubstring("the value: vector of at most 2 duration in h"));
  CHECK_THAT((refusal_of_opening<std::chrono::seconds, std::chrono::hours>()),
             ContainsSubstring("the value: duration in h at byte 0 in the segment"));
}

TEST_CASE("a vector of structs that differ inside says which member") {
  struct other {
    BOOST_HANA_DEFINE_STRUCT(other, (float, x), (std::int32_t, y));
  };
  CHECK_THAT(
      (refusal_of_opening<job<shm::static_vector<other, 3>>, job<shm::static_vector<point, 3>>>()),
      ContainsSubstring("limit.items[].y: float at byte 16 in the segment, int32"));
}

TEST_CASE("values of these types go to another handle and back") {
  const support::name name;
  shm::object<meaningful> written(name);
  written.update([](meaningful& it) {
    it.wait = 5s;
    it.flags.set(69);
    it.z = {1, -1};
    it.maybe = 7;
    it.name = "Ilse";
    it.list = {1, 2};
    it.path.push_back({1, 2});
    it.left = 3s;
  });
  const meaningful read = shm::object<const meaningful>(name).load();
  CHECK(read.wait == 5000ms);
  CHECK((read.flags.test(69) && read.flags.count() == 1));
  CHECK(read.z == std::complex<double>(1, -1));
  CHECK((read.maybe == std::int16_t{7} && read.name == "Ilse" && read.list.size() == 2));
  CHECK((read.path.back().y == 2 && read.left == 3s));
}

TEST_CASE("an optional's words lie where the format says") {
  const auto parsed = shm::detail::parse(shm::schema_of<std::optional<std::int64_t>>());
  REQUIRE(parsed.has_value());
  const auto engaged = shm::find_field(parsed->value, "engaged")->offset;
  alignas(8) std::byte bytes[sizeof(std::optional<std::int64_t>)] = {};
  auto& value = *::new (static_cast<void*>(bytes)) std::optional<std::int64_t>(258);
  CHECK((bytes[0] == std::byte{2} && bytes[1] == std::byte{1} && bytes[engaged] == std::byte{1}));
  value.reset();
  CHECK(bytes[engaged] == std::byte{0});
}

TEST_CASE("a bitset's bits lie where the format says") {
  std::bitset<130> bits;
  bits.set(0).set(9).set(129);
  std::byte bytes[sizeof bits];
  std::memcpy(bytes, &bits, sizeof bits);
  CHECK((bytes[0] == std::byte{1} && bytes[1] == std::byte{2} && bytes[16] == std::byte{2}));
}

static_assert(!shm::is_shareable_v<shm::static_vector<int*, 2>>);
static_assert(!shm::is_shareable_v<std::optional<const char*>>);
static_assert(shm::is_shareable_v<meaningful> && shm::is_shareable_v<std::bitset<0>>);
