// Purpose: Envoy's bootstrap as Weft's typed model, with exactly Envoy's defaults, plus the checks between parts that
// no
//          single field shows (two listeners on one address, unknown clusters, duplicate domains, …).
// Thread:  any; blocking (certificates and bodies are read from files).
// Errors:  all collected in the Faults of the view's Tracker; the snapshot is of use only when there are none.
// Source:  envoy/config/bootstrap/v3/bootstrap.proto and below; Envoy 1.40's behaviour decides where it is silent.
#pragma once

#include <memory>

#include "proxy/snapshot.h"
#include "xds/tracker.h"

namespace weft::xds {

std::shared_ptr<const proxy::Snapshot> translate_bootstrap(const View& bootstrap);

}  // namespace weft::xds
