#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace weft::net {
namespace {

constexpr base::Duration kTick = base::milliseconds(1);
// Far enough for "never", near enough that adding it to a clock cannot overflow.
constexpr base::Duration kDelayMax = std::chrono::hours(24 * 365 * 100);

}  // namespace

uint64_t TimerWheel::tick_at(base::MonoTime t) const {
  return t <= start_ ? 0 : static_cast<uint64_t>((t - start_) / kTick);
}

void TimerWheel::arm(Timer& timer, base::MonoTime now, base::Duration delay) {
  timer.unlink();
  const base::MonoTime due = now + std::clamp(delay, base::Duration::zero(), kDelayMax);
  timer.due_tick_ = std::max(tick_at(due + kTick - base::Duration(1)), current_ + 1);
  file(timer);
}

// A timer lies at the level of the highest digit (base 64) in which its tick differs from the current one.
// So all slots of a level come before all slots of the next, and equal ticks always share a slot.
void TimerWheel::file(Timer& timer) {
  const uint64_t difference = timer.due_tick_ ^ current_;
  const int level = difference == 0 ? 0 : (63 - std::countl_zero(difference)) / kSlotBits;
  if (level >= kLevels) return beyond_.push_back(timer);
  const auto slot = static_cast<size_t>((timer.due_tick_ >> (level * kSlotBits)) & (kSlots - 1));
  slots_[static_cast<size_t>(level)][slot].push_back(timer);
  occupied_[static_cast<size_t>(level)] |= uint64_t{1} << slot;
}

// The first tick after the current one at which a slot has to be looked at; clears stale bits on the way.
uint64_t TimerWheel::next_stop() const {
  for (size_t level = 0; level < kLevels; ++level) {
    uint64_t& occupied = occupied_[level];
    while (occupied != 0) {
      const auto slot = static_cast<size_t>(std::countr_zero(occupied));
      if (!slots_[level][slot].is_empty()) {
        const int shift = static_cast<int>(level) * kSlotBits;
        const uint64_t block = current_ >> (shift + kSlotBits) << (shift + kSlotBits);
        return block | (static_cast<uint64_t>(slot) << shift);
      }
      occupied &= occupied - 1;
    }
  }
  if (beyond_.is_empty()) return UINT64_MAX;
  constexpr int kReachBits = kLevels * kSlotBits;
  return ((current_ >> kReachBits) + 1) << kReachBits;
}

// Files again what has come nearer now that `current_` entered a new slot of some level.
void TimerWheel::cascade() {
  for (int level = kLevels; level >= 1; --level) {
    if ((current_ & ((uint64_t{1} << (level * kSlotBits)) - 1)) != 0) continue;
    base::IntrusiveList<Timer> moving;
    if (level == kLevels) {
      moving.take_all(beyond_);
    } else {
      const auto slot = static_cast<size_t>((current_ >> (level * kSlotBits)) & (kSlots - 1));
      moving.take_all(slots_[static_cast<size_t>(level)][slot]);
      occupied_[static_cast<size_t>(level)] &= ~(uint64_t{1} << slot);
    }
    while (Timer* timer = moving.pop_front()) file(*timer);
  }
}

size_t TimerWheel::advance(base::MonoTime now) {
  const uint64_t target = tick_at(now);
  size_t ran = 0;
  while (current_ < target) {
    const uint64_t stop = next_stop();
    if (stop > target) {
      current_ = target;
      break;
    }
    current_ = stop;
    cascade();
    const auto slot = static_cast<size_t>(current_ & (kSlots - 1));
    base::IntrusiveList<Timer> due;
    due.take_all(slots_[0][slot]);
    occupied_[0] &= ~(uint64_t{1} << slot);
    while (Timer* timer = due.pop_front()) {
      ++ran;
      timer->callback_();
    }
  }
  return ran;
}

base::Duration TimerWheel::until_next(base::MonoTime now) const {
  const uint64_t stop = next_stop();
  if (stop == UINT64_MAX) return base::Duration::max();
  const base::MonoTime due = start_ + kTick * static_cast<int64_t>(stop);
  return std::max(due - now, base::Duration::zero());
}

size_t TimerWheel::armed_count() const {
  size_t count = beyond_.count();
  for (const auto& level : slots_) {
    for (const auto& slot : level) count += slot.count();
  }
  return count;
}

}  // namespace weft::net
