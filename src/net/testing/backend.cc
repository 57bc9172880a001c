#include "net/testing/backend.h"

#include "net/backends.h"

namespace weft::net::testing {
namespace {

class EpollBackend final : public BackendLoop {
 public:
  Loop& loop() override { return *loop_; }

 private:
  std::unique_ptr<Loop> loop_ = std::move(*make_epoll_loop(1));
};

}  // namespace

std::vector<Backend> all_backends() { return {Backend::Epoll}; }

std::string name_of(Backend) { return "epoll"; }

std::unique_ptr<BackendLoop> make_backend(Backend) { return std::make_unique<EpollBackend>(); }

std::unique_ptr<BackendLoop> make_sibling(BackendLoop&) { return std::make_unique<EpollBackend>(); }

}  // namespace weft::net::testing
