// Purpose: shows what codecs count under Envoy's names: `http1.…` and `http2.…`, of a cluster `cluster.<name>.http2.…`.
// Thread:  the owning worker's.   Owner: a worker's listener (one a connection manager and version) or cluster.
#pragma once

#include <string>

#include "http/connection.h"
#include "observe/stats.h"

namespace weft::proxy {

class Worker;

/// Codecs bump plain integers, which only their worker may read; `publish` carries what changed to the statistics.
class CodecStats final : private http::CodecGauges {
 public:
  /// `scope`: that of the statistics without "http1." or "http2."; empty for the listeners', which Envoy keeps at the
  /// root. `manager`: the connection manager's, for what Envoy counts there; null for a cluster.
  CodecStats(Worker& worker, const observe::StatScope& scope, bool is_h2, observe::StatGroup* manager = nullptr);

  http::CodecCounters& counters() { return counters_; }
  /// After a stream or connection has ended. Costs one comparison while nothing has changed.
  void publish();

 private:
  // http::CodecGauges
  void on_streams_active(int64_t change) override;
  void on_pending_send_bytes(int64_t change) override;

  const bool is_h2_;
  observe::StatGroup& group_;
  observe::StatGroup* manager_;
  http::CodecCounters counters_, published_;
};

}  // namespace weft::proxy
