// Shareable: which types may live in shared memory, and for the others the rule that they break.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "described.hpp"
#include "list.hpp"
#include "members.hpp"
#include "process_bound.hpp"

namespace shm {

namespace detail {

enum class sharing_rule {
  none_broken,
  by_a_member,
  no_address,
  no_lock,
  trivially_copyable,
  not_volatile,
  no_array,
  hidden_members,
  few_members,
  no_bit_field,
  all_members,
  in_order,
  public_list,
  own_list
};

/// What a T holds: the elements of an array, the alternatives of a variant, the members of a
/// struct.
template <class T, class = void>
struct parts_of {
  static constexpr auto find() {
    if constexpr (described<T>::is) {
      return typename described<T>::parts();
    } else if constexpr (has_list<T>) {
      return listed_types<T>();
    } else if constexpr (shows_members<T>()) {
      return member_types<T>();
    } else {
      return type_list<>();
    }
  }
  using types = decltype(find());
};
/// What a type of the standard library holds that does not show its members.
template <template <class...> class Holder, class... T>
struct parts_of<Holder<T...>, std::enable_if_t<name_in_std<Holder<T...>>() == "variant" ||
                                               name_in_std<Holder<T...>>() == "tuple" ||
                                               name_in_std<Holder<T...>>() == "pair">> {
  using types = type_list<T...>;
};

template <class T>
constexpr sharing_rule find_broken_rule();

/// Found once for each type, however often it is a member: compilers count the steps.
template <class T>
inline constexpr sharing_rule broken_rule = find_broken_rule<T>();

/// The number of the first part that breaks a rule, or how many parts there are.
template <class... T>
constexpr std::size_t first_broken(type_list<T...>) {
  std::size_t at = 0;
  static_cast<void>(((broken_rule<T> == sharing_rule::none_broken && ++at != 0) && ...));
  return at;
}

template <class T>
constexpr sharing_rule find_rule_broken_as_a_whole() {
  if constexpr (refers_elsewhere<T>) {
    return sharing_rule::no_address;
  } else if constexpr (is_lock<T>()) {
    return sharing_rule::no_lock;
  } else if constexpr (std::is_volatile_v<T>) {
    return sharing_rule::not_volatile;
  } else if constexpr (!std::is_trivially_copyable_v<T>) {
    return sharing_rule::trivially_copyable;
  } else if constexpr (has_list<T>) {
    if constexpr (inherits_list<T>) return sharing_rule::own_list;
    if constexpr (!lists_all_members<T>()) return sharing_rule::all_members;
    return lists_in_order<T>() ? sharing_rule::none_broken : sharing_rule::in_order;
  } else if constexpr (hides_list<T>()) {
    return sharing_rule::public_list;
  } else if constexpr (is_plain_struct<T>) {
    if constexpr (member_count < T >> most_members_seen) return sharing_rule::few_members;
    if constexpr (member_count<T> == 0) return sharing_rule::hidden_members;
    if constexpr (shows_members<T>()) {
      if constexpr (has_bit_fields<T>) return sharing_rule::no_bit_field;
    }
    return sharing_rule::none_broken;
  } else {
    return sharing_rule::none_broken;
  }
}

template <class T>
constexpr sharing_rule find_broken_rule() {
  if constexpr (dimension<T>::is_array) {
    return broken_rule<typename dimension<T>::element>;
  } else if constexpr (std::is_const_v<T>) {
    return broken_rule<std::remove_const_t<T>>;
  } else {
    using types = typename parts_of<T>::types;
    if constexpr (types::size != 0) {
      if constexpr (first_broken(types()) != types::size) return sharing_rule::by_a_member;
    }
    return find_rule_broken_as_a_whole<T>();
  }
}

/// Whether that many T fit into an address space, with what the library keeps beside them: several
/// copies of an object's value, or an array's journal.
template <class T>
constexpr bool fits_in_memory(std::size_t count) noexcept {
  constexpr std::size_t most = std::size_t{1} << 57;  // no 64-bit machine has more
  return sizeof(T) <= most && count <= most / sizeof(T);
}

/// Stops compilation. Holder is the struct in which Member was found, and Name what it is called.
template <class Member, class Name, class Holder>
constexpr void refuse_member() {
  constexpr sharing_rule broken = broken_rule<Member>;
  static_assert(broken != sharing_rule::no_address,
                "shm: this member is or holds an address (a pointer, reference, view, iterator or "
                "lambda), which means nothing in another process; store the value itself, an index "
                "or an offset");
  static_assert(broken != sharing_rule::hidden_members,
                "shm: this struct has a reference, or a member that {} does not initialise, which "
                "hides its members: list them with BOOST_HANA_ADAPT_STRUCT, or give it a default");
  static_assert(broken != sharing_rule::no_lock,
                "shm: this member is a lock, a semaphore or an atomic: its bytes are copied, and "
                "wake nobody; use shm::mutex, or the lock that every shm::object has");
  static_assert(broken != sharing_rule::trivially_copyable,
                "shm: this type must be trivially copyable, with all its members: it is copied as "
                "bytes between processes; use shm::static_string<N> or "
                "shm::static_vector<T, N> in place of strings and vectors");
  static_assert(broken != sharing_rule::not_volatile,
                "shm: this type must not be volatile: the library orders accesses itself");
  static_assert(broken != sharing_rule::few_members,
                "shm: of a struct without a list 69 members are seen; group members into structs");
  static_assert(broken != sharing_rule::no_bit_field,
                "shm: this struct has a bit-field, which has no address, or is packed; use a whole "
                "integer, std::bitset, or #pragma pack in place of the attribute");
  static_assert(broken != sharing_rule::all_members,
                "shm: this struct has members or bytes that its Boost.Hana list leaves out: list "
                "every member, without alignas");
  static_assert(broken != sharing_rule::in_order,
                "shm: the members of this struct must be listed in the order of their declaration");
  static_assert(broken != sharing_rule::public_list,
                "shm: the Boost.Hana list of this class is private: move it to a public section");
  static_assert(broken != sharing_rule::own_list,
                "shm: the Boost.Hana list of this struct is inherited from a base class: list all "
                "members in the struct itself");
}

/// What a message calls a part.
template <char... Letters>
struct called;
struct whole_value;

template <class T, std::size_t I>
constexpr auto name_of_part() {
  if constexpr (has_list<T>) {
    return boost::hana::first(boost::hana::at_c<I>(boost::hana::accessors<T>()));
#if __cplusplus >= 202002L
  } else if constexpr (shows_members<T>()) {
    return []<std::size_t... At>(std::index_sequence<At...>) {
      return static_cast<called<member_name<T, I>[At]...>*>(nullptr);
    }
    (std::make_index_sequence<member_name<T, I>.size() - 1>());
#endif
  } else {
    return number<I>();
  }
}

template <class T>
inline constexpr T constructed{};

/// Asked only of a struct that has a bit-field: a reference to that is one to a copy, which ends
/// with its scope, and no constant expression can use it.
template <class T, std::size_t I, class = void>
inline constexpr bool has_address = false;
template <class T, std::size_t I>
inline constexpr bool has_address<
    T, I, std::enable_if_t<std::addressof(member_number<I>()(constructed<T>)) != nullptr>> = true;

/// No bit-field tells its name: which member the first one is, counted from 0.
template <class T, std::size_t I = 0>
constexpr auto number_of_bit_field() {
  if constexpr (I + 1 < member_count<T> && has_address<T, I>) {
    return number_of_bit_field<T, I + 1>();
  } else {
    return number<I>();
  }
}

/// Goes down to the member that breaks a rule.
template <class T, class Name, class Holder>
constexpr void refuse_part() {
  if constexpr (dimension<T>::is_array) {
    refuse_part<typename dimension<T>::element, Name, Holder>();
  } else if constexpr (std::is_const_v<T>) {
    refuse_part<std::remove_const_t<T>, Name, Holder>();
  } else if constexpr (broken_rule<T> == sharing_rule::by_a_member) {
    using types = typename parts_of<T>::types;
    constexpr std::size_t at = first_broken(types());
    refuse_part<typename types::template at<at>, decltype(name_of_part<T, at>()), T>();
  } else if constexpr (broken_rule<T> == sharing_rule::no_bit_field) {
    refuse_member<T, decltype(number_of_bit_field<T>()), T>();
  } else {
    refuse_member<T, Name, Holder>();
  }
}

/// Stops compilation with the rule that T breaks.
template <class T>
constexpr void check_shareable() {
  if constexpr (broken_rule<T> != sharing_rule::none_broken) {
    refuse_part<T, whole_value, whole_value>();
  } else {
    static_assert(fits_in_memory<T>(1), "shm: T is larger than an address space");
    static_assert(alignof(T) <= 4096, "shm: T must not be aligned more strictly than a page");
  }
}

}  // namespace detail

/// Whether a T may be shared: trivially copyable; no address, lock or atomic where that can be seen
/// (through arrays, std::optional, std::variant and the members of a struct); and a Boost.Hana
/// list, if there is one, that names every member in order.
template <class T>
inline constexpr bool is_shareable_v = detail::broken_rule<T> == detail::sharing_rule::none_broken;

}  // namespace shm
