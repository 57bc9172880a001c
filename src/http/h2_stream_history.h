// Purpose: remembers how the latest streams that a client opened stand, so that frames on closed streams are told
//          apart: a breach where the client itself had ended the stream, in flight where we reset it.
// Thread:  the owning worker's.   Owner: one HTTP/2 server session.
// Source:  RFC 9113 §5.1 (closed), §5.1.1; RFC 7540 asked for the errors that h2spec looks for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::http {

class H2StreamHistory {
 public:
  enum class State : uint8_t {
    Unknown,  ///< not opened yet, or too long ago
    Skipped,  ///< a higher id was opened first: closed without ever having been open
    Live,
    EndedByPeer,  ///< closed; the peer had sent END_STREAM or RST_STREAM
    EndedByUs,    ///< closed by our RST_STREAM: what the peer sent before it saw that is still in flight
  };

  /// Ids rise and are odd (nghttp2 sees to that).
  void on_opened(uint32_t id);
  void on_closed(uint32_t id, bool ended_by_peer);
  State of(uint32_t id) const;

 private:
  static constexpr uint32_t kRemembered = 256;
  State& at(uint32_t id) { return states_[(id >> 1) % kRemembered]; }
  bool is_remembered(uint32_t id) const { return id % 2 == 1 && id <= newest_ && newest_ - id < 2 * kRemembered; }

  uint32_t newest_ = 0;
  std::array<State, kRemembered> states_{};
};

}  // namespace weft::http
