// Any bytes: the parser does not crash, says the same however the bytes are cut, and accepts only heads that can be
// written and read again as the same message.
#include <algorithm>
#include <string>
#include <vector>

#include "http/h1_characters.h"
#include "http/h1_parser.h"
#include "http/h1_serializer.h"

namespace {

using namespace weft;

std::vector<std::string> lines_of(const http::HeaderMap& head) {
  std::vector<std::string> lines;
  head.for_each([&](const http::Header& h) {
    if (h.id != http::HeaderId::Scheme) lines.push_back(std::string(h.name) + ": " + std::string(h.value));
  });
  std::sort(lines.begin(), lines.end());
  return lines;
}

void check_values(const http::HeaderMap& head) {
  head.for_each([](const http::Header& h) {
    WEFT_ASSERT(!h.name.empty());
    for (char c : h.value) WEFT_ASSERT(http::is_value_character(c));
  });
}

// What was accepted goes to an upstream in this form, and must mean there what it meant here.
void check_round_trip(base::BlockPool& pool, const http::RequestHead& head, const http::H1Facts& facts) {
  http::H1HeadFormat format;
  format.coding = facts.framing == http::H1Framing::Chunked ? http::H1BodyCoding::Chunked : http::H1BodyCoding::Length;
  if (facts.is_upgrade) format.connection = http::H1ConnectionOption::Upgrade;
  http::H1Options options;
  options.head_bytes_max = 1 << 20;
  http::CodecCounters counters;
  http::H1RequestParser parser(pool, options, false, counters);
  base::Slice written = http::serialize_request_head(pool, head, format);
  WEFT_ASSERT(parser.next(written) == http::H1Event::Head);
  WEFT_ASSERT(written.is_empty());
  WEFT_ASSERT(lines_of(parser.head()) == lines_of(head));
  WEFT_ASSERT(parser.facts().framing == facts.framing);
  WEFT_ASSERT(parser.facts().content_length == facts.content_length || facts.framing != http::H1Framing::Length);
}

struct Outcome {
  std::string events;
  bool has_failed = false;
};

Outcome parse(std::string_view bytes, const http::H1Options& options, size_t step, bool checks) {
  base::BlockPool pool;
  http::CodecCounters counters;
  Outcome outcome;
  http::H1RequestParser parser(pool, options, false, counters);
  for (size_t from = 0; from < bytes.size() && !outcome.has_failed; from += step) {
    base::Slice in = base::Slice::copy_of(pool, bytes.substr(from, step));
    while (!in.is_empty() && !outcome.has_failed) {
      switch (parser.next(in)) {
        case http::H1Event::NeedMore: break;
        case http::H1Event::Head:
          for (const std::string& line : lines_of(parser.head())) outcome.events += line + "\n";
          check_values(parser.head());
          if (checks) check_round_trip(pool, parser.head(), parser.facts());
          break;
        case http::H1Event::Data: outcome.events += parser.take_data().view(); break;
        case http::H1Event::End:
          check_values(parser.trailers());
          for (const std::string& line : lines_of(parser.trailers())) outcome.events += "\ntrailer " + line;
          break;
        case http::H1Event::Failed: outcome.has_failed = true; break;
      }
      if (parser.is_complete()) {
        outcome.events += "\nend\n";
        parser.restart();
      }
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  http::H1Options options;
  options.accept_http_10 = (data[0] & 1) != 0;
  options.enable_trailers = (data[0] & 2) != 0;
  options.allow_chunked_length = (data[0] & 4) != 0;
  if ((data[0] & 8) != 0) options.underscores = http::H1Options::Underscores::Drop;
  if ((data[0] & 16) != 0) options.default_host_for_http_10 = "fallback";
  const size_t step = 1 + data[1] % 37;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = parse(bytes, options, bytes.size() + 1, true);
  const Outcome pieces = parse(bytes, options, step, false);
  // A cut line may be refused only once it is complete, never the other way round.
  WEFT_ASSERT(whole.events == pieces.events);
  WEFT_ASSERT(whole.has_failed || !pieces.has_failed);
  return 0;
}
