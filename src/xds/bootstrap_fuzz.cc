// Any text as a bootstrap, YAML or JSON: it loads or has faults, and faults have messages. Nothing asserts, overflows
// the stack or takes memory beyond its limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "xds/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // What files and the environment hold is no part of the input.
  if (text.find("ilename") != std::string_view::npos || text.find("nvironment") != std::string_view::npos) return 0;
  for (const char* name : {"fuzz.yaml", "fuzz.json"}) {
    const weft::xds::Loaded loaded = weft::xds::load_bootstrap_text(text, name);
    if (loaded.faults.is_empty() != (loaded.snapshot != nullptr)) std::abort();
    for (const weft::xds::Fault& fault : loaded.faults.list()) {
      if (fault.message.empty() || fault.file != name) std::abort();
    }
  }
  return 0;
}
