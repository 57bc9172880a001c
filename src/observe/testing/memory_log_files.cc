#include "observe/testing/memory_log_files.h"

namespace weft::observe {

class MemoryLogFiles::File final : public AccessLogFile {
 public:
  File(MemoryLogFiles& files, std::string& content) : files_(files), content_(content) {}
  bool write(std::string_view lines) override {
    if (files_.is_full) return false;
    content_ += lines;
    return true;
  }
  bool reopen() override {
    if (files_.is_unopenable) return false;
    ++files_.reopened;
    return true;
  }

 private:
  MemoryLogFiles& files_;
  std::string& content_;
};

base::Result<std::unique_ptr<AccessLogFile>> MemoryLogFiles::open(LogSink sink, const std::string& path) {
  if (is_unopenable) return base::Error(base::ErrorCode::Io, "access log " + path + ": cannot be opened");
  std::string name = sink == LogSink::File ? path : sink == LogSink::Stdout ? "stdout" : "stderr";
  return std::unique_ptr<AccessLogFile>(std::make_unique<File>(*this, contents_[name]));
}

}  // namespace weft::observe
