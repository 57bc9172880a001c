#include "net/epoll_loop.h"

#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "net/backends.h"
#include "net/epoll_sources.h"
#include "net/epoll_stream.h"

namespace weft::net {
namespace {

constexpr uint64_t kWakeMark = UINT64_MAX;  // no handle: index UINT32_MAX is never given out

uint64_t pack(Handle handle) { return (uint64_t{handle.generation} << 32) | handle.index; }
Handle unpack(uint64_t mark) { return {static_cast<uint32_t>(mark), static_cast<uint32_t>(mark >> 32)}; }

}  // namespace

base::Result<std::unique_ptr<Loop>> make_epoll_loop(uint64_t seed) {
  FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return io_error("cannot make an epoll descriptor", errno);
  auto loop = std::make_unique<EpollLoop>(seed, std::move(epoll));
  return std::unique_ptr<Loop>(std::move(loop));
}

EpollLoop::EpollLoop(uint64_t seed, FileDescriptor epoll) : Loop(seed), epoll_(std::move(epoll)) {
  WEFT_ASSERT(mailbox_.wake_fd() >= 0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeMark;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, mailbox_.wake_fd(), &event);
  refresh_clock();
  wheel_.advance(now_);
}

// What tasks and dead objects own may still close its sockets here.
EpollLoop::~EpollLoop() {
  blocking_.finish();
  mailbox_.take();
  bury();
}

void EpollLoop::refresh_clock() {
  now_ = base::MonoTime(std::chrono::steady_clock::now().time_since_epoch());
  if (now_ - wall_from_ < base::seconds(1)) return;
  wall_at_ = std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now());
  wall_from_ = now_;
}

base::WallTime EpollLoop::wall_now() const { return wall_at_ + (now_ - wall_from_); }

// ---- the turn ----

void EpollLoop::run() {
  do {
    turn();
  } while (!is_stopping_.load(std::memory_order_acquire));
  is_stopping_.store(false, std::memory_order_relaxed);
}

void EpollLoop::stop() {
  is_stopping_.store(true, std::memory_order_release);
  mailbox_.wake();
}

void EpollLoop::turn() {
  epoll_event events[kEventsMax];
  const int count = wait(events);
  refresh_clock();
  run_ready();
  for (int i = 0; i < count; ++i) {
    const uint64_t mark = events[i].data.u64;
    if (mark == kWakeMark) continue;
    EpollSource* source = sources_.find(unpack(mark));
    if (source != nullptr) source->on_events(events[i].events);
  }
  run_posts();
  wheel_.advance(now_);
  // Deferred calls may defer others; a few rounds let what belongs together leave in one system call.
  for (int round = 0; round == 0 || (round < kDeferredRoundsMax && has_deferred()); ++round) finish_turn();
  flush();
  closed_.clear();
}

bool EpollLoop::has_work() {
  return has_deferred() || !ready_.is_empty() || !flush_.is_empty() || is_stopping_.load(std::memory_order_acquire);
}

