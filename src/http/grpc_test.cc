#include "http/grpc.h"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

TEST(GrpcTest, TimeoutsAreReadInEveryUnitAndClamped) {
  EXPECT_EQ(parse_grpc_timeout("1H"), std::chrono::hours(1));
  EXPECT_EQ(parse_grpc_timeout("2M"), std::chrono::minutes(2));
  EXPECT_EQ(parse_grpc_timeout("3S"), base::seconds(3));
  EXPECT_EQ(parse_grpc_timeout("0004m"), base::milliseconds(4));
  EXPECT_EQ(parse_grpc_timeout("5u"), std::chrono::microseconds(5));
  EXPECT_EQ(parse_grpc_timeout("99999999n"), base::Duration(99999999));
  EXPECT_EQ(parse_grpc_timeout("99999999H"), base::Duration::max());
  EXPECT_EQ(parse_grpc_timeout("99999999H", base::seconds(5)), base::seconds(5));
  EXPECT_EQ(parse_grpc_timeout("9S", base::seconds(5)), base::seconds(5));
  for (std::string_view bad : {"", "S", "1", "1s", "-1S", "+1S", "1 S", "123456789S", "1.5S", "1Sx", " 1S"}) {
    EXPECT_EQ(parse_grpc_timeout(bad), std::nullopt) << bad;
  }
}

TEST(GrpcTest, TimeoutsAreWrittenInTheFinestUnitThatFits) {
  EXPECT_EQ(format_grpc_timeout(base::seconds(5)).view(), "5000m");
  EXPECT_EQ(format_grpc_timeout(base::Duration(1999999)).view(), "1m");
  EXPECT_EQ(format_grpc_timeout(base::Duration(999999)).view(), "999u");
  EXPECT_EQ(format_grpc_timeout(base::milliseconds(99999999)).view(), "99999999m");
  EXPECT_EQ(format_grpc_timeout(base::milliseconds(100000000)).view(), "100000S");
  EXPECT_EQ(format_grpc_timeout(base::Duration::max()).view(), "2562047H");
  EXPECT_EQ(format_grpc_timeout(base::Duration::zero()).view(), "0m");
  EXPECT_EQ(format_grpc_timeout(-base::seconds(1)).view(), "0m");
}

TEST(GrpcTest, StatusesMapBothWays) {
  EXPECT_EQ(parse_grpc_status("14"), GrpcStatus::Unavailable);
  EXPECT_EQ(parse_grpc_status("0"), GrpcStatus::Ok);
  for (std::string_view bad : {"", "17", "-1", "00", "1x", "OK"})
    EXPECT_EQ(parse_grpc_status(bad), std::nullopt) << bad;
  EXPECT_EQ(to_string(GrpcStatus::DeadlineExceeded), "DeadlineExceeded");
  EXPECT_EQ(upper_case_name(GrpcStatus::Canceled), "CANCELLED");
  EXPECT_EQ(to_number(GrpcStatus::Unauthenticated), "16");
  EXPECT_EQ(grpc_status_of_http(404), GrpcStatus::Unimplemented);
  EXPECT_EQ(grpc_status_of_http(503), GrpcStatus::Unavailable);
  EXPECT_EQ(grpc_status_of_http(418), GrpcStatus::Unknown);
  EXPECT_EQ(http_status_of_grpc(GrpcStatus::ResourceExhausted), 429);
}

TEST(GrpcTest, KnowsItsContentTypes) {
  EXPECT_TRUE(is_grpc_content_type("application/grpc"));
  EXPECT_TRUE(is_grpc_content_type("application/grpc+proto"));
  EXPECT_TRUE(is_grpc_content_type("application/grpc; charset=utf-8"));
  EXPECT_FALSE(is_grpc_content_type("application/grpc-web"));
  EXPECT_FALSE(is_grpc_content_type("application/json"));
}

TEST(GrpcTest, MessagesOfStatusesArePercentEncoded) {
  const std::string message = "50% \xc3\xbc\r\n~";
  EXPECT_EQ(encode_grpc_message(message), "50%25 %C3%BC%0D%0A~");
  EXPECT_EQ(decode_grpc_message(encode_grpc_message(message)), message);
}

TEST(GrpcMessageReaderTest, FindsMessagesHoweverTheyAreCut) {
  base::BlockPool pool;
  base::Chain stream = frame_grpc_message(pool, "hello");
  stream.append(frame_grpc_message(pool, ""));
  stream.append(frame_grpc_message(pool, std::string(3000, 'z')));
  const std::string bytes = stream.to_string();
  for (size_t step : {size_t{1}, size_t{2}, size_t{7}, bytes.size()}) {
    GrpcMessageReader reader(3000);
    std::string seen;
    for (size_t from = 0; from < bytes.size(); from += step) {
      base::Slice in = base::Slice::copy_of(pool, std::string_view(bytes).substr(from, step));
      while (true) {
        if (reader.next(in) != GrpcMessageReader::Event::Message) break;
        seen += "[" + reader.take_message().to_string() + "]";
      }
    }
    EXPECT_EQ(seen, "[hello][][" + std::string(3000, 'z') + "]") << step;
    EXPECT_TRUE(reader.is_between_messages());
  }
}

TEST(GrpcMessageReaderTest, RefusesClaimedSizesAndUnknownFlags) {
  base::BlockPool pool;
  GrpcMessageReader reader(100);
  base::Slice large = base::Slice::copy_of(pool, std::string_view("\0\xff\xff\xff\xff", 5));
  EXPECT_EQ(reader.next(large), GrpcMessageReader::Event::TooLarge);
  GrpcMessageReader other(100);
  base::Slice odd = base::Slice::copy_of(pool, std::string_view("\2\0\0\0\1", 5));
  EXPECT_EQ(other.next(odd), GrpcMessageReader::Event::Invalid);
}

}  // namespace
}  // namespace weft::http
