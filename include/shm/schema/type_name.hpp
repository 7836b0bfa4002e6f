// Type name: what the compiler calls a type; tells types whose headers would cost compile time.
// SPDX-License-Identifier: MIT
#pragma once

#include "../base/requirements.hpp"

#include <string_view>

namespace shm::detail {

template <class T>
constexpr const char* signature_with_type() noexcept {
  return __PRETTY_FUNCTION__;
}

template <class T>
constexpr std::string_view name_of_type() noexcept {
  const std::string_view signature = signature_with_type<T>();
  const std::size_t begin = signature.find("T = ") + 4;
  return signature.substr(begin, signature.size() - 1 - begin);
}

/// The name alone, which all compilers write alike: without namespaces and template arguments.
template <class T>
constexpr std::string_view name_without_scope() noexcept {
  std::string_view name = name_of_type<T>();
  name = name.substr(0, name.find('<'));
  return name.substr(name.rfind(':') + 1);  // npos + 1 is 0
}

/// "complex" for std::complex<double>, "thread::id" for std::thread::id, "" for a type that is not
/// of namespace std. The inline namespaces of standard libraries (__1, _V2) are left out.
template <class T>
constexpr std::string_view name_in_std() noexcept {
  std::string_view name = name_of_type<T>();
  if (name.substr(0, 5) != "std::") return {};
  name = name.substr(5, name.find('<') - 5);
  const std::size_t inside = name.find("::");
  const bool is_inline_namespace = name.front() == '_' && inside != name.npos;
  return is_inline_namespace ? name.substr(inside + 2) : name;
}

}  // namespace shm::detail
