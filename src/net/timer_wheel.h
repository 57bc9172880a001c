// Purpose: timers that cost O(1) to arm, re-arm and cancel, because a proxied request arms several and
//          nearly all of them are cancelled.
// Units:   ticks of 1 ms; a timer never fires early.
// Thread:  the owning loop's.   Source: Varghese & Lauck's hierarchical wheel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/delegate.h"
#include "base/intrusive_list.h"
#include "base/time.h"

namespace weft::net {

/// One timer; it belongs to whoever waits, and disarms itself when destroyed.
class Timer : public base::ListNode<> {
 public:
  using Callback = base::Delegate<void()>;

  Timer() = default;
  explicit Timer(Callback callback) : callback_(callback) {}
  void set_callback(Callback callback) { callback_ = callback; }
  bool is_armed() const { return is_linked(); }
  void cancel() { unlink(); }

 private:
  friend class TimerWheel;
  Callback callback_;
  uint64_t due_tick_ = 0;
};

/// Five levels of 64 slots: 2^30 ms (12 days) reach; what lies beyond waits aside and is filed again.
class TimerWheel {
 public:
  explicit TimerWheel(base::MonoTime start) : start_(start) {}

  /// Arms (or re-arms) `timer` to fire once, at the first tick at or after `now + delay`.
  /// `now` must not be before the last advance. A tick that has already run counts as past: what is armed
  /// with no delay from a timer's callback fires one tick later, so that `advance` ends.
  void arm(Timer& timer, base::MonoTime now, base::Duration delay);

  /// Runs all timers due at `now`, in order of due tick, then of arming. Callbacks may arm and cancel.
  /// Returns how many ran.
  size_t advance(base::MonoTime now);

  /// Upper bound on how long nothing will fire; Duration::max() when no timer is armed.
  /// May be early (a cascade), never late. O(levels).
  base::Duration until_next(base::MonoTime now) const;

  /// Timers that are armed; for leak checks. O(slots + timers).
  size_t armed_count() const;

 private:
  static constexpr int kLevels = 5;
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;

  uint64_t tick_at(base::MonoTime t) const;
  void file(Timer& timer);
  void cascade();
  uint64_t next_stop() const;

  base::MonoTime start_;
  uint64_t current_ = 0;                              ///< every timer due before or at this tick has run
  mutable std::array<uint64_t, kLevels> occupied_{};  ///< a set bit may be stale (cancelled); a clear one is not
  mutable std::array<std::array<base::IntrusiveList<Timer>, kSlots>, kLevels> slots_;
  mutable base::IntrusiveList<Timer> beyond_;  ///< due in a later block of 2^30 ticks
};

}  // namespace weft::net
