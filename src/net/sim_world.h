// Purpose: the inside of a simulation: the clock and its events, the trace, the loops.
// Thread:  one.   Owner: Simulation.
#pragma once

#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/task.h"
#include "net/sim_loop.h"
#include "net/sim_network.h"
#include "net/simulation.h"

namespace weft::net {

class SimWorld {
 public:
  SimWorld(uint64_t seed, base::WallTime start) : random_(seed), start_(start), network_(*this) {}
  ~SimWorld();

  SimLoop& add_loop(std::string name, std::string host);

  base::MonoTime now() const { return now_; }
  base::WallTime wall_now() const { return start_ + (now_ - kEpoch); }
  base::Random& random() { return random_; }
  SimNetwork& network() { return network_; }
  const SimNetwork& network() const { return network_; }

  /// Runs `task` at `when`; events of one instant run in the order they were made. `Background` ones (time-outs that
  /// rarely matter) do not keep the world from being idle.
  enum class Weight : uint8_t { Foreground, Background };
  void at(base::MonoTime when, base::Task task, Weight weight = Weight::Foreground);
  void after(base::Duration delay, base::Task task) { at(now_ + delay, std::move(task)); }
  /// Uniform in [0, max).
  base::Duration random_delay(base::Duration max);

  /// Runs the next event or timer, if it is due at or before `limit`.
  bool step(base::MonoTime limit);
  /// Whether something is on its way, timers and background events aside.
  bool is_busy();
  /// Advances an idle clock.
  void move_to(base::MonoTime when);

  /// Adds a delivery to the trace.
  void note(std::string_view kind, uint64_t connection, std::string_view bytes = {});
  uint64_t trace_hash() const { return hash_; }
  void record_trace() { is_recording_ = true; }
  const std::vector<std::string>& trace() const { return lines_; }

 private:
  static constexpr base::MonoTime kEpoch{base::seconds(1)};

  struct Event {
    base::MonoTime when;
    uint64_t sequence;
    Weight weight;
    mutable base::Task task;
    bool operator<(const Event& other) const {
      return when != other.when ? when > other.when : sequence > other.sequence;
    }
  };

  SimLoop* earliest_timer(base::MonoTime& when) const;
  void wake_loops();

  base::Random random_;
  base::WallTime start_;
  base::MonoTime now_ = kEpoch;
  std::priority_queue<Event> events_;
  uint64_t sequence_ = 0;
  size_t foreground_ = 0;  ///< events that are not Background
  uint64_t hash_ = 0;
  bool is_recording_ = false;
  std::vector<std::string> lines_;
  SimNetwork network_;
  std::vector<std::unique_ptr<SimLoop>> loops_;
};

}  // namespace weft::net
