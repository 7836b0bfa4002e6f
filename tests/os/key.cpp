// Key: names become keys, and what is no name is refused.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <shm.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

TEST_CASE("a name of 1 to 63 bytes is a key") {
  CHECK(shm::key("a").name() == "a");
  const std::string longest(63, 'n');
  CHECK(shm::key(longest).name() == longest);
  CHECK(shm::key(std::string_view("view")).segment_key() == shm::key("view").segment_key());
}

TEST_CASE("anything else is an invalid argument, with the reason") {
  const auto refused = [](std::string_view name) {
    try {
      shm::key key(name);
    } catch (const shm::error& refusal) {
      CHECK(refusal.code() == std::errc::invalid_argument);
      return std::string(refusal.what());
    }
    return std::string();
  };
  CHECK_THAT(refused(""), ContainsSubstring("1 to 63 bytes, not 0"));
  CHECK_THAT(refused(std::string(64, 'x')), ContainsSubstring("not 64"));
  CHECK_THAT(refused(std::string_view("a\0b", 3)), ContainsSubstring("NUL"));
  CHECK_THROWS_AS(shm::key(static_cast<const char*>(nullptr)), shm::error);
}

TEST_CASE("the keys of a name never change") {
  // Processes built today must meet those built tomorrow.
  CHECK(shm::key("car").segment_key() == static_cast<key_t>(0xf9079ad8));
  CHECK(shm::key("car").set_key() == static_cast<key_t>(0xf9079ad8 ^ 0x73656d61));
}

TEST_CASE("different segment keys have different set keys, and neither is private") {
  std::set<key_t> segments, sets;
  for (int i = 0; i < 20000; ++i) {
    const shm::key key("name " + std::to_string(i));
    segments.insert(key.segment_key());
    sets.insert(key.set_key());
    REQUIRE(key.segment_key() != IPC_PRIVATE);
    REQUIRE(key.set_key() != IPC_PRIVATE);
    REQUIRE(key.set_key() != key.segment_key());
  }
  CHECK(segments.size() == sets.size());
}

TEST_CASE("a key comes from a value that was agreed on, but not from a reserved one") {
  CHECK(shm::key::from_value(0x1234).segment_key() == 0x1234);
  CHECK(shm::key::from_value(0x1234).name() == "key:0x00001234");
  CHECK_THROWS_AS(shm::key::from_value(IPC_PRIVATE), shm::error);
  CHECK_THROWS_AS(shm::key::from_value(0x73656d61), shm::error);
}

TEST_CASE("a key comes from a path by ftok, and a path that is not there is refused with errno") {
  CHECK(shm::key::from_path("/", 7).segment_key() == ::ftok("/", 7));
  CHECK_THROWS_AS(shm::key::from_path("/", 0), shm::error);
  CHECK_THROWS_AS(shm::key::from_path(nullptr, 7), shm::error);
  try {
    shm::key::from_path("/no/such/path", 7);
    FAIL("not refused");
  } catch (const shm::error& refusal) {
    CHECK(refusal.code() == std::errc::no_such_file_or_directory);
    CHECK_THAT(refusal.what(), ContainsSubstring("ftok(\"/no/such/path\")"));
  }
}

namespace {

/// A folder for the length of a test, where new files get new numbers.
class folder {
 public:
  folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::system(("rm -rf " + path_).c_str()); }

  std::string operator/(const char* file) const { return path_ + '/' + file; }

 private:
  std::string path_ =
      ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/shm-test-XXXXXX" : "/tmp/shm-test-XXXXXX";
};

/// The number of a new file of that name.
ino_t make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  struct stat now {};
  REQUIRE(::fstat(file, &now) == 0);
  ::close(file);
  return now.st_ino;
}

/// Makes files until one has ftok's key of the first, from which it differs: on a tmpfs, which
/// numbers one after the other, that is the 65,536th.
bool make_twin(const std::string& first, const std::string& twin) {
  const ino_t number = make_file(first);
  for (int tries = 0; tries < 70000; ++tries) {
    const ino_t other = make_file(twin);
    if (other != number && (other & 0xffff) == (number & 0xffff)) return true;
    ::unlink(twin.c_str());
  }
  return false;
}

}  // namespace

TEST_CASE("every path to a file makes one key, whose name tells the file") {
  const folder folder;
  const std::string file = folder / "file", link = folder / "link", hard = folder / "hard";
  const ino_t number = make_file(file);
  REQUIRE(::symlink(file.c_str(), link.c_str()) == 0);
  REQUIRE(::link(file.c_str(), hard.c_str()) == 0);
  const shm::key key = shm::key::from_path(file.c_str(), 7);
  CHECK(key.segment_key() == ::ftok(file.c_str(), 7));
  const std::string start = "key:" + shm::detail::hex(key.segment_key()) + " file ";
  CHECK(key.name().substr(0, start.size()) == start);
  CHECK(key.name().substr(key.name().find(':', start.size())) == ':' + std::to_string(number));
  CHECK(shm::key::from_path(link.c_str(), 7).name() == key.name());
  CHECK(shm::key::from_path(hard.c_str(), 7).name() == key.name());
  CHECK(shm::key::from_path(file.c_str(), 8).segment_key() != key.segment_key());
  CHECK(key.is_named());
}

TEST_CASE("two files with one ftok key do not share an object") {
  const support::watchdog watchdog(120);
  const folder folder;
  const std::string first = folder / "first", second = folder / "second";
  if (!make_twin(first, second)) {
    WARN("skipped: this file system gives no two files one ftok key");
    return;
  }
  const shm::key one = shm::key::from_path(first.c_str(), 7);
  const shm::key other = shm::key::from_path(second.c_str(), 7);
  REQUIRE(one.segment_key() == other.segment_key());
  {
    const shm::object<int> ours(shm::create_only, one, 451);
    CHECK(shm::object<int>(shm::open_only, one).load() == 451);
    const auto refusal = support::refusal_of([&] { shm::object<int>{other}; });
    CHECK(refusal.code() == shm::errc::name_collision);
    CHECK_THAT(refusal.what(), ContainsSubstring(std::string(one.name())));
    CHECK(support::code_of([&] { shm::remove(other); }) == shm::errc::name_collision);
    // Whoever knows nothing but the key takes what is there.
    CHECK(shm::object<int>(shm::open_only, shm::key::from_value(one.segment_key())).load() == 451);
    for (const shm::object_info& info : shm::list()) {
      if (info.key == one.segment_key()) CHECK(info.problem.empty());
    }
  }
  shm::remove(one);
}

TEST_CASE("a name fits the key that it is hashed to, or that it tells") {
  const shm::key key = shm::key::from_value(0x01020304);
  CHECK(shm::key("car").may_be_called("car"));
  CHECK(key.may_be_called("key:0x01020304"));
  CHECK(key.may_be_called("key:0x01020304 file 2049:131077"));
  for (const char* other :
       {"", "car", "key:0x01020305", "key:0x01020304 ", "key:0x01020304 file ",
        "key:0x01020304 file 2049", "key:0x01020304 file 2049:", "key:0x01020304 file :7",
        "key:0x01020304 file 2049:1x", "key:0x01020305 file 2049:131077"}) {
    CHECK_FALSE(key.may_be_called(other));
  }
  CHECK_FALSE(key.may_be_called(std::string_view("car\0", 4)));
  CHECK_FALSE(key.may_be_called(std::string(64, 'x')));
}

TEST_CASE("anonymous keys differ") {
  CHECK(shm::key::anonymous().name() != shm::key::anonymous().name());
  CHECK(shm::key::anonymous().is_anonymous());
}
