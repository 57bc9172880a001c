#include "peer.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <vector>

#include "echo.grpc.pb.h"

namespace peer {
namespace {

using grpc::ClientContext;
using grpc::Status;
using weft::test::Echo;
using weft::test::EchoReply;
using weft::test::EchoRequest;

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '"';
}

std::string json_of(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  std::string out;
  for (const auto& [key, value] : metadata) {
    out += (out.empty() ? "" : ",") + quoted({key.data(), key.size()}) + ":" + quoted({value.data(), value.size()});
  }
  return "{" + out + "}";
}

std::string json_of(const EchoReply& reply) {
  const std::string shown = reply.text().size() > 64 ? reply.text().substr(0, 64) : reply.text();
  return "{\"text\":" + quoted(shown) + ",\"bytes\":" + std::to_string(reply.text().size()) +
         ",\"index\":" + std::to_string(reply.index()) + ",\"instance\":" + quoted(reply.instance()) +
         ",\"deadline_ms\":" + std::to_string(reply.deadline_ms()) + "}";
}

EchoRequest request_of(const Options& options) {
  EchoRequest request;
  const int size = number_of(options, "--size");
  request.set_text(size > 0 ? std::string(size, 'x') : text_of(options, "--text", "hello"));
  request.set_count(number_of(options, "--count"));
  request.set_delay_ms(number_of(options, "--delay-ms"));
  request.set_fail_code(number_of(options, "--fail-code"));
  request.set_fail_first(number_of(options, "--fail-first"));
  return request;
}

void prepare(ClientContext& context, const Options& options) {
  const int deadline_ms = number_of(options, "--deadline-ms");
  if (deadline_ms > 0) context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(deadline_ms));
  const std::string pair = text_of(options, "--metadata");
  const size_t equals = pair.find('=');
  if (equals != std::string::npos) context.AddMetadata(pair.substr(0, equals), pair.substr(equals + 1));
}

/// Cancels once the asked number of replies is there; 0 never cancels.
void maybe_cancel(ClientContext& context, const Options& options, size_t replies) {
  const int cancel_after = number_of(options, "--cancel-after");
  if (cancel_after > 0 && static_cast<int>(replies) == cancel_after) context.TryCancel();
}

Status call(Echo::Stub& stub, ClientContext& context, const std::string& method, const Options& options,
            std::vector<EchoReply>& replies) {
  const EchoRequest request = request_of(options);
  EchoReply reply;
  if (method == "unary") {
    const Status status = stub.Unary(&context, request, &reply);
    if (status.ok()) replies.push_back(reply);
    return status;
  }
  if (method == "client-stream") {
    const auto writer = stub.ClientStream(&context, &reply);
    for (int i = 0; i < request.count() && writer->Write(request); ++i) {}
    writer->WritesDone();
    const Status status = writer->Finish();
    if (status.ok()) replies.push_back(reply);
    return status;
  }
  if (method == "server-stream") {
    const auto reader = stub.ServerStream(&context, request);
    while (reader->Read(&reply)) {
      replies.push_back(reply);
      maybe_cancel(context, options, replies.size());
    }
    return reader->Finish();
  }
  // Bidirectional, in lock step: each reply is read before the next request is written.
  const auto stream = stub.Bidi(&context);
  for (int i = 0; i < request.count() && stream->Write(request) && stream->Read(&reply); ++i) {
    replies.push_back(reply);
    maybe_cancel(context, options, replies.size());
  }
  stream->WritesDone();
  return stream->Finish();
}

}  // namespace

int run_client(const std::string& address, const std::string& method, const Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  const std::string authority = text_of(options, "--authority");
  if (!authority.empty()) arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, authority);
  const auto stub = Echo::NewStub(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  ClientContext context;
  prepare(context, options);
  if (method == "seen") {
    weft::test::SeenReply seen;
    const Status status = stub->Seen(&context, {}, &seen);
    std::cout << "{\"code\":" << status.error_code() << ",\"calls\":" << seen.calls()
              << ",\"cancelled\":" << seen.cancelled() << "}" << std::endl;
    return 0;
  }
  std::vector<EchoReply> replies;
  const Status status = call(*stub, context, method, options, replies);
  std::cout << "{\"code\":" << status.error_code() << ",\"message\":" << quoted(status.error_message())
            << ",\"initial\":" << json_of(context.GetServerInitialMetadata())
            << ",\"trailing\":" << json_of(context.GetServerTrailingMetadata()) << ",\"replies\":[";
  for (size_t i = 0; i < replies.size(); ++i) std::cout << (i ? "," : "") << json_of(replies[i]);
  std::cout << "]}" << std::endl;
  return 0;
}

}  // namespace peer
