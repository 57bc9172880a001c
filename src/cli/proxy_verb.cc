#include "cli/proxy_verb.h"

#include <fmt/core.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/log.h"
#include "cli/serve.h"
#include "xds/load.h"

namespace weft::cli {

namespace {

struct Arguments {
  ProxyOptions options;
  std::string mode = "serve";
  int64_t file_flush_interval_msec = 10000;
  int64_t drain_time_s = 600;
};

/// What a configuration is called in messages.
std::string name_of(const ProxyOptions& options) {
  return options.config_path.empty() ? "--config-yaml" : options.config_path;
}

int run(Arguments& arguments) {
  ProxyOptions& options = arguments.options;
  options.file_flush_interval = base::milliseconds(arguments.file_flush_interval_msec);
  options.drain_time = base::seconds(arguments.drain_time_s);
  if (options.config_path.empty() && options.config_yaml.empty()) {
    fmt::print(stderr, "weft proxy: one of -c, --config-path and --config-yaml is required\n");
    return 2;
  }

  xds::Loaded loaded =
      xds::load_bootstrap({options.config_path, options.config_yaml, options.service_node, options.service_cluster});
  if (!loaded.snapshot) {
    fmt::print(stderr, "{}configuration '{}': {} fault{}\n", loaded.faults.to_string(), name_of(options),
               loaded.faults.size(), loaded.faults.size() == 1 ? "" : "s");
    return 1;
  }
  if (arguments.mode == "validate") {
    fmt::print("configuration '{}' OK\n", name_of(options));
    return 0;
  }

  base::LogLevel level = base::LogLevel::Info;
  base::parse_log_level(options.log_level, level);
  base::set_log_level(level);
  if (!options.log_path.empty() && !base::open_log_file(options.log_path)) {
    fmt::print(stderr, "{}: {}\n", options.log_path, std::strerror(errno));
    return 1;
  }
  auto snapshot = std::move(loaded.snapshot);
  auto bootstrap = std::move(loaded.bootstrap);
  loaded = {};
  malloc_trim(0);  // reading took several times the memory of what was read
  return serve(options, std::move(snapshot), std::move(bootstrap));
}

std::string check_log_level(const std::string& name) {
  base::LogLevel level;
  return base::parse_log_level(name, level)
             ? std::string()
             : name + ": must be one of trace, debug, info, warning, error, critical, off";
}

}  // namespace

void add_proxy_verb(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<Arguments>();
  ProxyOptions& options = arguments->options;
  CLI::App* verb = app.add_subcommand("proxy", "Serve an Envoy v3 bootstrap");
  verb->add_option("-c,--config-path", options.config_path, "Bootstrap file: YAML, or JSON where it ends in .json");
  verb->add_option("--config-yaml", options.config_yaml,
                   "Bootstrap as YAML text, merged over the file: fields override, lists are appended");
  verb->add_option("--mode", arguments->mode,
                   "serve, or validate: check the configuration and exit (1 when it has faults)")
      ->check(CLI::IsMember({"serve", "validate"}))
      ->capture_default_str();
  verb->add_option("--concurrency", options.concurrency, "Worker threads; 0: one for each core")->capture_default_str();
  verb->add_option("-l,--log-level", options.log_level, "trace, debug, info, warning, error, critical or off")
      ->check(check_log_level)
      ->capture_default_str();
  verb->add_option("--log-path", options.log_path, "Append Weft's own log to this file instead of stderr");
  verb->add_option("--service-node", options.service_node, "node.id, over what the bootstrap says");
  verb->add_option("--service-cluster", options.service_cluster, "node.cluster, over what the bootstrap says");
  verb->add_option("--file-flush-interval-msec", arguments->file_flush_interval_msec,
                   "Milliseconds between flushes of access logs")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_option("--drain-time-s", arguments->drain_time_s, "Seconds that connections have to end after SIGTERM")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace weft::cli