int EpollLoop::wait(epoll_event* events) {
  int timeout_ms = 0;
  if (!has_work() && mailbox_.prepare_to_sleep()) {
    const base::Duration idle = wheel_.until_next(now_);
    constexpr base::Duration kWaitMax = std::chrono::hours(1);
    // Rounded up: waking before the timer's tick would only mean waiting again.
    timeout_ms = idle == base::Duration::max()
                     ? -1
                     : static_cast<int>(base::to_milliseconds(std::min(idle, kWaitMax) + base::Duration(999'999)));
  }
  const int count = epoll_wait(epoll_.get(), events, kEventsMax, timeout_ms);
  mailbox_.woke_up();
  return count;
}

void EpollLoop::run_posts() {
  for (base::Task& task : mailbox_.take()) {
    task();
    task = base::Task();
  }
}

void EpollLoop::run_ready() {
  base::IntrusiveList<EpollStream, ReadyTag> batch;
  batch.take_all(ready_);
  while (EpollStream* stream = batch.pop_front()) stream->process();
}

void EpollLoop::flush() {
  base::IntrusiveList<EpollStream, FlushTag> batch;
  batch.take_all(flush_);
  while (EpollStream* stream = batch.pop_front()) stream->flush();
}

// ---- for the sources ----

int EpollLoop::add(int fd, uint32_t events, Handle handle) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = pack(handle);
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void EpollLoop::change(int fd, uint32_t events, Handle handle) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = pack(handle);
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EpollLoop::remove(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EpollLoop::make_ready(EpollStream& stream) {
  if (!stream.base::ListNode<ReadyTag>::is_linked()) ready_.push_back(stream);
}

void EpollLoop::flush_later(EpollStream& stream) {
  if (!stream.base::ListNode<FlushTag>::is_linked()) flush_.push_back(stream);
}

// ---- handles ----

template <typename T>
T* EpollLoop::find(Handle handle, EpollSource::Kind kind) const {
  EpollSource* source = sources_.find(handle);
  return source != nullptr && source->kind() == kind ? static_cast<T*>(source) : nullptr;
}

EpollStream* EpollLoop::stream(Handle handle) const { return find<EpollStream>(handle, EpollSource::Kind::Stream); }

Handle EpollLoop::insert(std::unique_ptr<EpollSource> source) {
  EpollSource& inserted = *source;
  const Handle handle = sources_.insert(std::move(source));
  inserted.set_handle(handle);
  return handle;
}

void EpollLoop::close(Handle handle, bool reset) {
  std::unique_ptr<EpollSource> source = sources_.remove(handle);
  if (source == nullptr) return;
  source->close(reset);
  closed_.push_back(std::move(source));
}

// ---- streams ----

Handle EpollLoop::connect(const Address& to, const ConnectOptions& options, SocketHandler& handler) {
  auto owned = std::make_unique<EpollStream>(*this, FileDescriptor(), handler);
  EpollStream& stream = *owned;
  const Handle handle = insert(std::move(owned));
  stream.start_connecting(to, options);
  return handle;
}

Handle EpollLoop::adopt(AcceptedSocket socket, SocketHandler& handler) {
  auto owned = std::make_unique<EpollStream>(*this, FileDescriptor(static_cast<int>(socket.take())), handler);
  EpollStream& stream = *owned;
  const Handle handle = insert(std::move(owned));
  stream.start_adopted();
  return handle;
}

void EpollLoop::set_handler(Handle handle, SocketHandler& handler) {
  if (EpollStream* s = stream(handle)) s->set_handler(handler);
}

void EpollLoop::start_reading(Handle handle) {
  if (EpollStream* s = stream(handle)) s->start_reading();
}

void EpollLoop::pause_reading(Handle handle) {
  if (EpollStream* s = stream(handle)) s->pause_reading();
}

void EpollLoop::write(Handle handle, base::Chain chain) {
  if (EpollStream* s = stream(handle)) s->write(std::move(chain));
}

void EpollLoop::shutdown_write(Handle handle) {
  if (EpollStream* s = stream(handle)) s->shutdown_write();
}

size_t EpollLoop::pending_bytes(Handle handle) const {
  const EpollStream* s = stream(handle);
  return s != nullptr ? s->pending_bytes() : 0;
}

Address EpollLoop::local_address(Handle handle) const {
  if (const EpollStream* s = stream(handle)) return local_address_of(s->fd());
  const auto* datagram = find<EpollDatagram>(handle, EpollSource::Kind::Datagram);
  return datagram != nullptr ? local_address_of(datagram->fd()) : Address();
}

base::Status EpollLoop::send_descriptor(Handle handle, int fd) {
  EpollStream* s = stream(handle);
  if (s == nullptr) return base::Error(base::ErrorCode::InvalidArgument, "no such socket");
  if (s->pending_bytes() > 0) return base::Error(base::ErrorCode::Unavailable, "bytes are still queued");
  const int error = send_descriptor_posix(s->fd(), fd);
  if (error == EAGAIN) return base::Error(base::ErrorCode::Unavailable, "the socket is full");
  if (error != 0) return io_error("cannot send a descriptor", error);
  return {};
}

// ---- listening ----

base::Result<std::unique_ptr<ListenSocket>> EpollLoop::listen(const Address& at, const ListenOptions& options) {
  return listen_posix(at, options);
}

Handle EpollLoop::start_accepting(ListenSocket& socket, AcceptHandler& handler) {
  auto owned = std::make_unique<EpollAcceptor>(*this, socket, handler);
  EpollAcceptor& acceptor = *owned;
  const Handle handle = insert(std::move(owned));
  acceptor.start();
  return handle;
}

void EpollLoop::finish_accepting(Handle handle) {
  auto* acceptor = find<EpollAcceptor>(handle, EpollSource::Kind::Acceptor);
  if (acceptor == nullptr) return;
  acceptor->drain();
  close(handle, false);
}

void EpollLoop::discard(AcceptedSocket socket) { FileDescriptor(static_cast<int>(socket.take())).reset(); }

// ---- datagrams, watches, signals ----

base::Result<Handle> EpollLoop::open_datagram(const Address& bind_to, DatagramHandler& handler) {
  FileDescriptor fd = open_socket(bind_to.family(), SOCK_DGRAM);
  if (!fd.is_open()) return io_error("cannot open a datagram socket", errno);
  sockaddr_storage storage;
  const socklen_t length = bind_to.to_sockaddr(&storage);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) {
    return io_error("cannot bind " + bind_to.to_string(), errno);
  }
  const int raw = fd.get();
  const Handle handle = insert(std::make_unique<EpollDatagram>(*this, std::move(fd), handler));
  if (const int error = add(raw, EPOLLIN, handle); error != 0) {
    close(handle, false);
    return io_error("cannot wait for datagrams", error);
  }
  return handle;
}

void EpollLoop::send_datagram(Handle handle, base::Slice data, const Address& to) {
  auto* datagram = find<EpollDatagram>(handle, EpollSource::Kind::Datagram);
  if (datagram != nullptr) datagram->send(std::move(data), to);
}

base::Result<Handle> EpollLoop::watch(int fd, bool readable, bool writable, WatchHandler& handler) {
  const Handle handle = insert(std::make_unique<EpollWatch>(*this, fd, handler));
  const int error = add(fd, EpollWatch::interest(readable, writable), handle);
  if (error == 0) return handle;
  sources_.remove(handle);
  return io_error("cannot watch a descriptor", error);
}

void EpollLoop::rewatch(Handle handle, bool readable, bool writable) {
  const auto* watch = find<EpollWatch>(handle, EpollSource::Kind::Watch);
  if (watch != nullptr) change(watch->fd(), EpollWatch::interest(readable, writable), handle);
}

base::Result<Handle> EpollLoop::watch_signal(int signal, SignalHandler& handler) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  FileDescriptor fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.is_open()) return io_error("cannot watch a signal", errno);
  const int raw = fd.get();
  const Handle handle = insert(std::make_unique<EpollSignal>(std::move(fd), handler));
  if (const int error = add(raw, EPOLLIN, handle); error != 0) {
    close(handle, false);
    return io_error("cannot watch a signal", error);
  }
  return handle;
}

// ---- work ----

void EpollLoop::offload(base::Task work, base::Task done) {
  auto job = [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    post(std::move(done));
  };
  blocking_.run(base::Task(std::move(job)));
}

uint64_t system_seed() {
  uint64_t seed = 0;
  // Never short for 8 bytes, and never fails once the kernel's pool is ready (getrandom(2)).
  WEFT_ASSERT(getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

}  // namespace weft::net
