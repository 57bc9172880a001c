#include "net/testing/backend.h"

#include "net/backends.h"
#include "net/simulation.h"

namespace weft::net::testing {
namespace {

class EpollBackend final : public BackendLoop {
 public:
  Loop& loop() override { return *loop_; }
  std::unique_ptr<BackendLoop> make_sibling() override { return std::make_unique<EpollBackend>(); }

 private:
  std::unique_ptr<Loop> loop_ = std::move(*make_epoll_loop(1));
};

class SimulationBackend final : public BackendLoop {
 public:
  SimulationBackend() : world_(std::make_shared<Simulation>(1)), loop_(world_->add_loop("host")) {}
  explicit SimulationBackend(std::shared_ptr<Simulation> world)
      : world_(std::move(world)), loop_(world_->add_loop("sibling", "host")) {}
  Loop& loop() override { return loop_; }
  std::unique_ptr<BackendLoop> make_sibling() override { return std::make_unique<SimulationBackend>(world_); }

 private:
  std::shared_ptr<Simulation> world_;
  Loop& loop_;
};

}  // namespace

std::vector<Backend> all_backends() { return {Backend::Epoll, Backend::Simulation}; }

std::string name_of(Backend backend) { return backend == Backend::Epoll ? "epoll" : "simulation"; }

std::unique_ptr<BackendLoop> make_backend(Backend backend) {
  if (backend == Backend::Epoll) return std::make_unique<EpollBackend>();
  return std::make_unique<SimulationBackend>();
}

}  // namespace weft::net::testing
