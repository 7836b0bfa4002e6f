// Refused types: what holds an address or is a lock, wherever in a type it is.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

#include <atomic>
#include <bitset>
#include <complex>
#include <condition_variable>
#include <csetjmp>
#include <functional>
#include <gsl/pointers>
#include <mutex>
#include <optional>
#include <shm.hpp>
#include <thread>
#include <typeindex>
#include <variant>

#include "support/catch.hpp"

using shm::is_shareable_v;
using shm::detail::broken_rule;
using shm::detail::sharing_rule;

int twice(int n);  // never called

namespace {

struct with_method {
  int n;
};
[[maybe_unused]] const auto lambda = [] { return 1; };

template <class T>
struct plain {
  int n;
  T member;
};
template <class T>
struct listed {
  BOOST_HANA_DEFINE_STRUCT(listed, (int, n), (T, member));
};

/// Alone, and at every depth. In a plain struct another rule may name it first.
template <class T, sharing_rule Rule>
constexpr bool is_refused() {
  return broken_rule<T> == Rule && !is_shareable_v<listed<T>> && !is_shareable_v<plain<T>> &&
         !is_shareable_v<std::array<T, 2>> && !is_shareable_v<plain<std::array<plain<T>, 2>>>;
}
template <class T>
constexpr bool holds_address() {
  return is_refused<T, sharing_rule::no_address>() && !is_shareable_v<std::optional<T>> &&
         !is_shareable_v<std::variant<int, T>> && !is_shareable_v<std::pair<int, T>> &&
         !is_shareable_v<std::tuple<int, T>>;
}
template <class T>
constexpr bool is_a_lock() {
  return is_refused<T, sharing_rule::no_lock>();
}

static_assert(holds_address<int*>() && holds_address<void (*)()>() &&
              holds_address<int plain<int>::*>());
static_assert(holds_address<std::nullptr_t>() && holds_address<std::string_view>());
static_assert(holds_address<std::wstring_view>() && holds_address<gsl::span<int>>());
static_assert(holds_address<gsl::span<const plain<int>, 4>>() &&
              holds_address<gsl::not_null<int*>>());
static_assert(holds_address<std::reference_wrapper<int>>());
static_assert(holds_address<std::initializer_list<int>>() && holds_address<std::error_code>());
static_assert(holds_address<std::error_condition>() && holds_address<std::type_index>());
static_assert(holds_address<std::thread::id>());
static_assert(holds_address<decltype(std::mem_fn(&with_method::n))>());
static_assert(holds_address<decltype(std::bind(twice, 1))>());
static_assert(holds_address<std::reverse_iterator<int*>>());
static_assert(holds_address<std::array<int, 2>::const_iterator>());
static_assert(holds_address<std::vector<int>::iterator>() && !is_shareable_v<std::jmp_buf>);
static_assert(!is_shareable_v<decltype(lambda)> && !is_shareable_v<listed<decltype(lambda)>>);

static_assert(is_a_lock<sem_t>() && is_a_lock<pthread_mutex_t>() && is_a_lock<pthread_cond_t>());
static_assert(is_a_lock<pthread_rwlock_t>() && is_a_lock<pthread_barrier_t>());
static_assert(is_a_lock<mtx_t>() && is_a_lock<cnd_t>());
static_assert(broken_rule<std::mutex> == sharing_rule::no_lock);
static_assert(broken_rule<std::condition_variable> == sharing_rule::no_lock);
static_assert(broken_rule<std::once_flag> == sharing_rule::no_lock);
static_assert(broken_rule<std::atomic<int>> == sharing_rule::no_lock);
static_assert(broken_rule<std::atomic<plain<int>>> == sharing_rule::no_lock);
static_assert(broken_rule<std::atomic_flag> == sharing_rule::no_lock);

static_assert(is_shareable_v<std::variant<int, char>> && is_shareable_v<std::tuple<>>);
static_assert(is_shareable_v<std::complex<float>> && is_shareable_v<std::bitset<9>>);
static_assert(shm::detail::described<std::complex<float>>::is);
static_assert(shm::detail::described<std::bitset<9>>::is);
static_assert(!shm::detail::described<plain<float>>::is && !is_shareable_v<plain<volatile int>>);

/// Takes everything, as a base class would take its own.
struct takes_anything {
  takes_anything() = default;
  template <class T>
  takes_anything(T) {}
};
struct behind_one_that_takes_anything {
  takes_anything first;
  const char* text;
};
static_assert(!is_shareable_v<behind_one_that_takes_anything> && !is_shareable_v<void*>);
static_assert(!is_shareable_v<plain<void*>> && !is_shareable_v<pthread_attr_t>);
static_assert(!is_shareable_v<decltype(std::not_fn(twice))>);

/// {} does not initialise the second member.
struct without_default {
  explicit without_default(int given) : n(given) {}
  int n;
};
struct with_initialiser {
  long a;
  without_default b{0};
};
struct listed_with_initialiser {
  long a;
  without_default b{0};
};
static_assert(broken_rule<with_initialiser> == sharing_rule::hidden_members);
static_assert(broken_rule<plain<without_default>> == sharing_rule::hidden_members);

#if __cplusplus >= 202002L
struct with_lambda {
  int n;
  decltype([] { return 1; }) call;
};
static_assert(!is_shareable_v<with_lambda> && !is_shareable_v<plain<with_lambda>>);
#endif

}  // namespace

BOOST_HANA_ADAPT_STRUCT(listed_with_initialiser, a, b);
static_assert(is_shareable_v<listed_with_initialiser>);

TEST_CASE("types made inside a lambda are types like others") {
  [] {
    struct local {
      int x;
    };
    static_assert(is_shareable_v<local> && is_shareable_v<std::array<local, 2>>);
  }();
}

TEST_CASE("types of the standard library are recognised by their names") {
  using shm::detail::name_in_std;
  CHECK(name_in_std<std::complex<double>>() == "complex");
  CHECK(name_in_std<std::thread::id>() == "thread::id");
  CHECK(name_in_std<std::error_category>() == "error_category");
  CHECK(name_in_std<plain<std::thread::id>>().empty());
  CHECK(name_in_std<int>().empty());
}
