#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/random.h"

namespace weft::net {
namespace {

using base::milliseconds;
using base::MonoTime;

struct Probe {
  Probe() : timer(Timer::Callback::bind<&Probe::fire>(*this)) {}
  void fire() {
    ++fired;
    if (order != nullptr) order->push_back(id);
    if (again != nullptr) again->arm(timer, now, milliseconds(0));
  }
  Timer timer;
  int fired = 0;
  int id = 0;
  std::vector<int>* order = nullptr;
  TimerWheel* again = nullptr;
  MonoTime now{};
};

TEST(TimerWheelTest, NeverFiresEarly) {
  TimerWheel wheel{MonoTime{}};
  Probe p;
  wheel.arm(p.timer, MonoTime(base::Duration(1)), milliseconds(5));
  wheel.advance(MonoTime(milliseconds(5)));
  EXPECT_EQ(p.fired, 0) << "5 ms after 1 ns is not yet 5 ms";
  wheel.advance(MonoTime(milliseconds(6)));
  EXPECT_EQ(p.fired, 1);
}

TEST(TimerWheelTest, CancelAndDestructionDisarm) {
  TimerWheel wheel{MonoTime{}};
  Probe p;
  wheel.arm(p.timer, MonoTime{}, milliseconds(3));
  p.timer.cancel();
  auto q = std::make_unique<Probe>();
  wheel.arm(q->timer, MonoTime{}, milliseconds(3));
  q.reset();
  EXPECT_EQ(wheel.advance(MonoTime(milliseconds(10))), 0u);
  EXPECT_EQ(wheel.until_next(MonoTime(milliseconds(10))), base::Duration::max());
}

TEST(TimerWheelTest, ZeroDelayFromACallbackDoesNotHoldTheTurn) {
  TimerWheel wheel{MonoTime{}};
  Probe p;
  p.again = &wheel;
  wheel.arm(p.timer, MonoTime{}, milliseconds(0));
  p.now = MonoTime(milliseconds(1));
  wheel.advance(p.now);
  EXPECT_EQ(p.fired, 1);
  p.now = MonoTime(milliseconds(2));
  wheel.advance(p.now);
  EXPECT_EQ(p.fired, 2);
}

TEST(TimerWheelTest, HoldsDelaysBeyondItsReach) {
  TimerWheel wheel{MonoTime(base::seconds(77))};
  Probe days, never;
  const base::Duration twenty_days = std::chrono::hours(20 * 24);
  wheel.arm(days.timer, MonoTime(base::seconds(77)), twenty_days);
  wheel.arm(never.timer, MonoTime(base::seconds(77)), base::Duration::max());
  wheel.advance(MonoTime(base::seconds(77)) + twenty_days - milliseconds(1));
  EXPECT_EQ(days.fired, 0);
  wheel.advance(MonoTime(base::seconds(77)) + twenty_days);
  EXPECT_EQ(days.fired, 1);
  EXPECT_EQ(never.fired, 0);
  EXPECT_TRUE(never.timer.is_armed());
}

// The reference is a list sorted by (tick, order of arming).
struct Reference {
  struct Item {
    int64_t tick;
    uint64_t sequence;
    int id;
  };
  std::vector<Item> items;

  void remove(int id) {
    std::erase_if(items, [id](const Item& item) { return item.id == id; });
  }
  std::vector<int> take_due(int64_t tick) {
    std::sort(items.begin(), items.end(),
              [](const Item& a, const Item& b) { return std::tie(a.tick, a.sequence) < std::tie(b.tick, b.sequence); });
    std::vector<int> due;
    while (!items.empty() && items.front().tick <= tick) {
      due.push_back(items.front().id);
      items.erase(items.begin());
    }
    return due;
  }
  int64_t next() const {
    int64_t least = INT64_MAX;
    for (const Item& item : items) least = std::min(least, item.tick);
    return least;
  }
};

base::Duration random_delay(base::Random& random) {
  const uint64_t bits = random.below(36);  // up to 2^35 ns … and every scale below
  uint64_t ns = random.below(uint64_t{1} << (bits + 1));
  if (random.below(50) == 0) ns += (uint64_t{1} << 30) * 1'000'000 * random.below(3);
  return base::Duration(static_cast<int64_t>(ns));
}

void run_against_reference(uint64_t seed) {
  base::Random random(seed);
  MonoTime now(base::Duration(static_cast<int64_t>(random.below(1'000'000'000'000))));
  const MonoTime start = now;
  TimerWheel wheel(start);
  Reference reference;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 40; ++i) {
    probes.push_back(std::make_unique<Probe>());
    probes.back()->id = i;
    probes.back()->order = &fired;
  }
  int64_t current = 0;
  uint64_t sequence = 0;
  for (int step = 0; step < 400; ++step) {
    const int id = static_cast<int>(random.below(probes.size()));
    const uint64_t what = random.below(10);
    if (what < 5) {
      const base::Duration delay = random_delay(random);
      wheel.arm(probes[static_cast<size_t>(id)]->timer, now, delay);
      reference.remove(id);
      const int64_t due = ((now + delay - start).count() + 999'999) / 1'000'000;
      reference.items.push_back({std::max(due, current + 1), sequence++, id});
    } else if (what < 6) {
      probes[static_cast<size_t>(id)]->timer.cancel();
      reference.remove(id);
    } else {
      const base::Duration wait = wheel.until_next(now);
      if (reference.items.empty()) {
        ASSERT_EQ(wait, base::Duration::max());
      } else {
        ASSERT_LE((now + wait - start).count(), std::max((now - start).count(), reference.next() * 1'000'000));
      }
      const bool jump = wait != base::Duration::max() && random.below(2) == 0;
      now += jump ? wait : random_delay(random) / 4;
      current = (now - start).count() / 1'000'000;
      fired.clear();
      wheel.advance(now);
      ASSERT_EQ(fired, reference.take_due(current)) << "seed " << seed << " step " << step;
    }
  }
}

TEST(TimerWheelTest, BehavesLikeASortedList) {
  for (uint64_t seed = 1; seed <= 200; ++seed) run_against_reference(seed);
}

}  // namespace
}  // namespace weft::net
