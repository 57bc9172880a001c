#include "net/sim_world.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>

namespace weft::net {

// Loops may still close sockets while they go; what waits in events may own sockets, so it goes first.
SimWorld::~SimWorld() {
  while (!events_.empty()) events_.pop();
  for (auto& loop : loops_) loop->end();
  loops_.clear();
}

SimLoop& SimWorld::add_loop(std::string name, std::string host) {
  if (host.empty()) host = name;
  loops_.push_back(std::make_unique<SimLoop>(*this, std::move(name), std::move(host), random_.next()));
  return *loops_.back();
}

void SimWorld::at(base::MonoTime when, base::Task task, Weight weight) {
  if (weight == Weight::Foreground) ++foreground_;
  events_.push(Event{std::max(when, now_), sequence_++, weight, std::move(task)});
}

bool SimWorld::is_busy() {
  wake_loops();
  return foreground_ > 0;
}

base::Duration SimWorld::random_delay(base::Duration max) {
  return base::Duration(static_cast<int64_t>(random_.below(static_cast<uint64_t>(max.count()))));
}

SimLoop* SimWorld::earliest_timer(base::MonoTime& when) const {
  SimLoop* first = nullptr;
  when = base::MonoTime::max();
  for (const auto& loop : loops_) {
    const base::MonoTime due = loop->next_timer();
    if (due >= when) continue;
    when = due;
    first = loop.get();
  }
  return first;
}

// Deferred calls made outside a turn (by the test, or by another loop's handler) need one.
void SimWorld::wake_loops() {
  for (const auto& loop : loops_) loop->wake_if_needed();
}

bool SimWorld::step(base::MonoTime limit) {
  wake_loops();
  base::MonoTime timer_due;
  SimLoop* const loop = earliest_timer(timer_due);
  const base::MonoTime event_due = events_.empty() ? base::MonoTime::max() : events_.top().when;
  if (std::min(timer_due, event_due) > limit || (loop == nullptr && events_.empty())) return false;
  if (timer_due < event_due) {
    move_to(timer_due);
    loop->turn();
    return true;
  }
  move_to(event_due);
  if (events_.top().weight == Weight::Foreground) --foreground_;
  base::Task task = std::move(events_.top().task);
  events_.pop();
  task();
  return true;
}

void SimWorld::move_to(base::MonoTime when) {
  now_ = std::max(now_, when);
  for (const auto& loop : loops_) loop->set_now(now_);
}

void SimWorld::note(std::string_view kind, uint64_t connection, std::string_view bytes) {
  const uint64_t record[] = {XXH64(kind.data(), kind.size(), 0), static_cast<uint64_t>(now_.time_since_epoch().count()),
                             connection, bytes.size(), XXH64(bytes.data(), bytes.size(), 0)};
  hash_ = XXH64(record, sizeof record, hash_);
  if (is_recording_) {
    lines_.push_back(fmt::format("{} {} #{} {} bytes {:016x}", now_.time_since_epoch().count(), kind, connection,
                                 bytes.size(), record[4]));
  }
}

}  // namespace weft::net
