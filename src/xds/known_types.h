// Purpose: the message types that configuration may name by URL. Naming them here links their descriptors, which the
//          reader and translation find by reflection.
// Thread:  any.
#pragma once

#include <memory>

namespace google::protobuf {
class Message;
}

namespace weft::xds {

/// Links every known type; call before reading anything.
void link_known_types();

/// An empty envoy.config.bootstrap.v3.Bootstrap.
std::unique_ptr<google::protobuf::Message> new_bootstrap();

}  // namespace weft::xds
