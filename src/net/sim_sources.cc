#include "net/sim_sources.h"

#include <algorithm>

#include "base/limits.h"
#include "net/sim_world.h"

namespace weft::net {

// ---- streams ----

void SimStream::start_connecting(const Address& to, const ConnectOptions& options) {
  is_connecting_ = true;
  number_ = loop_.world().network().connect(*this, loop_.host(), to, options.bind_to);
}

void SimStream::start_adopted(uint64_t number) {
  number_ = number;
  side_ = SimSide::Server;
  SimConnection* c = connection();
  WEFT_ASSERT(c != nullptr && c->end(side_).stream == nullptr);
  c->end(side_).stream = this;
  loop_.make_ready(*this);
}

SimConnection* SimStream::connection() const { return loop_.world().network().find(number_); }

Address SimStream::local_address() const {
  SimConnection* c = connection();
  return c != nullptr ? c->end(side_).address : Address();
}

void SimStream::on_network() {
  if (is_over()) return;
  loop_.make_ready(*this);
  if (!is_connecting_ && (!output_.is_empty() || wants_fin_)) loop_.flush_later(*this);
}

void SimStream::start_reading() {
  if (wants_data_) return;
  wants_data_ = true;
  if (!is_over()) loop_.make_ready(*this);
}

void SimStream::write(base::Chain chain) {
  if (is_over() || wants_fin_) return;
  output_.append(std::move(chain));
  if (!is_connecting_) loop_.flush_later(*this);
}

void SimStream::shutdown_write() {
  if (wants_fin_) return;
  wants_fin_ = true;
  if (!is_connecting_ && !is_over()) loop_.flush_later(*this);
}

void SimStream::process() {
  if (is_over()) return;
  SimConnection& c = *connection();
  SimEndpoint& end = c.end(side_);
  if (is_connecting_) {
    if (end.has_error && !end.is_connected) return fail(end.error);
    if (!end.is_connected) return;
    is_connecting_ = false;
    if (!output_.is_empty() || wants_fin_) loop_.flush_later(*this);
    loop_.world().note("connected", number_);
    handler_->on_connected();
    if (is_over()) return;
  }
  if (wants_data_ && !has_ended_) read(c);
  if (is_over() || !end.has_error) return;
  // As on a real socket: data that arrived before the error comes first; while nothing reads it hides the error,
  // until a write meets it.
  const bool has_unread = c.from(other(side_)).unread() > 0 && !has_ended_;
  if (has_unread && (wants_data_ || !has_write_failed_)) return;
  fail(end.error);
}

size_t SimStream::pick_read_size(size_t available) {
  base::Random& random = loop_.world().random();
  const SimConnection& c = *connection();
  const auto me = static_cast<size_t>(side_);
  const LinkOptions& options = loop_.world().network().link(c.ends[1 - me].host, c.ends[me].host);
  if (options.tear <= 0 || random.unit() >= options.tear) return available;
  return 1 + random.below(std::min<uint64_t>(available, uint64_t{1} << random.below(13)));
}

void SimStream::read(SimConnection& c) {
  SimNetwork& network = loop_.world().network();
  SimPipe& pipe = c.from(other(side_));
  size_t budget = base::kReadBytesPerTurnMax;
  while (wants_data_ && pipe.unread() > 0) {
    const size_t available = std::min({pipe.unread(), budget, size_t{base::BlockPool::kLargeBytes}});
    if (available == 0) return loop_.make_ready(*this);
    const size_t wanted = pick_read_size(available);
    const std::string bytes = network.read(c, side_, wanted);
    budget -= bytes.size();
    base::Block* block = loop_.blocks().allocate(base::BlockPool::kLargeBytes);
    std::copy(bytes.begin(), bytes.end(), block->data());
    loop_.world().note(side_ == SimSide::Client ? "data to client" : "data to server", number_, bytes);
    handler_->on_data(base::Slice::adopt(block, 0, bytes.size()));
    if (is_over()) return;
    // A torn read often ends the turn: the rest comes as if it had arrived later.
    if (wanted < available && loop_.world().random().below(2) == 0) return loop_.make_ready(*this);
  }
  if (!wants_data_ || !pipe.has_fin || has_ended_) return;
  has_ended_ = true;
  loop_.world().note(side_ == SimSide::Client ? "end to client" : "end to server", number_);
  handler_->on_end();
}

void SimStream::flush() {
  if (is_over() || is_connecting_) return;
  SimConnection& c = *connection();
  SimNetwork& network = loop_.world().network();
  if (c.end(side_).has_error) {
    has_write_failed_ = true;
    output_.clear();
    return loop_.make_ready(*this);
  }
  const size_t sent = std::min(output_.size(), network.room(c, side_));
  if (sent > 0) {
    const base::Chain leaving = output_.split_front(sent);
    network.send(c, side_, leaving.to_string());
  }
  if (!output_.is_empty()) {
    c.from(side_).wants_room = true;
  } else if (wants_fin_ && !has_sent_fin_) {
    has_sent_fin_ = true;
    network.send_fin(c, side_);
  }
  if (sent > 0) handler_->on_write_done(sent);
}

void SimStream::fail(const base::Error& error) {
  is_dead_ = true;
  output_.clear();
  loop_.world().note("error", number_, error.message);
  const base::Error why = error;
  handler_->on_error(why);
}

void SimStream::close(bool reset) {
  is_closed_ = true;
  output_.clear();
  if (SimConnection* c = connection()) loop_.world().network().close(*c, side_, reset);
}

// ---- listeners ----

SimAcceptor::SimAcceptor(SimLoop& loop, uint64_t listener, AcceptHandler& handler)
    : SimSource(Kind::Acceptor),
      loop_(loop),
      listener_(listener),
      handler_(&handler),
      retry_(Timer::Callback::bind<&SimAcceptor::on_connection>(*this)) {}

void SimAcceptor::start() {
  SimListener* listener = loop_.world().network().find_listener(listener_);
  WEFT_ASSERT(listener != nullptr);
  listener->acceptors.push_back(this);
  loop_.make_ready(*this);
}

bool SimAcceptor::accept_one() {
  SimNetwork& network = loop_.world().network();
  SimListener* listener = network.find_listener(listener_);
  if (listener == nullptr || listener->backlog.empty()) return false;
  if (!network.has_descriptor(loop_.host())) {
    loop_.arm(retry_, base::milliseconds(100));
    const std::string text = "cannot accept on " + listener->address.to_string() + ": Too many open files";
    handler_->on_accept_error(base::Error(base::ErrorCode::Io, text));
    return false;
  }
  const uint64_t number = network.accept(*listener);
  SimConnection& c = *network.find(number);
  loop_.world().note("accept", number);
  handler_->on_accept(
      AcceptedSocket(static_cast<int64_t>(number), c.end(SimSide::Client).address, c.end(SimSide::Server).address));
  return true;
}

void SimAcceptor::process() {
  const int accepts_max = std::min(kAcceptsPerTurnMax, handler_->accepts_per_event_max());
  int count = 0;
  bool may_be_more = true;
  while (count < accepts_max && !is_closed_ && !retry_.is_armed() && (may_be_more = accept_one())) ++count;
  if (is_closed_) return;
  handler_->on_accept_event(count);
  if (may_be_more && !is_closed_ && !retry_.is_armed()) loop_.make_ready(*this);
}

void SimAcceptor::drain() {
  while (!is_closed_ && accept_one()) {}
}

void SimAcceptor::close(bool) {
  is_closed_ = true;
  retry_.cancel();
  loop_.world().network().remove_acceptor(listener_, *this);
}

// ---- datagrams and signals ----

base::Status SimDatagram::bind(const Address& at) {
  base::Result<Address> bound = loop_.world().network().bind_datagram(loop_.host(), at, *this);
  if (!bound) return bound.error();
  address_ = *bound;
  return {};
}

void SimDatagram::arrive(std::string bytes, const Address& from) {
  received_.push_back({std::move(bytes), from});
  loop_.make_ready(*this);
}

void SimDatagram::send(base::Slice data, const Address& to) {
  loop_.world().network().send_datagram(loop_.host(), address_, std::string(data.view()), to);
}

void SimDatagram::process() {
  std::vector<Datagram> batch;
  batch.swap(received_);
  for (const Datagram& datagram : batch) {
    if (is_closed_) return;
    loop_.world().note("datagram", address_.port(), datagram.bytes);
    handler_->on_datagram(base::Slice::copy_of(loop_.blocks(), datagram.bytes), datagram.from);
  }
}

void SimDatagram::close(bool) {
  is_closed_ = true;
  loop_.world().network().unbind_datagram(address_);
}

void SimSignal::raise() {
  ++raised_;
  loop_.make_ready(*this);
}

void SimSignal::process() {
  for (; raised_ > 0 && !is_closed_; --raised_) {
    loop_.world().note("signal", static_cast<uint64_t>(signal_));
    handler_->on_signal(signal_);
  }
}

}  // namespace weft::net
