// Array: contiguous T in shared memory, each element whole whatever process dies.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cstddef>

#include "array_access.hpp"
#include "base/extent.hpp"
#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "const_array.hpp"
#include "os/key.hpp"
#include "store/array_plan.hpp"

namespace shm {

/// N elements T, shared by every process that opens the same name. Movable, not copyable; one
/// handle may be used from several threads at once. A moved-from handle may only be destroyed or
/// assigned to. The handle must outlive its guards.
///
///     shm::array<telemetry, 64> fleet("fleet");
///     fleet.store(3, {12.5, 2});
///     fleet.update(3, [](telemetry& t) { ++t.gear; });
///     if (auto all = fleet.try_lock_for(10ms)) all->store(4, (*all)[3]);
///
/// Constructors and destructor block, and constructors throw, like those of shm::object; another N
/// is a type_mismatch.
template <class T, std::size_t N>
class array : public array_access<T, N> {
 public:
  /// Opens it, or creates it with T{} in every element.
  explicit array(const key& which, const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(), how) {}

  /// Creates it, with the initial value in every element.
  array(create_only_t, const key& which, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::create_only, which, plan(initial), how) {}
  /// Creates it, with T{} in every element.
  array(create_only_t, const key& which, const options& how = {})
      : array(detail::open_mode::create_only, which, plan(), how) {}

  /// Opens what is there.
  array(open_only_t, const key& which, const options& how = {})
      : array_access<T, N>(detail::open_mode::open_only, which, detail::plan_for_opening<T, N>(),
                           how) {}

  /// Opens it, or creates it with the initial value in every element.
  array(open_or_create_t, const key& which, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(initial), how) {}

 private:
  array(detail::open_mode mode, const key& which, const detail::array_plan<T>& made,
        const options& how)
      : array_access<T, N>(mode, which, made.as_blueprint(), how) {}

  template <class... Initial>
  static detail::array_plan<T> plan(const Initial&... initial) {
    return detail::array_plan<T>(detail::array_schema_of<T, N>(), initial...);
  }
};

/// Elements T, shared by every process that opens the same name, of a number that is given when the
/// array is created and never changes. It is the same in memory as an array<T, N>: each opens what
/// the other made.
///
///     shm::array<telemetry> fleet(shm::create_only, "fleet", cars.size());
///     shm::array<telemetry> same("fleet");  // finds the number
///     for (std::size_t i = 0; i < same.size(); ++i) show(same.load(i));
///
/// Movable, not copyable; one handle may be used from several threads at once. A moved-from handle
/// may only be destroyed or assigned to. The handle must outlive its guards.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object. Those that
/// are given a number throw std::invalid_argument if it is 0, limit_reached if so many elements fit
/// into no address space, and type_mismatch if an array of another number is there.
template <class T>
class array<T, dynamic> : public array_access<T, dynamic> {
 public:
  /// Opens what is there, with whatever number of elements. Never creates: nothing tells how many.
  explicit array(const key& which, const options& how = {})
      : array_access<T, dynamic>(detail::open_mode::open_only, which,
                                 detail::plan_for_opening<T, dynamic>(), how) {}
  /// Opens what is there, with whatever number of elements.
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}

  /// Creates n elements, with the initial value in each.
  array(create_only_t, const key& which, std::size_t n, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::create_only, which, plan(which, n, initial), how) {}
  /// Creates n elements, with T{} in each.
  array(create_only_t, const key& which, std::size_t n, const options& how = {})
      : array(detail::open_mode::create_only, which, plan(which, n), how) {}

  /// Opens an array of n elements, or creates it with the initial value in each.
  array(open_or_create_t, const key& which, std::size_t n, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(which, n, initial), how) {}
  /// Opens an array of n elements, or creates it with T{} in each.
  array(open_or_create_t, const key& which, std::size_t n, const options& how = {})
      : array(detail::open_mode::open_or_create, which, plan(which, n), how) {}

 private:
  array(detail::open_mode mode, const key& which, const detail::array_plan<T>& made,
        const options& how)
      : array_access<T, dynamic>(mode, which, made.as_blueprint(), how) {}

  template <class... Initial>
  static detail::array_plan<T> plan(const key& which, std::size_t n, const Initial&... initial) {
    return detail::array_plan<T>(detail::schema_of_given_length<T>(which, n), initial...);
  }
};

}  // namespace shm
