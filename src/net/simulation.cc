#include "net/simulation.h"

#include "net/sim_world.h"

namespace weft::net {

Simulation::Simulation(uint64_t seed, base::WallTime start) : world_(std::make_unique<SimWorld>(seed, start)) {}
Simulation::~Simulation() = default;

Loop& Simulation::add_loop(std::string name, std::string host) {
  return world_->add_loop(std::move(name), std::move(host));
}

// ---- time ----

base::MonoTime Simulation::now() const { return world_->now(); }

bool Simulation::run_until(const std::function<bool()>& done, base::Duration limit) {
  const base::MonoTime end = world_->now() + limit;
  while (!done()) {
    if (!world_->step(end)) {
      world_->move_to(end);
      return done();
    }
  }
  return true;
}

void Simulation::run_for(base::Duration duration) {
  const base::MonoTime end = world_->now() + duration;
  while (world_->step(end)) {}
  world_->move_to(end);
}

bool Simulation::run_until_idle(base::Duration limit) {
  const base::MonoTime end = world_->now() + limit;
  while (world_->is_busy()) {
    if (!world_->step(end)) return false;
  }
  return true;
}

// ---- the network ----

void Simulation::set_default_link(const LinkOptions& options) { world_->network().set_default_link(options); }

void Simulation::set_link(std::string_view from, std::string_view to, const LinkOptions& options) {
  world_->network().set_link(from, to, options);
}

void Simulation::partition(std::string_view a, std::string_view b) {
  cut(a, b);
  cut(b, a);
}

void Simulation::cut(std::string_view from, std::string_view to) { world_->network().cut(from, to); }

void Simulation::heal(std::string_view a, std::string_view b) {
  world_->network().heal(a, b);
  world_->network().heal(b, a);
}

void Simulation::heal_all() { world_->network().heal_all(); }

void Simulation::reset_next_connection(const Address& to, Direction direction, uint64_t byte) {
  const SimSide sender = direction == Direction::ToServer ? SimSide::Client : SimSide::Server;
  world_->network().reset_next_connection(to, sender, byte);
}

void Simulation::reset_connections(std::string_view a, std::string_view b) {
  world_->network().reset_connections(a, b);
}

// ---- hosts ----

void Simulation::limit_ports(std::string_view host, size_t count) { world_->network().limit_ports(host, count); }

void Simulation::limit_descriptors(std::string_view host, size_t count) {
  world_->network().limit_descriptors(host, count);
}

void Simulation::freeze(Loop& loop) { static_cast<SimLoop&>(loop).set_frozen(true); }
void Simulation::thaw(Loop& loop) { static_cast<SimLoop&>(loop).set_frozen(false); }

void Simulation::raise_signal(Loop& loop, int signal) { static_cast<SimLoop&>(loop).raise_signal(signal); }

// ---- determinism ----

uint64_t Simulation::trace_hash() const { return world_->trace_hash(); }
void Simulation::record_trace() { world_->record_trace(); }
const std::vector<std::string>& Simulation::trace() const { return world_->trace(); }
base::Random& Simulation::random() { return world_->random(); }
size_t Simulation::open_connections() const { return world_->network().open_connections(); }

size_t Simulation::open_descriptors(std::string_view host) const { return world_->network().open_descriptors(host); }
size_t Simulation::used_ports(std::string_view host) const { return world_->network().used_ports(host); }

Holdings Simulation::holdings(const Loop& loop) const { return static_cast<const SimLoop&>(loop).holdings(); }

}  // namespace weft::net
