#include "xds/known_types.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>
#include <envoy/extensions/access_loggers/file/v3/file.pb.h>
#include <envoy/extensions/access_loggers/stream/v3/stream.pb.h>
#include <envoy/extensions/filters/http/fault/v3/fault.pb.h>
#include <envoy/extensions/filters/http/router/v3/router.pb.h>
#include <envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h>
#include <envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h>
#include <envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h>
#include <envoy/extensions/load_balancing_policies/random/v3/random.pb.h>
#include <envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h>
#include <envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h>
#include <envoy/extensions/request_id/uuid/v3/uuid.pb.h>
#include <envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h>
#include <envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h>
#include <envoy/extensions/transport_sockets/tls/v3/tls.pb.h>
#include <envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config.pb.h>
#include <envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h>

namespace weft::xds {

namespace {

template <typename... Types>
void link() {
  (static_cast<void>(Types::descriptor()), ...);
}

}  // namespace

void link_known_types() {
  namespace extensions = envoy::extensions;
  link<extensions::access_loggers::file::v3::FileAccessLog, extensions::access_loggers::stream::v3::StdoutAccessLog,
       extensions::filters::http::fault::v3::HTTPFault, extensions::filters::http::router::v3::Router,
       extensions::filters::listener::tls_inspector::v3::TlsInspector,
       extensions::filters::network::http_connection_manager::v3::HttpConnectionManager,
       extensions::load_balancing_policies::least_request::v3::LeastRequest,
       extensions::load_balancing_policies::random::v3::Random,
       extensions::load_balancing_policies::round_robin::v3::RoundRobin,
       extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig,
       extensions::request_id::uuid::v3::UuidRequestIdConfig,
       extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate,
       extensions::transport_sockets::raw_buffer::v3::RawBuffer,
       extensions::transport_sockets::tls::v3::UpstreamTlsContext,
       extensions::transport_sockets::tls::v3::SPIFFECertValidatorConfig,
       extensions::upstreams::http::v3::HttpProtocolOptions>();
}

std::unique_ptr<google::protobuf::Message> new_bootstrap() {
  return std::make_unique<envoy::config::bootstrap::v3::Bootstrap>();
}

}  // namespace weft::xds
