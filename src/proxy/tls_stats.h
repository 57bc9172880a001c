// Purpose: counts TLS events under "ssl." of a listener or cluster, by Envoy's names.
// Thread:  the worker that owns the group.   Owner: WorkerListener, WorkerCluster.
#pragma once

#include "net/tls_context.h"
#include "observe/stats.h"

namespace weft::proxy {

/// "ssl.handshake", "ssl.fail_verify_san" … in the order of net::TlsEvent.
extern const observe::StatTable kTlsStats;

class TlsStats final : public net::TlsObserver {
 public:
  /// `group`: of kTlsStats. Before anything is counted.
  void set_group(observe::StatGroup& group) { group_ = &group; }
  void on_tls_event(net::TlsEvent event) override;
  void on_tls_handshake(const net::TlsAgreement& agreement) override;

 private:
  observe::StatGroup* group_ = nullptr;
};

}  // namespace weft::proxy
