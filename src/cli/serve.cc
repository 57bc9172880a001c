#include "cli/serve.h"

#include "base/log.h"

namespace weft::cli {

int serve(const ProxyOptions&, std::shared_ptr<const proxy::Snapshot> snapshot, std::shared_ptr<const google::protobuf::Message>) {
  base::log(base::LogLevel::Error, "this build cannot serve its {} listeners yet; --mode validate works", snapshot->listeners.size());
  return 1;
}

}  // namespace weft::cli
