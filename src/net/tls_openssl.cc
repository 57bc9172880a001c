#include "net/tls_openssl.h"

#include <openssl/err.h>

#include <cctype>

namespace weft::net {

void start_openssl() { OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr); }

BioPtr bio_of(std::string_view bytes) { return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string take_openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(ERR_GET_REASON(code));
}

// BoringSSL's spelling of a reason, which Envoy's users search their logs for.
static std::string upper_case_reason(unsigned long code) {
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : std::to_string(ERR_GET_REASON(code));
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::toupper(c)) : '_';
  return text;
}

std::string take_openssl_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* library = ERR_lib_error_string(code);
    if (text.empty()) text = "TLS_error:";
    text += '|' + std::to_string(code) + ':' + (library != nullptr ? library : "") +
            ":OPENSSL_internal:" + upper_case_reason(code);
  }
  return text;
}

time_t to_time_t(base::WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace weft::net
