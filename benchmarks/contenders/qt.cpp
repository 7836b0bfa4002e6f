// Qt: where its headers are seen.
// SPDX-License-Identifier: MIT
#include "qt.hpp"

#include <QString>
#include <QSystemSemaphore>
#include <stdexcept>

namespace bench {
namespace {

void require_that(bool good, const QSystemSemaphore& semaphore) {
  if (!good) throw std::runtime_error("QSystemSemaphore: " + semaphore.errorString().toStdString());
}

std::unique_ptr<QSystemSemaphore> opened(const site& where, QSystemSemaphore::AccessMode how) {
  auto semaphore = std::make_unique<QSystemSemaphore>(QString::fromStdString(where.name()), 1, how);
  require_that(semaphore->error() == QSystemSemaphore::NoError, *semaphore);
  return semaphore;
}

}  // namespace

qt_semaphore::owner::owner(const site& where)
    : semaphore_(opened(where, QSystemSemaphore::Create)) {}
qt_semaphore::owner::~owner() = default;

qt_semaphore::qt_semaphore(const site& where) : semaphore_(opened(where, QSystemSemaphore::Open)) {}
qt_semaphore::~qt_semaphore() = default;

void qt_semaphore::lock() {
  require_that(semaphore_->acquire(), *semaphore_);
}
void qt_semaphore::unlock() {
  require_that(semaphore_->release(), *semaphore_);
}

}  // namespace bench
