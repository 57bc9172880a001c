// Any bytes as an AsyncAPI document: refused, or a board that parses without a fault of syntax.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "storm/document.h"
#include "storm/import_asyncapi.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  const storm::AsyncapiFile files[] = {{"fuzz", std::string(reinterpret_cast<const char*>(data), size)}};
  const base::Result<storm::Imported> imported = storm::import_asyncapi(files);
  if (!imported) return 0;
  const base::Result<storm::Document> document = storm::parse(imported->board, "board");
  WEFT_ASSERT(document);
  WEFT_ASSERT(std::ranges::none_of(document->faults, [](const storm::Finding& fault) { return fault.rule == "SYN"; }));
  return 0;
}
