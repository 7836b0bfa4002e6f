// Boost.Interprocess: mutexes in shared memory and by name, a sharable one, and a locked file.
// SPDX-License-Identifier: MIT
#pragma once

#include <boost/interprocess/sync/file_lock.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_sharable_mutex.hpp>
#include <boost/interprocess/sync/named_mutex.hpp>
#include <filesystem>
#include <fstream>
#include <new>

#include "site.hpp"

namespace bench {

/// One that lies in shared memory. Never destroyed: that asserts that nobody holds it, which is not
/// so after a failure.
template <class Mutex>
class boost_in_memory {
 public:
  class owner {
   public:
    explicit owner(const site& where) { ::new (where.memory()) Mutex; }
  };

  explicit boost_in_memory(const site& where) : mutex_(where.at_begin<Mutex>()) {}
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 protected:
  Mutex& mutex_;
};

class boost_mutex : public boost_in_memory<boost::interprocess::interprocess_mutex> {
 public:
  static constexpr const char* name = "Boost interprocess_mutex";
  using boost_in_memory::boost_in_memory;
};

class boost_sharable : public boost_in_memory<boost::interprocess::interprocess_sharable_mutex> {
 public:
  static constexpr const char* name = "Boost sharable_mutex";
  using boost_in_memory::boost_in_memory;
  void lock_shared() { mutex_.lock_sharable(); }
  void unlock_shared() { mutex_.unlock_sharable(); }
};

class boost_named {
 public:
  static constexpr const char* name = "Boost named_mutex";

  class owner {
   public:
    explicit owner(const site& where)
        : name_(where.name()), made_(boost::interprocess::create_only, name_.c_str()) {}
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() { boost::interprocess::named_mutex::remove(name_.c_str()); }

   private:
    std::string name_;
    boost::interprocess::named_mutex made_;
  };

  explicit boost_named(const site& where)
      : mutex_(boost::interprocess::open_only, where.name().c_str()) {}
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  boost::interprocess::named_mutex mutex_;
};

class boost_file {
 public:
  static constexpr const char* name = "Boost file_lock";

  class owner {
   public:
    explicit owner(const site& where) : path_(path(where)) {
      if (!std::ofstream(path_)) {
        throw std::system_error(errno, std::system_category(), path_.string());
      }
    }
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() {
      std::error_code ignored;  // it is a file of no bytes, in a folder that is emptied
      std::filesystem::remove(path_, ignored);
    }

   private:
    std::filesystem::path path_;
  };

  explicit boost_file(const site& where) : lock_(path(where).c_str()) {}
  void lock() { lock_.lock(); }
  void unlock() { lock_.unlock(); }

 private:
  static std::filesystem::path path(const site& where) {
    return std::filesystem::temp_directory_path() / where.name();
  }

  boost::interprocess::file_lock lock_;
};

}  // namespace bench
