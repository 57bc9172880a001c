// Purpose: counts TLS events under "ssl." of a listener or cluster, by Envoy's names.
// Thread:  the worker that owns the group.   Owner: WorkerListener, WorkerCluster.
#pragma once

#include "net/tls_context.h"
#include "observe/stats.h"

namespace weft::proxy {

class TlsStats final : public net::TlsObserver {
 public:
  void set_group(observe::StatGroup& group) { group_ = &group; }
  void on_tls_event(net::TlsEvent event) override;
  void on_tls_handshake(std::string_view version, std::string_view cipher, std::string_view curve) override;

 private:
  observe::StatGroup* group_ = nullptr;
};

}  // namespace weft::proxy
