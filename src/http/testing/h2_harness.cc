#include "http/testing/h2_harness.h"

#include <algorithm>

namespace weft::http::testing {
namespace {

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string name_of(const StreamEnd& end) {
  static constexpr const char* kKinds[] = {"complete",          "remote_reset",   "refused",       "unprocessed",
                                           "connection_closed", "protocol_error", "limit_exceeded"};
  return std::string(kKinds[static_cast<size_t>(end.kind)]);
}

std::string big_endian(uint32_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

// HPACK's integer with a prefix of 7 bits (RFC 7541 §5.1).
std::string prefixed_length(size_t n) {
  if (n < 127) return std::string(1, static_cast<char>(n));
  std::string out(1, 127);
  for (n -= 127; n >= 128; n >>= 7) out += static_cast<char>(0x80 | (n & 0x7f));
  return out + static_cast<char>(n);
}

}  // namespace

std::string to_text(const HeaderMap& headers) {
  std::string text;
  headers.for_each([&](const Header& header) {
    if (!text.empty()) text += '|';
    text.append(header.name).append(": ").append(header.value);
  });
  return text;
}

void ServerStreamRecorder::on_request_data(base::Slice data, bool end) {
  body += data.view();
  if (consumes) {
    stream->consume(data.size());
  } else {
    unconsumed += data.size();
  }
  if (end) log_.push_back("body " + body);
  has_ended |= end;
}

void ServerStreamRecorder::on_request_trailers(HeaderMap trailers) {
  has_ended = true;
  log_.push_back("body " + body);
  log_.push_back("trailers " + to_text(trailers));
}

void ServerStreamRecorder::on_stream_closed(const StreamEnd& why) {
  WEFT_ASSERT(!is_closed);
  is_closed = true;
  stream = nullptr;
  end = why;
  log_.push_back("closed " + name_of(why));
}

ServerStreamHandler& ServerRecorder::on_request(ServerStream& stream, bool end) {
  log.push_back((end ? "request end " : "request ") + to_text(stream.request()));
  streams.push_back(std::make_unique<ServerStreamRecorder>(log, stream));
  streams.back()->has_ended = end;
  return *streams.back();
}

void ServerRecorder::on_request_refused(const RequestHead&, const Refusal& answer, const StreamEnd& end) {
  log.push_back("refused " + std::to_string(answer.head.status) + " " + name_of(end));
}

void ServerRecorder::on_connection_closed(const StreamEnd& end) {
  is_closed = true;
  log.push_back("connection closed " + name_of(end));
}

std::string ServerRecorder::text() const { return join(log); }

void ClientStreamRecorder::on_informational(ResponseHead head) {
  log_.push_back("informational " + std::to_string(head.status) + " " + to_text(head));
}

void ClientStreamRecorder::on_response_head(ResponseHead head, bool is_end) {
  log_.push_back((is_end ? "response end " : "response ") + std::to_string(head.status) + " " + to_text(head));
  has_ended |= is_end;
}

void ClientStreamRecorder::on_response_data(base::Slice data, bool is_end) {
  body += data.view();
  if (consumes) {
    stream->consume(data.size());
  } else {
    unconsumed += data.size();
  }
  if (is_end) log_.push_back("body " + body);
  has_ended |= is_end;
}

void ClientStreamRecorder::on_response_trailers(HeaderMap trailers) {
  has_ended = true;
  log_.push_back("body " + body);
  log_.push_back("trailers " + to_text(trailers));
}

void ClientStreamRecorder::on_stream_closed(const StreamEnd& why) {
  WEFT_ASSERT(!is_closed);
  is_closed = true;
  stream = nullptr;
  end = why;
  log_.push_back("closed " + name_of(why));
}

void ClientRecorder::on_connection_closed(const StreamEnd& end) {
  is_closed = true;
  log.push_back("connection closed " + name_of(end));
}

std::string ClientRecorder::text() const { return join(log); }

std::string drain_output(H2Session& session, ManualHost& host) {
  std::string bytes;
  for (bool is_busy = true; is_busy;) {
    base::Chain out;
    session.produce(out, SIZE_MAX);
    host.queued += out.size();
    host.left = host.queued;
    bytes += out.to_string();
    const bool has_told = session.deliver();
    is_busy = has_told || !out.is_empty();
  }
  host.is_woken = false;
  return bytes;
}

std::string LoneServer::feed(std::string_view bytes) {
  if (!bytes.empty()) session.receive(base::Slice::copy_of(pool, bytes));
  return drain_output(session, host);
}

std::string LoneClient::feed(std::string_view bytes) {
  if (!bytes.empty()) session.receive(base::Slice::copy_of(pool, bytes));
  return drain_output(session, host);
}

ClientStreamRecorder& LoneClient::request(const RequestHead& head, bool end) {
  ClientStreamRecorder& recorder = handler.add();
  recorder.stream = &session.open(recorder);
  recorder.stream->send_head(head, end);
  return recorder;
}

void H2Pair::run(size_t piece) {
  for (bool is_busy = true; is_busy;) {
    std::string up = client.feed({});
    std::string down = server.feed({});
    is_busy = !up.empty() || !down.empty();
    for (size_t at = 0; at < up.size(); at += std::min(piece, up.size() - at))
      server.session.receive(base::Slice::copy_of(server.pool, std::string_view(up).substr(at, piece)));
    for (size_t at = 0; at < down.size(); at += std::min(piece, down.size() - at))
      client.session.receive(base::Slice::copy_of(client.pool, std::string_view(down).substr(at, piece)));
  }
}

RequestHead make_request(base::BlockPool& pool, std::string_view method, std::string_view path) {
  RequestHead head(pool);
  head.add(HeaderId::Method, method);
  head.add(HeaderId::Scheme, "http");
  head.add(HeaderId::Authority, "example.test");
  head.add(HeaderId::Path, path);
  return head;
}

ResponseHead make_response(base::BlockPool& pool, uint16_t status) {
  ResponseHead head(pool);
  head.status = status;
  return head;
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out = big_endian(static_cast<uint32_t>(payload.size()), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + big_endian(stream, 4) + std::string(payload);
}

std::string preface() {
  return std::string(NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN) + frame(NGHTTP2_SETTINGS, 0, 0, "");
}

std::string block(std::initializer_list<std::string_view> lines) {
  std::string out;
  bool is_name = true;
  for (const std::string_view text : lines) {
    if (is_name) out += '\0';
    out += prefixed_length(text.size());
    out += text;
    is_name = !is_name;
  }
  return out;
}

std::string get_block(std::string_view path) {
  return block({":method", "GET", ":scheme", "http", ":authority", "example.test", ":path", path});
}

std::vector<SentFrame> parse_frames(std::string_view bytes) {
  if (bytes.starts_with(std::string_view(NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN)))
    bytes.remove_prefix(NGHTTP2_CLIENT_MAGIC_LEN);
  std::vector<SentFrame> frames;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  while (bytes.size() >= 9) {
    const size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    const uint32_t stream = (byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffff;
    frames.push_back(
        {static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]), stream, std::string(bytes.substr(9, size))});
    bytes.remove_prefix(std::min(bytes.size(), 9 + size));
  }
  return frames;
}

int64_t error_code_of(std::string_view bytes, uint8_t type, uint32_t stream) {
  for (const SentFrame& sent : parse_frames(bytes)) {
    if (sent.type != type || sent.stream != stream) continue;
    const size_t at = type == NGHTTP2_GOAWAY ? 4 : 0;
    int64_t code = 0;
    for (size_t i = at; i < at + 4 && i < sent.payload.size(); ++i)
      code = code << 8 | static_cast<uint8_t>(sent.payload[i]);
    return code;
  }
  return -1;
}

}  // namespace weft::http::testing
