// Purpose: the access-log filter that decides by a request header, with the proxy's own matcher.
// Thread:  immutable; asked on any worker.
// Source:  envoy/config/accesslog/v3/accesslog.proto (HeaderFilter).
#pragma once

#include "observe/access_log_filter.h"
#include "proxy/matchers.h"

namespace weft::proxy {

/// header_filter: requests whose headers match.
observe::AccessLogFilterPointer header_log_filter(HeaderMatcher matcher);

}  // namespace weft::proxy
