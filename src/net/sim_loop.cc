#include "net/sim_loop.h"

#include "net/sim_sources.h"
#include "net/sim_world.h"

namespace weft::net {
namespace {

class SimListenSocket final : public ListenSocket {
 public:
  SimListenSocket(SimWorld& world, const SimListener& listener)
      : world_(world), id_(listener.id), address_(listener.address) {}
  ~SimListenSocket() override { world_.network().close_listener(id_); }
  const Address& local_address() const override { return address_; }
  uint64_t id() const { return id_; }

 private:
  SimWorld& world_;
  uint64_t id_;
  Address address_;
};

base::Error only_real(const char* what) {
  return {base::ErrorCode::Unavailable, std::string(what) + " needs a real loop"};
}

}  // namespace

SimLoop::SimLoop(SimWorld& world, std::string name, std::string host, uint64_t seed)
    : Loop(seed), world_(world), name_(std::move(name)), host_(std::move(host)) {
  now_ = world_.now();
  wheel_.advance(now_);
}

SimLoop::~SimLoop() = default;

void SimLoop::end() {
  posts_.clear();
  bury();
}

base::WallTime SimLoop::wall_now() const { return world_.wall_now(); }

// ---- the turn ----

void SimLoop::schedule_turn() {
  if (is_turn_scheduled_ || is_frozen_) return;
  is_turn_scheduled_ = true;
  world_.after(world_.random_delay(kTurnDelayMax), [this] {
    is_turn_scheduled_ = false;
    turn();
  });
}

void SimLoop::turn() {
  constexpr int kDeferredRoundsMax = 3;
  if (is_frozen_) return;
  run_ready();
  run_posts();
  wheel_.advance(now_);
  for (int round = 0; round == 0 || (round < kDeferredRoundsMax && has_deferred()); ++round) finish_turn();
  run_flush();
  closed_.clear();
}

// In an order of the seed's choosing, as a kernel's ready list may be in any.
void SimLoop::run_ready() {
  std::vector<SimSource*> batch;
  while (SimSource* source = ready_.pop_front()) batch.push_back(source);
  for (size_t left = batch.size(); left > 0; --left) {
    std::swap(batch[world_.random().below(left)], batch[left - 1]);
    batch[left - 1]->process();
  }
}

void SimLoop::run_posts() {
  std::vector<base::Task> batch;
  batch.swap(posts_);
  for (base::Task& task : batch) {
    world_.note("post", 0);
    task();
    task = base::Task();
  }
}

void SimLoop::run_flush() {
  base::IntrusiveList<SimSource, SimFlushTag> batch;
  batch.take_all(flush_);
  while (SimSource* source = batch.pop_front()) source->flush();
}

base::MonoTime SimLoop::next_timer() const {
  const base::Duration wait = wheel_.until_next(now_);
  return is_frozen_ || wait == base::Duration::max() ? base::MonoTime::max() : now_ + wait;
}

void SimLoop::wake_if_needed() {
  if (has_work()) schedule_turn();
}

void SimLoop::set_frozen(bool frozen) {
  is_frozen_ = frozen;
  wake_if_needed();
}

void SimLoop::run() {
  do {
    if (!world_.step(base::MonoTime::max())) break;  // nothing can happen any more
  } while (!is_stopping_);
  is_stopping_ = false;
}

void SimLoop::make_ready(SimSource& source) {
  if (!source.base::ListNode<SimReadyTag>::is_linked()) ready_.push_back(source);
  schedule_turn();
}

void SimLoop::flush_later(SimSource& source) {
  if (!source.base::ListNode<SimFlushTag>::is_linked()) flush_.push_back(source);
  schedule_turn();
}

// ---- handles ----

template <typename T>
T* SimLoop::find(Handle handle, SimSource::Kind kind) const {
  SimSource* source = sources_.find(handle);
  return source != nullptr && source->kind() == kind ? static_cast<T*>(source) : nullptr;
}

SimStream* SimLoop::stream(Handle handle) const { return find<SimStream>(handle, SimSource::Kind::Stream); }

void SimLoop::close(Handle handle, bool reset) {
  std::unique_ptr<SimSource> source = sources_.remove(handle);
  if (source == nullptr) return;
  source->base::ListNode<SimReadyTag>::unlink();
  source->base::ListNode<SimFlushTag>::unlink();
  source->close(reset);
  closed_.push_back(std::move(source));
}

// ---- streams ----

Handle SimLoop::connect(const Address& to, const ConnectOptions& options, SocketHandler& handler) {
  auto owned = std::make_unique<SimStream>(*this, handler);
  SimStream& stream = *owned;
  const Handle handle = sources_.insert(std::move(owned));
  stream.start_connecting(to, options);
  return handle;
}

Handle SimLoop::adopt(AcceptedSocket socket, SocketHandler& handler) {
  auto owned = std::make_unique<SimStream>(*this, handler);
  SimStream& stream = *owned;
  const Handle handle = sources_.insert(std::move(owned));
  stream.start_adopted(static_cast<uint64_t>(socket.take()));
  return handle;
}

void SimLoop::set_handler(Handle handle, SocketHandler& handler) {
  if (SimStream* s = stream(handle)) s->set_handler(handler);
}

void SimLoop::start_reading(Handle handle) {
  if (SimStream* s = stream(handle)) s->start_reading();
}

void SimLoop::pause_reading(Handle handle) {
  if (SimStream* s = stream(handle)) s->pause_reading();
}

void SimLoop::write(Handle handle, base::Chain chain) {
  if (SimStream* s = stream(handle)) s->write(std::move(chain));
}

void SimLoop::shutdown_write(Handle handle) {
  if (SimStream* s = stream(handle)) s->shutdown_write();
}

size_t SimLoop::pending_bytes(Handle handle) const {
  const SimStream* s = stream(handle);
  return s != nullptr ? s->pending_bytes() : 0;
}

Address SimLoop::local_address(Handle handle) const {
  if (const SimStream* s = stream(handle)) return s->local_address();
  const auto* datagram = find<SimDatagram>(handle, SimSource::Kind::Datagram);
  return datagram != nullptr ? datagram->address() : Address();
}

base::Status SimLoop::send_descriptor(Handle, int) { return only_real("passing a descriptor"); }

// ---- listening ----

base::Result<std::unique_ptr<ListenSocket>> SimLoop::listen(const Address& at, const ListenOptions& options) {
  base::Result<SimListener*> listener = world_.network().listen(host_, at, options);
  if (!listener) return listener.error();
  return std::unique_ptr<ListenSocket>(std::make_unique<SimListenSocket>(world_, **listener));
}

Handle SimLoop::start_accepting(ListenSocket& socket, AcceptHandler& handler) {
  auto owned = std::make_unique<SimAcceptor>(*this, static_cast<SimListenSocket&>(socket).id(), handler);
  SimAcceptor& acceptor = *owned;
  const Handle handle = sources_.insert(std::move(owned));
  acceptor.start();
  return handle;
}

void SimLoop::finish_accepting(Handle handle) {
  auto* acceptor = find<SimAcceptor>(handle, SimSource::Kind::Acceptor);
  if (acceptor == nullptr) return;
  acceptor->drain();
  close(handle, false);
}

void SimLoop::discard(AcceptedSocket socket) {
  SimConnection* c = world_.network().find(static_cast<uint64_t>(socket.take()));
  if (c != nullptr) world_.network().close(*c, SimSide::Server, false);
}

// ---- datagrams, watches, signals ----

base::Result<Handle> SimLoop::open_datagram(const Address& bind_to, DatagramHandler& handler) {
  auto owned = std::make_unique<SimDatagram>(*this, handler);
  if (base::Status s = owned->bind(bind_to); !s) return s.error();
  return sources_.insert(std::move(owned));
}

void SimLoop::send_datagram(Handle handle, base::Slice data, const Address& to) {
  auto* datagram = find<SimDatagram>(handle, SimSource::Kind::Datagram);
  if (datagram != nullptr) datagram->send(std::move(data), to);
}

base::Result<Handle> SimLoop::watch(int, bool, bool, WatchHandler&) { return only_real("watching a descriptor"); }

base::Result<Handle> SimLoop::watch_signal(int signal, SignalHandler& handler) {
  return sources_.insert(std::make_unique<SimSignal>(*this, signal, handler));
}

void SimLoop::raise_signal(int signal) {
  sources_.for_each([signal](SimSource& source) {
    if (source.kind() != SimSource::Kind::Signal) return;
    auto& watched = static_cast<SimSignal&>(source);
    if (watched.signal() == signal) watched.raise();
  });
}

// ---- work ----

void SimLoop::post(base::Task task) {
  posts_.push_back(std::move(task));
  schedule_turn();
}

void SimLoop::offload(base::Task work, base::Task done) {
  offload_done_ = std::max(offload_done_, now_) + world_.random_delay(kOffloadDelayMax);
  world_.at(offload_done_, [this, work = std::move(work), done = std::move(done)]() mutable {
    world_.note("offload", 0);
    work();
    post(std::move(done));
  });
}

}  // namespace weft::net
