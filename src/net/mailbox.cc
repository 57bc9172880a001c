#include "net/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <csignal>

namespace weft::net {

Mailbox::Mailbox() : wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

Mailbox::~Mailbox() {
  if (wake_fd_ >= 0) close(wake_fd_);
}

// The flag is set after the task is in the queue, and the loop announces its sleep before it looks at the flag:
// with sequentially consistent order one of the two sees the other.
void Mailbox::post(base::Task task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake();
}

void Mailbox::wake() {
  has_work_.store(true, std::memory_order_seq_cst);
  if (!is_sleeping_.exchange(false, std::memory_order_seq_cst)) return;
  const uint64_t one = 1;
  // The counter is never read (the descriptor is edge-triggered) and cannot overflow in 2^64 wake-ups.
  [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof one);
}

bool Mailbox::prepare_to_sleep() {
  is_sleeping_.store(true, std::memory_order_seq_cst);
  return !has_work_.load(std::memory_order_seq_cst);
}

std::vector<base::Task> Mailbox::take() {
  std::vector<base::Task> taken;
  if (!has_work_.load(std::memory_order_acquire)) return taken;
  std::lock_guard lock(mutex_);
  has_work_.store(false, std::memory_order_relaxed);
  taken.swap(tasks_);
  return taken;
}

void BlockingThread::finish() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void BlockingThread::run(base::Task job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  if (thread_.joinable()) return changed_.notify_one();
  // Signals belong to the threads that watch them, never to this one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void BlockingThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    base::Task job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = base::Task();
    lock.lock();
  }
}

}  // namespace weft::net
