#include "net/client_hello.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace weft::net {
namespace {

constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kRecordBytesMax = 16 * 1024;
constexpr size_t kHandshakeHeaderBytes = 4;
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHelloMessage = 1;
constexpr size_t kServerNameBytesMax = 255;

uint8_t byte_at(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }
uint16_t two_at(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

/// Takes fields off the front; once something is missing, everything is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(size_t size) {
    if (rest_.size() < size) return fail();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint16_t number(size_t size) {
    const std::string_view bytes = take(size);
    if (bytes.size() != size) return 0;
    return size == 1 ? byte_at(bytes, 0) : two_at(bytes, 0);
  }
  /// A vector behind a length of `length_bytes`, of `least` bytes or more.
  std::string_view vector(size_t length_bytes, size_t least) {
    const size_t size = number(length_bytes);
    return size < least ? fail() : take(size);
  }
  bool is_at_end() const { return rest_.empty(); }
  bool has_failed() const { return has_failed_; }
  std::string_view fail() {
    has_failed_ = true;
    return rest_ = {};
  }

 private:
  std::string_view rest_;
  bool has_failed_ = false;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool read_server_name(std::string_view body, ClientHello& hello) {
  Reader extension(body);
  Reader list(extension.vector(2, 1));
  while (!list.is_at_end()) {
    const bool is_host_name = list.number(1) == 0;
    const std::string_view name = list.vector(2, 1);
    if (!is_host_name) continue;
    // One name of a type (RFC 6066 §3), and none that a reader which stops at NUL would take for another.
    if (!hello.server_name.empty() || name.size() > kServerNameBytesMax || name.find('\0') != std::string_view::npos)
      return false;
    hello.server_name = lower(name);
  }
  return !list.has_failed() && !extension.has_failed() && extension.is_at_end();
}

bool read_alpn(std::string_view body, ClientHello& hello) {
  Reader extension(body);
  Reader list(extension.vector(2, 2));
  while (!list.is_at_end()) {
    hello.alpn.emplace_back(list.vector(1, 1));
    if (hello.alpn.size() > base::kClientHelloAlpnMax) return false;
  }
  return !list.has_failed() && !extension.has_failed() && extension.is_at_end();
}

bool read_versions(std::string_view body, ClientHello& hello) {
  Reader extension(body);
  Reader list(extension.vector(1, 2));
  hello.versions.clear();
  while (!list.is_at_end()) hello.versions.push_back(list.number(2));
  return !list.has_failed() && !extension.has_failed() && extension.is_at_end();
}

bool read_extensions(std::string_view bytes, ClientHello& hello) {
  Reader extensions(bytes);
  bool has_name = false, has_alpn = false, has_versions = false;
  while (!extensions.is_at_end()) {
    const uint16_t type = extensions.number(2);
    const std::string_view body = extensions.vector(2, 0);
    if (extensions.has_failed()) return false;
    // None may come twice (RFC 8446 §4.2).
    if (type == 0 && (std::exchange(has_name, true) || !read_server_name(body, hello))) return false;
    if (type == 16 && (std::exchange(has_alpn, true) || !read_alpn(body, hello))) return false;
    if (type == 43 && (std::exchange(has_versions, true) || !read_versions(body, hello))) return false;
  }
  return !extensions.has_failed();
}

bool read_message(std::string_view message, ClientHello& hello) {
  Reader reader(message);
  hello.versions.push_back(reader.number(2));
  reader.take(32);  // random
  const bool has_long_session = reader.vector(1, 0).size() > 32;
  const bool has_odd_ciphers = reader.vector(2, 2).size() % 2 != 0;
  reader.vector(1, 1);  // compression methods
  if (reader.has_failed() || has_long_session || has_odd_ciphers) return false;
  if (reader.is_at_end()) return true;  // TLS 1.2 without extensions
  const std::string_view extensions = reader.vector(2, 0);
  return !reader.has_failed() && reader.is_at_end() && read_extensions(extensions, hello);
}

/// Goes through the records, which may cut the message anywhere, and hands each piece of it to `use`.
/// Returns NotTls at the first byte that cannot be; Complete where `wanted` message bytes are there.
template <typename Use>
ClientHelloState for_each_piece(std::string_view received, size_t wanted, Use use) {
  while (wanted > 0) {
    if (!received.empty() && byte_at(received, 0) != kHandshakeRecord) return ClientHelloState::NotTls;
    if (received.size() > 1 && byte_at(received, 1) != 3) return ClientHelloState::NotTls;
    if (received.size() < kRecordHeaderBytes) return ClientHelloState::NeedMore;
    const size_t record_bytes = two_at(received, 3);
    if (record_bytes == 0 || record_bytes > kRecordBytesMax) return ClientHelloState::NotTls;
    received.remove_prefix(kRecordHeaderBytes);
    const std::string_view piece = received.substr(0, std::min(record_bytes, wanted));
    use(piece);
    wanted -= piece.size();
    if (wanted > 0 && received.size() < record_bytes) return ClientHelloState::NeedMore;
    received.remove_prefix(std::min(record_bytes, received.size()));
  }
  return ClientHelloState::Complete;
}

}  // namespace

ClientHelloResult parse_client_hello(std::string_view received) {
  ClientHelloResult result;
  received = received.substr(0, base::kClientHelloBytesMax);
  const bool is_full = received.size() == base::kClientHelloBytesMax;
  const auto finish = [&](ClientHelloState state) {
    result.state = state == ClientHelloState::NeedMore && is_full ? ClientHelloState::NotTls : state;
    return std::move(result);
  };
  std::string header;
  const ClientHelloState begun =
      for_each_piece(received, kHandshakeHeaderBytes, [&](std::string_view piece) { header += piece; });
  if (!header.empty() && byte_at(header, 0) != kClientHelloMessage) return finish(ClientHelloState::NotTls);
  if (begun != ClientHelloState::Complete) return finish(begun);
  const size_t message_bytes = static_cast<size_t>(byte_at(header, 1)) << 16 | two_at(header, 2);
  if (message_bytes > base::kClientHelloBytesMax) return finish(ClientHelloState::NotTls);
  size_t present = 0;
  const ClientHelloState state = for_each_piece(received, kHandshakeHeaderBytes + message_bytes,
                                                [&](std::string_view piece) { present += piece.size(); });
  if (state != ClientHelloState::Complete) return finish(state);
  std::string message;
  message.reserve(present);
  for_each_piece(received, present, [&](std::string_view piece) { message += piece; });
  const bool is_valid = read_message(std::string_view(message).substr(kHandshakeHeaderBytes), result.hello);
  return finish(is_valid ? ClientHelloState::Complete : ClientHelloState::NotTls);
}

}  // namespace weft::net
