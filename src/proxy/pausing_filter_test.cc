// A filter that pauses at every hook while either side resets: every exchange ends, every filter is told so once, and
// nothing is left over. A failure names its seed; --gtest_filter='*Pausing*/<seed - 1>' repeats it.
#include <gtest/gtest.h>

#include "proxy/testing/proxy_world.h"

namespace weft::proxy {
namespace {

struct Tally {
  int made = 0, done = 0, destroyed = 0, pauses = 0;
};

class PausingFilter final : public Filter {
 public:
  explicit PausingFilter(Tally& tally)
      : tally_(tally), timer_(net::Timer::Callback::bind<&PausingFilter::on_timer>(*this)) {
    ++tally_.made;
  }
  ~PausingFilter() override { ++tally_.destroyed; }

  FilterAnswer on_request_head(FilterContext& context, http::RequestHead&, bool) override {
    return maybe_pause(context, true);
  }
  FilterAnswer on_request_data(FilterContext& context, base::Chain&, http::HeaderMap*, bool) override {
    return maybe_pause(context, true);
  }
  FilterAnswer on_response_head(FilterContext& context, http::ResponseHead&, bool) override {
    return maybe_pause(context, false);
  }
  FilterAnswer on_response_data(FilterContext& context, base::Chain& data, http::HeaderMap*, bool) override {
    if (data.size() > 1 && context.loop().random().below(4) == 0) context.pass_response_data(data.split_front(1));
    return maybe_pause(context, false);
  }
  void on_done(FilterContext&) override {
    ++tally_.done;
    EXPECT_FALSE(is_done_);
    is_done_ = true;
    timer_.cancel();
  }

 private:
  FilterAnswer maybe_pause(FilterContext& context, bool is_request) {
    EXPECT_FALSE(is_done_) << "no hook after done";
    base::Random& random = context.loop().random();
    if (timer_.is_armed() || random.below(4) == 0) return FilterAnswer::Continue;
    ++tally_.pauses;
    resume_ = is_request ? context.resume_request() : context.resume_response();
    context.loop().arm(timer_, base::milliseconds(static_cast<int64_t>(random.below(5))));
    return random.below(2) == 0 ? FilterAnswer::Pause : FilterAnswer::Wait;
  }
  void on_timer() {
    Resume resume = std::move(resume_);
    resume();
  }

  Tally& tally_;
  net::Timer timer_;
  Resume resume_;
  bool is_done_ = false;
};

class PausingFactory final : public FilterFactory {
 public:
  explicit PausingFactory(Tally& tally) : tally_(tally) {}
  std::unique_ptr<Filter> make() const override { return std::make_unique<PausingFilter>(tally_); }
  std::string_view type_url() const override { return "test/pausing"; }

 private:
  Tally& tally_;
};

class Pausing : public WithProxy, public ::testing::WithParamInterface<uint64_t> {
 protected:
  Pausing() : WithProxy(GetParam()) {}
  Tally tally_;
};

TEST_P(Pausing, AtEveryHookWhileEitherSideResets) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  base::Random random(GetParam());
  for (int i = 0; i < 2; ++i)
    hcm.filters.push_back({.name = "pausing", .factory = std::make_shared<PausingFactory>(tally_)});
  const std::string body(random.below(100'000), 'b');
  upstream_answer = "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  route_to_upstream();
  start();

  for (int i = 0; i < 4; ++i) {
    auto made = send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(body.size()) + "\r\n", body);
    world.run_for(std::chrono::microseconds(random.below(30'000)));
    const uint64_t act = random.below(4);
    if (act == 0) made->connection->close(true);
    if (act == 1) world.reset_connections("proxy", "upstream0");
    if (act == 2) made->connection->shutdown_write();
    if (act != 0) {
      EXPECT_TRUE(world.run_until([&] { return made->is_over(); }, base::seconds(600))) << "act " << act;
    }
    if (act == 3) {
      EXPECT_TRUE(made->answer().ends_with(body)) << made->answer().substr(0, 300);
    }
    world.run_for(base::seconds(1));
  }
  stop();
  EXPECT_EQ(tally_.done, tally_.made);
  EXPECT_EQ(tally_.destroyed, tally_.made);
  EXPECT_GT(tally_.pauses, 0);
  EXPECT_EQ(stat("http.test.downstream_rq_active"), 0);
  EXPECT_EQ(stat("cluster.up.upstream_rq_active"), 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Pausing, ::testing::Range(uint64_t{1}, uint64_t{101}));

}  // namespace
}  // namespace weft::proxy
