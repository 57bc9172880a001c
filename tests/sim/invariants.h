// Purpose: what must hold after every run of every scenario.
// Thread:  the test's.
#pragma once

#include <string>
#include <vector>

#include "sim/client.h"
#include "sim/proxy_process.h"
#include "sim/service.h"

namespace weft::sim {

/// A run that is over, with everything closed; `proxies` from the client's side on.
struct Evidence {
  std::vector<const Call*> calls;
  std::vector<ProxyProcess*> proxies;
  std::vector<const Service*> services;
  bool forgives_late_attempts = false;
};

// Each gives "" or says what does not hold.

/// Every call was told once what became of it, and in time; what it was answered is what a service answered to it or a
/// proxy did, as the log says.
std::string check_calls(const Evidence& evidence);
/// No request was lost, doubled or mixed up outside the retry rules, and no attempt outlived its deadline.
std::string check_services(const Evidence& evidence);
/// One line an exchange, none of which took longer than its deadline.
std::string check_log(const Evidence& evidence);
/// Counters balance, gauges are at rest, breakers empty.
std::string check_statistics(ProxyProcess& proxy);

}  // namespace weft::sim
