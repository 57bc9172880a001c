#include "http/h1_serializer.h"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

class H1SerializerTest : public ::testing::Test {
 protected:
  RequestHead request(std::string_view method, std::string_view path) {
    RequestHead head(pool);
    head.add(HeaderId::Method, method);
    head.add(HeaderId::Scheme, "https");
    head.add(HeaderId::Authority, "host:1");
    head.add(HeaderId::Path, path);
    return head;
  }
  base::BlockPool pool;
};

TEST_F(H1SerializerTest, WritesOnlyWhatBelongsToTheMessage) {
  RequestHead head = request("POST", "/p?q");
  for (std::string_view name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"})
    head.add(name, "evil");
  head.add(HeaderId::ContentLength, "12");
  head.add("x-a", "1");
  H1HeadFormat format;
  format.coding = H1BodyCoding::Length;
  EXPECT_EQ(serialize_request_head(pool, head, format).view(),
            "POST /p?q HTTP/1.1\r\nhost: host:1\r\nx-a: 1\r\ncontent-length: 12\r\n\r\n");
  format.coding = H1BodyCoding::Chunked;
  EXPECT_EQ(serialize_request_head(pool, head, format).view(),
            "POST /p?q HTTP/1.1\r\nhost: host:1\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n");
}

TEST_F(H1SerializerTest, TargetsTakeTheirForm) {
  EXPECT_TRUE(serialize_request_head(pool, request("CONNECT", ""), {})
                  .view()
                  .starts_with("CONNECT host:1 HTTP/1.1\r\nhost: host:1\r\n"));
  H1HeadFormat format;
  format.is_fully_qualified = true;
  EXPECT_TRUE(serialize_request_head(pool, request("GET", "/a"), format)
                  .view()
                  .starts_with("GET https://host:1/a HTTP/1.1\r\n"));
  EXPECT_TRUE(
      serialize_request_head(pool, request("OPTIONS", "*"), format).view().starts_with("OPTIONS * HTTP/1.1\r\n"));
}

TEST_F(H1SerializerTest, ProperCaseCapitalisesWords) {
  ResponseHead head(pool);
  head.status = 599;
  head.add("x-one2three", "v");
  head.add("etag", "e");
  H1HeadFormat format;
  format.is_proper_case = true;
  format.coding = H1BodyCoding::EmptyBody;
  EXPECT_EQ(serialize_response_head(pool, head, format).view(),
            "HTTP/1.1 599 \r\nX-One2three: v\r\nEtag: e\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(H1SerializerTest, HeadsOfAnySizeFit) {
  ResponseHead head(pool);
  head.status = 200;
  for (int i = 0; i < 3000; ++i) head.add("n", "");
  for (int i = 0; i < 30; ++i) head.add("x", std::string(1000, 'v'));
  const base::Slice written = serialize_response_head(pool, head, {});
  EXPECT_EQ(written.size(), std::string("HTTP/1.1 200 OK\r\n").size() + 3000 * 5 + 30 * 1005 + 2);
}

TEST_F(H1SerializerTest, ChunksAreCopiedWhenSmallAndSharedWhenLarge) {
  for (size_t size : {1u, 15u, 16u, 1024u, 1025u, 50000u}) {
    base::Chain data;
    data.append_copy(pool, std::string(size, 'd'));
    base::Chain chunk = serialize_chunk(pool, std::move(data));
    char line[32];
    snprintf(line, sizeof(line), "%zx\r\n", size);
    EXPECT_EQ(chunk.to_string(), line + std::string(size, 'd') + "\r\n");
    EXPECT_EQ(chunk.slice_count() == 1, size <= 1024);
  }
  EXPECT_TRUE(serialize_chunk(pool, {}).is_empty());
}

TEST_F(H1SerializerTest, TrailersNeverCarryFraming) {
  HeaderMap trailers(pool);
  EXPECT_EQ(serialize_trailers(pool, trailers, false).view(), "0\r\n\r\n");
  trailers.add(HeaderId::ContentLength, "5");
  trailers.add("x-sum", "1");
  EXPECT_EQ(serialize_trailers(pool, trailers, false).view(), "0\r\nx-sum: 1\r\n\r\n");
}

TEST_F(H1SerializerTest, DeclaredLengthsMustBeNumbers) {
  HeaderMap head(pool);
  EXPECT_EQ(declared_length(head), std::nullopt);
  for (const auto& [text, expected] : std::initializer_list<std::pair<std::string_view, std::optional<uint64_t>>>{
           {"0", 0},
           {"42", 42},
           {"", std::nullopt},
           {"4x", std::nullopt},
           {"-1", std::nullopt},
           {"9999999999999999999", std::nullopt}}) {
    head.set(HeaderId::ContentLength, text);
    EXPECT_EQ(declared_length(head), expected) << text;
  }
}

}  // namespace
}  // namespace weft::http
