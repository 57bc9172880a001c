// Purpose: x-forwarded-client-cert: dropped, passed on, or made from the peer's certificate, as the connection manager
// says. Thread:  any (pure). Source:  Envoy's ConnectionManagerUtility::mutateXfccRequestHeader; its
// "x-forwarded-client-cert" documentation.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "net/tls_session.h"
#include "proxy/listener_config.h"

namespace weft::proxy {

/// `tls` null: plaintext. Without a peer certificate every mode but AlwaysForwardOnly removes the header.
void set_forwarded_client_cert(http::RequestHead& head, const HcmConfig& config, const net::TlsInfo* tls);

/// The element that describes this connection ("By=…;Hash=…;Subject=\"…\"").
std::string client_cert_element(const HcmConfig& config, const net::TlsInfo& tls);

/// PEM with line ends, spaces, '+', '/' and '=' percent-encoded.
std::string url_encode_pem(std::string_view pem);

}  // namespace weft::proxy
