// Any bytes from an upstream: no crash, the same events however they are cut, no header that could split a response.
#include <string>

#include "http/h1_characters.h"
#include "http/h1_parser.h"
#include "http/h1_serializer.h"

namespace {

using namespace weft;

struct Outcome {
  std::string events;
  bool has_failed = false;
};

void note_head(base::BlockPool& pool, http::H1ResponseParser& parser, std::string& events) {
  events += std::to_string(parser.head().status) + "\n";
  parser.head().for_each([&](const http::Header& h) {
    events += std::string(h.name) + ": " + std::string(h.value) + "\n";
    for (char c : h.value) WEFT_ASSERT(http::is_value_character(c));
  });
  const base::Slice written = http::serialize_response_head(pool, parser.head(), {});
  WEFT_ASSERT(written.view().find("\r\n\r\n") == written.size() - 4);
}

Outcome parse(std::string_view bytes, const http::H1Options& options, const http::H1RequestContext& context,
              size_t step) {
  base::BlockPool pool;
  http::CodecCounters counters;
  Outcome outcome;
  http::H1ResponseParser parser(pool, options, false, counters);
  parser.set_context(context);
  for (size_t from = 0; from < bytes.size() && !outcome.has_failed; from += step) {
    base::Slice in = base::Slice::copy_of(pool, bytes.substr(from, step));
    while (!in.is_empty() && !outcome.has_failed) {
      switch (parser.next(in)) {
        case http::H1Event::NeedMore: break;
        case http::H1Event::Head: note_head(pool, parser, outcome.events); break;
        case http::H1Event::Data: outcome.events += parser.take_data().view(); break;
        case http::H1Event::End: break;
        case http::H1Event::Failed: outcome.has_failed = true; break;
      }
      if (!parser.is_complete()) continue;
      outcome.events += "\nend\n";
      parser.expect_another_head();
    }
  }
  if (parser.end_of_stream()) outcome.events += "\nclosed\n";
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  http::H1Options options;
  options.enable_trailers = (data[0] & 1) != 0;
  http::H1RequestContext context;
  context.is_head = (data[0] & 2) != 0;
  context.is_connect = (data[0] & 4) != 0;
  context.is_upgrade = (data[0] & 8) != 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = parse(bytes, options, context, bytes.size() + 1);
  const Outcome pieces = parse(bytes, options, context, 1 + data[1] % 37);
  WEFT_ASSERT(whole.has_failed || !pieces.has_failed);
  WEFT_ASSERT(whole.has_failed || whole.events == pieces.events);
  return 0;
}
