// Any bytes as a chunked body: cut anywhere they give the same data, and data written as chunks are read back.
#include <algorithm>
#include <string>

#include "http/h1_body.h"
#include "http/h1_serializer.h"

namespace {

using namespace weft;

struct Outcome {
  std::string data;
  size_t consumed = 0;
  http::H1BodyReader::Event last = http::H1BodyReader::Event::NeedMore;
  bool operator==(const Outcome&) const = default;
};

Outcome read(base::BlockPool& pool, std::string_view bytes, size_t step) {
  http::H1BodyReader reader;
  reader.start(http::H1Framing::Chunked, 0);
  Outcome outcome;
  for (size_t from = 0; from < bytes.size(); from += step) {
    base::Slice in = base::Slice::copy_of(pool, bytes.substr(from, step));
    const size_t fed = in.size();
    while (!in.is_empty()) {
      base::Slice out;
      outcome.last = reader.next(in, out);
      outcome.data += out.view();
      if (outcome.last == http::H1BodyReader::Event::Failed) return {outcome.data, 0, outcome.last};
      if (outcome.last == http::H1BodyReader::Event::Trailers) {
        outcome.consumed += fed - in.size();
        return outcome;
      }
    }
    outcome.consumed += fed;
  }
  outcome.last = http::H1BodyReader::Event::NeedMore;
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  base::BlockPool pool;
  const size_t step = 1 + data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  WEFT_ASSERT(read(pool, bytes, bytes.size()) == read(pool, bytes, step));

  base::Chain written;
  for (size_t from = 0; from < bytes.size(); from += step) {
    base::Chain piece;
    piece.append_copy(pool, bytes.substr(from, step));
    written.append(http::serialize_chunk(pool, std::move(piece)));
  }
  written.append(http::last_chunk());
  const Outcome back = read(pool, written.to_string(), step);
  WEFT_ASSERT(back.last == http::H1BodyReader::Event::Trailers && back.data == bytes);
  return 0;
}
