// Wait, Asio: what docs/how-to/wait.md shows for Boost.Asio.
// SPDX-License-Identifier: MIT
#include <boost/asio.hpp>
#include <cstdlib>
#include <shm.hpp>
#include <thread>

#include "telemetry.hpp"

namespace {

int used = 0;
void use(const telemetry& t) {
  used = t.gear;
}

// [sample]
class follower {
 public:
  follower(boost::asio::io_context& loop, const shm::object<const telemetry>& car)
      : car_(car), readable_(loop, watcher_.fd()) {
    watcher_.add(car_);
    wait();
  }
  ~follower() { readable_.release(); }  // the descriptor is the watcher's

 private:
  void wait() {
    readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& failed) {
                           if (failed) return;
                           if (!watcher_.changed().empty()) use(car_.load());
                           if (used != 3) wait();
                         });
  }

  const shm::object<const telemetry>& car_;
  shm::watcher watcher_;
  boost::asio::posix::stream_descriptor readable_;
};
// [/sample]

}  // namespace

int main() {
  {
    shm::object<telemetry> car("example.asio");
    const shm::object<const telemetry> viewer("example.asio");
    boost::asio::io_context loop;
    const follower follows(loop, viewer);
    std::thread publisher([&] {
      for (int gear = 1; gear <= 3; ++gear) car.store({1.0, gear});
    });
    loop.run();
    publisher.join();
    if (used != 3) std::abort();
  }
  shm::remove("example.asio");
}
