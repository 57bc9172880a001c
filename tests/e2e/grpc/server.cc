#include "peer.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <thread>

#include "echo.grpc.pb.h"

namespace peer {
namespace {

using grpc::ServerContext;
using grpc::Status;
using weft::test::EchoReply;
using weft::test::EchoRequest;

class EchoService final : public weft::test::Echo::Service {
 public:
  explicit EchoService(std::string instance) : instance_(std::move(instance)) {}

  Status Unary(ServerContext* context, const EchoRequest* request, EchoReply* reply) override {
    // Without initial metadata a failing call is answered with trailers only.
    const Call call(*this, *context, /*has_initial_metadata=*/request->fail_code() == 0);
    *reply = reply_to(*context, *request, 0);
    return finish(*context, *request);
  }

  Status ClientStream(ServerContext* context, grpc::ServerReader<EchoRequest>* reader, EchoReply* reply) override {
    const Call call(*this, *context);
    EchoRequest request;
    std::string all;
    int count = 0;
    for (; reader->Read(&request); ++count) all += request.text();
    request.set_text(all);
    *reply = reply_to(*context, request, count);
    return finish(*context, request);
  }

  Status ServerStream(ServerContext* context, const EchoRequest* request,
                      grpc::ServerWriter<EchoReply>* writer) override {
    const Call call(*this, *context);
    for (int i = 0; i < request->count() && !context->IsCancelled(); ++i) {
      wait(*context, request->delay_ms());
      if (!writer->Write(reply_to(*context, *request, i))) break;
    }
    return finish(*context, *request, /*is_delayed=*/false);
  }

  Status Bidi(ServerContext* context, grpc::ServerReaderWriter<EchoReply, EchoRequest>* stream) override {
    const Call call(*this, *context);
    EchoRequest request;
    for (int i = 0; stream->Read(&request); ++i) {
      wait(*context, request.delay_ms());
      if (!stream->Write(reply_to(*context, request, i))) break;
    }
    return finish(*context, request, /*is_delayed=*/false);
  }

  Status Seen(ServerContext*, const weft::test::SeenRequest*, weft::test::SeenReply* reply) override {
    reply->set_calls(calls_);
    reply->set_cancelled(cancelled_);
    return Status::OK;
  }

 private:
  /// Counts a call, and at its end whether it was cancelled.
  struct Call {
    Call(EchoService& owner, ServerContext& context, bool has_initial_metadata = true)
        : owner(owner), context(context) {
      ++owner.calls_;
      if (has_initial_metadata) context.AddInitialMetadata("x-instance", owner.instance_);
      context.AddTrailingMetadata("x-trailer", "yes");
    }
    ~Call() {
      if (context.IsCancelled()) ++owner.cancelled_;
    }
    EchoService& owner;
    ServerContext& context;
  };

  EchoReply reply_to(const ServerContext& context, const EchoRequest& request, int index) const {
    EchoReply reply;
    reply.set_text(request.text());
    reply.set_index(index);
    reply.set_instance(instance_);
    const auto left = context.deadline() - std::chrono::system_clock::now();
    const bool has_deadline = context.deadline() != std::chrono::system_clock::time_point::max();
    reply.set_deadline_ms(has_deadline ? std::chrono::duration_cast<std::chrono::milliseconds>(left).count() : -1);
    return reply;
  }

  Status finish(const ServerContext& context, const EchoRequest& request, bool is_delayed = true) {
    if (is_delayed) wait(context, request.delay_ms());
    if (request.fail_code() == 0 || !is_to_fail(request)) return Status::OK;
    return Status(static_cast<grpc::StatusCode>(request.fail_code()), "as asked");
  }

  bool is_to_fail(const EchoRequest& request) {
    if (request.fail_first() == 0) return true;
    const std::lock_guard<std::mutex> hold(lock_);
    return ++tries_[request.text()] <= request.fail_first();
  }

  static void wait(const ServerContext& context, int milliseconds) {
    for (int i = 0; i < milliseconds && !context.IsCancelled(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  const std::string instance_;
  std::atomic<int> calls_{0};
  std::atomic<int> cancelled_{0};
  std::mutex lock_;
  std::map<std::string, int> tries_;
};

}  // namespace

int run_server(const std::string& address, const Options& options) {
  EchoService service(text_of(options, "--instance", "one"));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server || port == 0) {
    std::cerr << "cannot listen on " << address << "\n";
    return 1;
  }
  std::cout << "listening " << port << std::endl;
  server->Wait();
  return 0;
}

}  // namespace peer
