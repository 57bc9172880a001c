#include "observe/access_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/limits.h"
#include "observe/testing/memory_log_files.h"

namespace weft::observe {
namespace {

struct AccessLogTest : testing::Test {
  MemoryLogFiles files;
  Registry registry;
  AccessLogs logs{files, registry, base::seconds(3600)};
  AccessLogWriter& writer(unsigned worker = 0, const std::string& path = "/log") {
    return **logs.writer(LogSink::File, path, worker);
  }
  int64_t stat(const std::string& name) { return registry.value("filesystem." + name); }
};

std::string read_whole(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_F(AccessLogTest, LinesReachTheFileWhenFlushed) {
  RequestInfo info;
  info.response_code = 204;
  writer().log(**Format::parse_text("%RESPONSE_CODE%\n"), nullptr, info, 0);
  EXPECT_EQ(files.content("/log"), "");
  EXPECT_EQ(stat("write_buffered"), 1);
  EXPECT_EQ(stat("write_total_buffered"), 4);
  logs.flush();
  EXPECT_EQ(files.content("/log"), "204\n");
  EXPECT_EQ(stat("write_completed"), 1);
  EXPECT_EQ(stat("write_total_buffered"), 0);
}

TEST_F(AccessLogTest, OneFileIsSharedByItsWriters) {
  EXPECT_EQ(&writer(0), &writer(0));
  EXPECT_NE(&writer(0), &writer(1));
  writer(0).write("a\n");
  writer(1).write("b\n");
  writer(0, "/other").write("c\n");
  (*logs.writer(LogSink::Stdout, "", 0))->write("d\n");
  (*logs.writer(LogSink::Stderr, "", 0))->write("e\n");
  logs.flush();
  EXPECT_EQ(files.content("/log"), "a\nb\n");
  EXPECT_EQ(files.content("/other"), "c\n");
  EXPECT_EQ(files.content("stdout") + files.content("stderr"), "d\ne\n");
}

TEST_F(AccessLogTest, AFullBufferDropsLinesAndCountsThem) {
  std::string line(base::kAccessLogBufferBytesMax / 4, 'x');
  for (int i = 0; i < 6; ++i) writer().write(line);
  EXPECT_EQ(stat("lines_dropped"), 2);
  logs.flush();
  EXPECT_EQ(files.content("/log").size(), base::kAccessLogBufferBytesMax);
  writer().write("again\n");
  logs.flush();
  EXPECT_TRUE(files.content("/log").ends_with("again\n"));
}

TEST_F(AccessLogTest, AFailingDiskLosesLinesAndCountsThem) {
  files.is_full = true;
  writer().write("lost\n");
  logs.flush();
  files.is_full = false;
  writer().write("kept\n");
  logs.flush();
  EXPECT_EQ(files.content("/log"), "kept\n");
  EXPECT_EQ(stat("write_failed"), 1);
  EXPECT_EQ(stat("write_total_buffered"), 0);
}

TEST_F(AccessLogTest, ReopeningWritesToTheOldFileFirst) {
  writer().write("before\n");
  logs.reopen();
  EXPECT_EQ(files.content("/log"), "before\n");
  EXPECT_EQ(files.reopened, 1u);
  files.is_unopenable = true;
  logs.reopen();
  EXPECT_EQ(stat("reopen_failed"), 1);
  EXPECT_EQ(logs.writer(LogSink::File, "/new", 0).error().message, "access log /new: cannot be opened");
}

TEST_F(AccessLogTest, AFilterKeepsLinesOut) {
  auto filter = status_code_filter(Comparison::GreaterOrEqual, 500);
  auto format = *Format::parse_text("%RESPONSE_CODE%\n");
  RequestInfo info;
  for (uint16_t code : {200, 503}) {
    info.response_code = code;
    writer().log(*format, filter.get(), info, 0);
  }
  logs.flush();
  EXPECT_EQ(files.content("/log"), "503\n");
}

TEST(AccessLogs, TheThreadWritesLargeBuffersAtOnceAndTheRestAtTheEnd) {
  MemoryLogFiles files;
  Registry registry;
  {
    AccessLogs logs(files, registry, base::seconds(3600));
    AccessLogWriter& writer = **logs.writer(LogSink::File, "/log", 0);
    logs.start_thread();
    std::string line(1023, 'x');
    line += '\n';
    for (size_t i = 0; i < 100; ++i) writer.write(line);
    while (registry.value("filesystem.write_completed") == 0) usleep(1000);  // woken by size: the interval is an hour
    writer.write("last\n");
  }
  EXPECT_EQ(files.content("/log").size(), 100 * 1024 + 5u);
  EXPECT_TRUE(files.content("/log").ends_with("last\n"));
}

TEST(AccessLogs, TheThreadWritesWhenItsIntervalIsOver) {
  MemoryLogFiles files;
  Registry registry;
  AccessLogs logs(files, registry, base::milliseconds(1));
  (*logs.writer(LogSink::File, "/log", 0))->write("a\n");
  logs.start_thread();
  while (registry.value("filesystem.write_completed") == 0) usleep(1000);
  EXPECT_GE(registry.value("filesystem.flushed_by_timer"), 1);
}

TEST(AccessLogFile, AppendsAndFollowsRotation) {
  auto folder = std::filesystem::temp_directory_path() / ("weft-access-log-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::string path = folder / "log";
  auto files = make_posix_log_files();
  {
    auto file = std::move(*files->open(LogSink::File, path));
    EXPECT_TRUE(file->write("one\n"));
    std::filesystem::rename(path, path + ".1");
    EXPECT_TRUE(file->write("two\n"));
    EXPECT_TRUE(file->reopen());
    EXPECT_TRUE(file->write("three\n"));
  }
  EXPECT_EQ(read_whole(path + ".1"), "one\ntwo\n");
  EXPECT_EQ(read_whole(path), "three\n");
  auto missing = files->open(LogSink::File, folder / "none" / "log");
  EXPECT_EQ(missing.error().code, base::ErrorCode::Io);
  std::filesystem::remove_all(folder);
}

TEST(AccessLogFile, ADeviceWithoutSpaceIsAFailure) {
  auto files = make_posix_log_files();
  auto file = files->open(LogSink::File, "/dev/full");
  if (!file) GTEST_SKIP() << "no /dev/full here";
  EXPECT_FALSE((*file)->write("x\n"));
}

struct FilterTest : testing::Test {
  RequestInfo info;
  bool is_logged(const AccessLogFilterPointer& filter, uint64_t random = 0) { return filter->is_logged(info, random); }
};

TEST_F(FilterTest, StatusAndDurationCompare) {
  info.response_code = 404;
  EXPECT_TRUE(is_logged(status_code_filter(Comparison::Equal, 404)));
  EXPECT_FALSE(is_logged(status_code_filter(Comparison::NotEqual, 404)));
  EXPECT_TRUE(is_logged(status_code_filter(Comparison::LessOrEqual, 404)));
  EXPECT_FALSE(is_logged(status_code_filter(Comparison::GreaterOrEqual, 405)));
  EXPECT_FALSE(is_logged(duration_filter(Comparison::GreaterOrEqual, 0))) << "unknown while the request runs";
  info.duration = base::milliseconds(50);
  EXPECT_TRUE(is_logged(duration_filter(Comparison::GreaterOrEqual, 50)));
  EXPECT_FALSE(is_logged(duration_filter(Comparison::LessOrEqual, 49)));
}

TEST_F(FilterTest, HealthChecksFlagsAndTypes) {
  EXPECT_TRUE(is_logged(not_health_check_filter()));
  info.is_health_check = true;
  EXPECT_FALSE(is_logged(not_health_check_filter()));
  EXPECT_FALSE(is_logged(response_flag_filter(0)));
  info.flags = kUpstreamOverflow;
  EXPECT_TRUE(is_logged(response_flag_filter(0)));
  EXPECT_TRUE(is_logged(response_flag_filter(kUpstreamOverflow | kNoRouteFound)));
  EXPECT_FALSE(is_logged(response_flag_filter(kNoRouteFound)));
  EXPECT_TRUE(is_logged(log_type_filter({"DownstreamEnd"}, false)));
  EXPECT_FALSE(is_logged(log_type_filter({"DownstreamEnd"}, true)));
}

TEST_F(FilterTest, SamplingFollowsTheRequestIdUnlessIndependent) {
  auto half = sampling_filter(50, 100, false);
  EXPECT_TRUE(is_logged(half, 149));
  EXPECT_FALSE(is_logged(half, 150));
  struct Id final : HeaderLookup {
    std::optional<std::string_view> find(std::string_view) const override {
      return "00000063-0000-4000-8000-000000000000";
    }
    size_t bytes() const override { return 0; }
  } id;
  info.request_headers = &id;
  EXPECT_FALSE(is_logged(half, 0)) << "0x63 is 99";
  EXPECT_TRUE(is_logged(sampling_filter(50, 100, true), 0));
  EXPECT_FALSE(is_logged(sampling_filter(0, 100, true), 0));
}

TEST_F(FilterTest, GrpcStatusIsStatedOrInferred) {
  info.response_code = 503;
  EXPECT_TRUE(is_logged(grpc_status_filter({14}, false)));
  EXPECT_FALSE(is_logged(grpc_status_filter({14}, true)));
  info.response_code = 0;
  EXPECT_TRUE(is_logged(grpc_status_filter({2}, false)));
}

TEST_F(FilterTest, AndAndOrCombine) {
  info.response_code = 500;
  auto yes = status_code_filter(Comparison::Equal, 500);
  auto no = status_code_filter(Comparison::Equal, 200);
  EXPECT_FALSE(is_logged(and_filter({yes, no})));
  EXPECT_TRUE(is_logged(and_filter({yes, yes})));
  EXPECT_TRUE(is_logged(or_filter({no, yes})));
  EXPECT_FALSE(is_logged(or_filter({no, no})));
}

}  // namespace
}  // namespace weft::observe
