#include "http/h1_parser.h"

#include <type_traits>

namespace weft::http {
namespace {

template <typename Message>
constexpr H1HeadParser::Kind kKind =
    std::is_same_v<Message, RequestHead> ? H1HeadParser::Kind::Request : H1HeadParser::Kind::Response;

}  // namespace

template <typename Message>
H1Parser<Message>::H1Parser(base::BlockPool& pool, const H1Options& options, bool is_secure, CodecCounters& counters)
    : head_parser_(kKind<Message>, options, is_secure, counters), head_(pool), trailers_(pool) {}

template <typename Message>
void H1Parser<Message>::restart() {
  head_parser_.restart(kKind<Message>);
  state_ = State::Head;
  data_.reset();
  head_.clear();
  trailers_.clear();
  tally_ = {};
}

template <typename Message>
void H1Parser<Message>::expect_another_head() {
  const H1RequestContext context = head_parser_.context();
  restart();
  head_parser_.set_context(context);
}

template <typename Message>
bool H1Parser<Message>::end_of_stream() {
  if (state_ != State::Body) return false;
  const H1Framing framing = facts().framing;
  if (framing != H1Framing::UntilClose && framing != H1Framing::Tunnel) return false;
  state_ = State::Complete;
  return true;
}

template <typename Message>
H1Event H1Parser<Message>::next(base::Slice& in) {
  if (in.is_empty()) return H1Event::NeedMore;
  switch (state_) {
    case State::Head: return feed_head(in);
    case State::Body: return feed_body(in);
    case State::Trailers: return feed_trailers(in);
    case State::Complete: break;
  }
  return H1Event::NeedMore;
}

template <typename Message>
H1Event H1Parser<Message>::feed_head(base::Slice& in) {
  std::string_view bytes = in.view();
  const H1HeadParser::Progress progress = head_parser_.feed(bytes, head_);
  in.remove_prefix(in.size() - bytes.size());
  if (progress == H1HeadParser::Progress::NeedMore) return H1Event::NeedMore;
  head_.version = facts().version;
  if constexpr (std::is_same_v<Message, ResponseHead>) head_.status = facts().status;
  if (progress == H1HeadParser::Progress::Failed) return H1Event::Failed;
  body_.start(facts().framing, facts().content_length);
  state_ = body_.is_complete() ? State::Complete : State::Body;
  return H1Event::Head;
}

template <typename Message>
H1Event H1Parser<Message>::feed_body(base::Slice& in) {
  switch (body_.next(in, data_)) {
    case H1BodyReader::Event::NeedMore: return H1Event::NeedMore;
    case H1BodyReader::Event::Data:
      if (body_.is_complete()) state_ = State::Complete;
      return H1Event::Data;
    case H1BodyReader::Event::Failed: return H1Event::Failed;
    case H1BodyReader::Event::Trailers: break;
  }
  state_ = State::Trailers;
  head_parser_.restart(H1HeadParser::Kind::Trailers);
  return feed_trailers(in);
}

template <typename Message>
H1Event H1Parser<Message>::feed_trailers(base::Slice& in) {
  if (in.is_empty()) return H1Event::NeedMore;
  std::string_view bytes = in.view();
  const H1HeadParser::Progress progress = head_parser_.feed(bytes, trailers_);
  in.remove_prefix(in.size() - bytes.size());
  if (progress == H1HeadParser::Progress::NeedMore) return H1Event::NeedMore;
  if (progress == H1HeadParser::Progress::Failed) return H1Event::Failed;
  state_ = State::Complete;
  return H1Event::End;
}

template class H1Parser<RequestHead>;
template class H1Parser<ResponseHead>;

}  // namespace weft::http
