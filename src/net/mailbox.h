// Purpose: the two ways work crosses threads: a queue of tasks into a loop, and a thread that may block for it.
// Thread:  as each method says.   Owner: a real loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/task.h"

namespace weft::net {

/// Tasks on their way to a loop. Wakes it only when it sleeps.
class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// An eventfd that becomes readable (edge) when the loop is to wake; -1 when there was no descriptor left.
  int wake_fd() const { return wake_fd_; }

  /// Thread: any.
  void post(base::Task task);
  /// Makes the loop wake without a task. Thread: any.
  void wake();

  /// Says that the loop is about to wait; false: there is work, it must not wait. Thread: the loop's.
  bool prepare_to_sleep();
  void woke_up() { is_sleeping_.store(false, std::memory_order_relaxed); }
  /// Takes what has been posted so far. Thread: the loop's.
  std::vector<base::Task> take();

 private:
  int wake_fd_;
  std::atomic<bool> is_sleeping_{false};
  std::atomic<bool> has_work_{false};
  std::mutex mutex_;
  std::vector<base::Task> tasks_;  // under mutex_
};

/// One thread, started with the first job, on which blocking is allowed; jobs run in order. Ending runs what is
/// still queued.
class BlockingThread {
 public:
  BlockingThread() = default;
  ~BlockingThread() { finish(); }
  /// Thread: one.
  void run(base::Task job);
  /// Waits until every job has run and the thread is gone. Nothing may be run afterwards.
  void finish();

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<base::Task> jobs_;  // under mutex_
  bool is_ending_ = false;       // under mutex_
  std::thread thread_;
};

}  // namespace weft::net
