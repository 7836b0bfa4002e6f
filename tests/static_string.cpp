// Static string: text inside a struct, whose bounds hold whatever somebody wrote into its size.
// SPDX-License-Identifier: MIT
#include <cstring>
#include <shm.hpp>
#include <sstream>
#include <string>
#include <unordered_map>

#include "support/catch.hpp"

using label = shm::static_string<8>;

static_assert(std::is_trivially_copyable_v<label> && sizeof(label) == 12 && alignof(label) == 4);
static_assert(label::capacity() == 8 && label::max_size() == 8);
static_assert(std::is_convertible_v<const char*, label> &&
              std::is_convertible_v<std::string, label>);

TEST_CASE("a static string is made, changed and compared as other strings") {
  label name = "Ilse";
  CHECK((name == "Ilse" && "Ilse" == name && name != std::string("ilse")));
  CHECK((name < "Jan" && name > label("Ida") && name <= std::string_view("Ilse") && name >= "I"));
  CHECK((name.size() == 4 && name.length() == 4 && !name.empty()));
  name += "be";
  name += 'l';
  CHECK((name == "Ilsebel" && name.front() == 'I' && name.back() == 'l' && name[1] == 'l'));
  name.insert(0, "x");
  CHECK(name.view() == "xIlsebel");
  name.erase(0, 2).erase(3);
  CHECK(name.str() == "lse");
  name.push_back('!');
  name.pop_back();
  CHECK((name.starts_with("ls") && name.ends_with("se") && !name.ends_with("much longer")));
  CHECK((name.find("s") == 1 && name.find('e') == 2 && name.rfind('l') == 0 &&
         name.rfind("z") == label::npos));
  CHECK((name.substr(1) == "se" && name.compare("lse") == 0));
  name.resize(5, '-');
  CHECK(name == "lse--");
  name.append(2, '+').assign("abc");
  name.at(1) = 'B';
  CHECK(std::string(name.begin(), name.end()) == "aBc");
  name.clear();
  CHECK(name.empty());
  CHECK(label(3, 'z') == "zzz");
  name = std::string("from");
  CHECK(std::string_view(name) == "from");
}

TEST_CASE("what does not fit is refused, and changes nothing") {
  label name = "12345678";
  CHECK_THROWS_AS(name.push_back('9'), std::length_error);
  CHECK_THROWS_AS(name.append("9"), std::length_error);
  CHECK_THROWS_AS(name.append(std::string::npos, '9'), std::length_error);
  CHECK_THROWS_AS(name.insert(0, "9"), std::length_error);
  CHECK_THROWS_AS(name.resize(9), std::length_error);
  CHECK_THROWS_AS(name = "123456789", std::length_error);
  CHECK_THROWS_WITH(label("123456789"), "shm::static_string: 9 bytes do not fit into 8");
  CHECK_THROWS_AS(name.at(8), std::out_of_range);
  CHECK_THROWS_AS(name.insert(9, ""), std::out_of_range);
  CHECK_THROWS_WITH(name.insert(9, ""), "shm::static_string: there is no byte 9");
  CHECK_THROWS_AS(name.erase(9), std::out_of_range);
  CHECK_THROWS_AS(name.substr(9), std::out_of_range);
  CHECK(name == "12345678");
}

TEST_CASE("a part of a static string may be given to itself") {
  label name = "abcd";
  name.append(name);
  CHECK(name == "abcdabcd");
  name.assign(name.view().substr(2, 3));
  CHECK(name == "cda");
  name.insert(1, name);
  CHECK(name == "ccdada");
}

TEST_CASE("unused bytes are zero, so that equal strings have equal bytes") {
  label a = "12345678";
  a.erase(3);
  const label b = "123";
  CHECK(std::memcmp(&a, &b, sizeof a) == 0);
  a.pop_back();
  a.push_back('3');
  CHECK(std::memcmp(&a, &b, sizeof a) == 0);
}

TEST_CASE("a size that somebody scribbled never leads outside") {
  label name = "12345678";
  const std::uint32_t huge = 0xffffffff;
  std::memcpy(static_cast<void*>(&name), &huge, sizeof huge);
  CHECK((name.size() == 8 && name.view().size() == 8 && name.end() - name.begin() == 8));
  CHECK_THROWS_AS(name.push_back('9'), std::length_error);
  CHECK(name.back() == '8');
  name.pop_back();
  CHECK(name == "1234567");
}

TEST_CASE("a static string can be printed, hashed, and be the key of a map") {
  std::ostringstream stream;
  stream << label("Ilse");
  CHECK(stream.str() == "Ilse");
  std::unordered_map<label, int> ages;
  ages["Ilse"] = 7;
  CHECK(ages.at("Ilse") == 7);
  CHECK(shm::detail::identifying_bytes<shm::static_string<5>> == 9);
}
