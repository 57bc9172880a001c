#include "admin/admin_connection.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace weft::admin {
namespace {

class HeaderView final : public observe::HeaderLookup {
 public:
  explicit HeaderView(const http::HeaderMap& headers) : headers_(headers) {}
  std::optional<std::string_view> find(std::string_view name) const override { return headers_.find(name); }
  size_t bytes() const override { return headers_.bytes(); }

 private:
  const http::HeaderMap& headers_;
};

std::string_view protocol_of(http::Version version) {
  return version == http::Version::Http10 ? "HTTP/1.0" : "HTTP/1.1";
}

}  // namespace

/// One request: collects a posted form, asks Pages when the request is whole, sends the answer when it comes.
class AdminExchange final : public net::Destroyable, public http::ServerStreamHandler {
 public:
  AdminExchange(AdminConnection& connection, http::ServerStream& stream)
      : connection_(connection),
        owner_(connection.owner_),
        stream_(stream),
        answer_(net::Deferred::Callback::bind<&AdminExchange::answer>(*this)),
        self_(std::make_shared<AdminExchange*>(this)),
        request_headers_(stream.request()) {
    info_.start = owner_.loop().wall_now();
    started_ = owner_.loop().now();
    info_.protocol = protocol_of(stream.request().version);
    info_.request_headers = &request_headers_;
    info_.downstream_remote_address = info_.downstream_direct_remote_address = connection.peer();
    info_.downstream_local_address = connection.local();
  }
  ~AdminExchange() override { *self_ = nullptr; }

  void on_request_end() { owner_.loop().defer(answer_); }

  void on_request_data(base::Slice data, bool end) override {
    info_.bytes_received += data.size();
    if (form_.size() + data.size() > base::kAdminFormBytesMax) is_form_too_large_ = true;
    else form_ += data.view();
    stream_.consume(data.size());
    if (end) on_request_end();
  }
  void on_request_trailers(http::HeaderMap) override { on_request_end(); }
  void on_response_writable() override {}
  void on_stream_closed(const http::StreamEnd&) override {
    info_.duration = owner_.loop().now() - started_;
    owner_.on_exchange_done(info_);
    connection_.forget(*this);
  }

 private:
  void answer() {
    if (is_form_too_large_) return send({.status = 413, .body = "form too large\n"});
    std::string target(stream_.request().path());
    bool is_form = stream_.request().get("content-type").starts_with("application/x-www-form-urlencoded");
    if (is_form && !form_.empty()) target += (target.find('?') == std::string::npos ? "?" : "&") + form_;
    // The answer may come from another thread, and after the stream's end.
    Respond respond = [&loop = owner_.loop(), self = self_](AdminResponse response) {
      auto shared = std::make_shared<AdminResponse>(std::move(response));
      loop.post([self, shared] {
        if (*self != nullptr) (*self)->send(std::move(*shared));
      });
    };
    owner_.pages().handle(AdminRequest::parse(stream_.request().method(), target), owner_.loop().wall_now(),
                          std::move(respond));
  }

  void send(AdminResponse response) {
    net::Loop& loop = owner_.loop();
    http::ResponseHead head(loop.blocks());
    head.status = response.status;
    head.add("content-type", response.content_type);
    head.add("cache-control", "no-cache, max-age=0");
    head.add("x-content-type-options", "nosniff");
    head.add("date", owner_.dates().format(loop.wall_now()));
    head.add("server", "envoy");
    head.add("content-length", std::to_string(response.body.size()));
    bool has_body = stream_.request().method() != "HEAD" && !response.body.empty();
    info_.response_code = response.status;
    info_.bytes_sent = has_body ? response.body.size() : 0;
    stream_.send_head(head, !has_body);
    if (has_body) {
      base::Chain body;
      body.append_copy(loop.blocks(), response.body);
      stream_.send_data(std::move(body), true);
    }
    if (response.afterwards) loop.post(std::move(response.afterwards));
  }

  AdminConnection& connection_;
  AdminConnectionOwner& owner_;
  http::ServerStream& stream_;
  net::Deferred answer_;
  std::shared_ptr<AdminExchange*> self_;  ///< null once this is gone
  HeaderView request_headers_;
  observe::RequestInfo info_;
  base::MonoTime started_;
  std::string form_;
  bool is_form_too_large_ = false;
};

AdminConnection::AdminConnection(AdminConnectionOwner& owner, net::AcceptedSocket socket)
    : owner_(owner), peer_(socket.peer().to_string()), local_(socket.local().to_string()) {
  timeouts_.request_headers = base::seconds(60);
  auto transport = std::make_unique<net::Connection>(owner.loop(), std::move(socket), nullptr,
                                                     static_cast<net::ConnectionHandler&>(*this));
  codec_ = http::make_h1_server(std::move(transport), options_, timeouts_, owner.codec_counters(), *this);
}

AdminConnection::~AdminConnection() = default;

http::ServerStreamHandler& AdminConnection::on_request(http::ServerStream& stream, bool end) {
  exchanges_.push_back(std::make_unique<AdminExchange>(*this, stream));
  if (end) exchanges_.back()->on_request_end();
  return *exchanges_.back();
}

void AdminConnection::on_request_refused(const http::RequestHead& head, const http::Refusal& answer,
                                         const http::StreamEnd& end) {
  HeaderView headers(head);
  observe::RequestInfo info;
  info.start = owner_.loop().wall_now();
  info.duration = base::Duration(0);
  info.request_headers = &headers;
  info.response_code = answer.head.status;
  info.response_code_details = end.detail;
  info.flags = observe::kDownstreamProtocolError;
  info.downstream_remote_address = info.downstream_direct_remote_address = peer_;
  info.downstream_local_address = local_;
  owner_.on_exchange_done(info);
}

void AdminConnection::on_connection_closed(const http::StreamEnd&) { owner_.on_closed(*this); }

void AdminConnection::forget(AdminExchange& exchange) {
  auto found = std::find_if(exchanges_.begin(), exchanges_.end(),
                            [&](const auto& candidate) { return candidate.get() == &exchange; });
  owner_.loop().destroy_later(std::move(*found));
  exchanges_.erase(found);
}

}  // namespace weft::admin
