#include "http/h2_stream_history.h"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

using State = H2StreamHistory::State;

TEST(H2StreamHistory, TellsHowAStreamEnded) {
  H2StreamHistory history;
  EXPECT_EQ(history.of(1), State::Unknown);
  history.on_opened(3);
  EXPECT_EQ(history.of(1), State::Skipped);
  EXPECT_EQ(history.of(3), State::Live);
  EXPECT_EQ(history.of(5), State::Unknown);
  EXPECT_EQ(history.of(2), State::Unknown);
  history.on_opened(5);
  history.on_closed(3, true);
  history.on_closed(5, false);
  EXPECT_EQ(history.of(3), State::EndedByPeer);
  EXPECT_EQ(history.of(5), State::EndedByUs);
}

TEST(H2StreamHistory, ForgetsWhatIsLongAgoAndSurvivesJumps) {
  H2StreamHistory history;
  history.on_opened(1);
  history.on_closed(1, true);
  history.on_opened(511);
  EXPECT_EQ(history.of(1), State::EndedByPeer);
  EXPECT_EQ(history.of(3), State::Skipped);
  history.on_opened(513);
  EXPECT_EQ(history.of(1), State::Unknown);
  history.on_opened(0x7fffffff);
  EXPECT_EQ(history.of(513), State::Unknown);
  EXPECT_EQ(history.of(0x7ffffffd), State::Skipped);
  EXPECT_EQ(history.of(0x7fffffff), State::Live);
}

}  // namespace
}  // namespace weft::http
