// Purpose: enforces the `validate.rules` that the .proto files carry, for any message, by reflection: what Envoy's
//          generated validators check, with every fault told, into the payloads of Any.
// Thread:  any.
// Source:  protoc-gen-validate's rules (validate/validate.proto).
#pragma once

#include "xds/fault.h"

namespace google::protobuf {
class Message;
}

namespace weft::xds {

/// Adds a fault for every rule broken at or below `message`, whose place is `place`.
void validate_rules(const google::protobuf::Message& message, const Place& place, Faults& faults);

}  // namespace weft::xds
