#include "proxy/header_log_filter.h"

namespace weft::proxy {

namespace {

class HeaderLogFilter final : public observe::AccessLogFilter {
 public:
  explicit HeaderLogFilter(HeaderMatcher matcher) : matcher_(std::move(matcher)) {}

  bool is_logged(const observe::RequestInfo& info, uint64_t) const override {
    return matcher_.matches_line(info.request_headers ? info.request_headers->find(matcher_.name) : std::nullopt);
  }

 private:
  const HeaderMatcher matcher_;
};

}  // namespace

observe::AccessLogFilterPointer header_log_filter(HeaderMatcher matcher) {
  return std::make_shared<HeaderLogFilter>(std::move(matcher));
}

}  // namespace weft::proxy
