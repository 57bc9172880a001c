// Purpose: the whole of one HTTP/1 message after the other: bytes in, events out. Does no I/O.
// Thread:  one worker.   Owner: the connection whose bytes it reads.
#pragma once

#include <utility>

#include "http/h1_body.h"
#include "http/h1_head.h"

namespace weft::http {

enum class H1Event : uint8_t {
  NeedMore,
  Head,    ///< `head()`; `facts()` tell its framing
  Data,    ///< `take_data()`
  End,     ///< a chunked body ended; `trailers()` may hold lines
  Failed,  ///< `error()`
};

/// Parses messages of one direction. Message is RequestHead or ResponseHead.
///
///     while ((event = parser.next(slice)) != NeedMore) …   // stops behind each message until `restart`
///
/// Exactly one of (Head with is_complete, Data with is_complete, End) ends a message.
template <typename Message>
class H1Parser {
 public:
  H1Parser(base::BlockPool& pool, const H1Options& options, bool is_secure, CodecCounters& counters);

  /// Takes bytes from the front of `in`. With is_complete, takes nothing and returns NeedMore.
  H1Event next(base::Slice& in);
  /// Readies the parser for the next message. Gives back all blocks.
  void restart();
  /// Responses: the request that the next final response answers. After `restart`.
  void set_context(const H1RequestContext& context) { head_parser_.set_context(context); }
  /// Responses: after an informational head, waits for another head with the same context.
  void expect_another_head();
  /// The connection ended. True: that completed the message (a body until close, a tunnel).
  bool end_of_stream();

  Message& head() { return head_; }
  base::Slice take_data() { return std::move(data_); }
  HeaderMap& trailers() { return trailers_; }
  const H1Facts& facts() const { return head_parser_.facts(); }
  uint32_t field_bytes() const { return head_parser_.field_bytes(); }
  H1Error error() const { return state_ == State::Body ? H1Error{400, "http1.codec_error"} : head_parser_.error(); }
  /// After Failed: the head was complete and no body was announced, so that the next message begins here.
  bool ended_with_failed_head() const { return state_ == State::Head && head_parser_.ended_without_body(); }
  /// Bytes of the exchange at hand that its connection has carried; the connection's to count, forgotten by `restart`.
  struct Tally {
    uint64_t received = 0, sent = 0, fields_sent = 0;
  };
  Tally& tally() { return tally_; }
  const Tally& tally() const { return tally_; }
  bool is_complete() const { return state_ == State::Complete; }
  bool has_head() const { return state_ != State::Head; }
  bool has_begun() const { return has_head() || head_parser_.has_begun(); }

 private:
  enum class State : uint8_t { Head, Body, Trailers, Complete };

  H1Event feed_head(base::Slice& in);
  H1Event feed_body(base::Slice& in);
  H1Event feed_trailers(base::Slice& in);

  H1HeadParser head_parser_;
  H1BodyReader body_;
  State state_ = State::Head;
  base::Slice data_;
  Message head_;
  HeaderMap trailers_;
  Tally tally_;
};

using H1RequestParser = H1Parser<RequestHead>;
using H1ResponseParser = H1Parser<ResponseHead>;

}  // namespace weft::http
