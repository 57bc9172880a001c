#include "admin/pages.h"

#include <algorithm>

#include "admin/html.h"
#include "base/log.h"

namespace weft::admin {
namespace {

constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warning", "error", "critical", "off"};
/// Weft has one logger; Envoy's clients name loggers, so it has a name.
constexpr std::string_view kLogger = "weft";

std::string active_loggers() {
  return "active loggers:\n  " + std::string(kLogger) + ": " + std::string(base::to_string(base::log_level())) + "\n\n";
}

/// The level that the request asks for; an error text where it asks for something else.
std::string change_level(const Query& query) {
  std::vector<std::pair<std::string, std::string>> asked;
  for (const auto& parameter : query.parameters()) {
    if (!parameter.second.empty()) asked.push_back(parameter);  // a form sends its empty fields too
  }
  if (asked.size() != 1) return "invalid number of parameters";
  const auto& [name, value] = asked.front();
  std::string_view levels = value;
  base::LogLevel level{};
  if (name == "level" || name == kLogger) {
    if (!base::parse_log_level(levels, level)) return "unknown logger level";
  } else if (name == "paths") {
    while (!levels.empty()) {
      std::string_view pair = levels.substr(0, levels.find(','));
      levels.remove_prefix(std::min(pair.size() + 1, levels.size()));
      size_t colon = pair.find(':');
      if (colon == std::string_view::npos || colon == 0 || colon + 1 == pair.size())
        return "empty logger name or empty logger level";
      if (!base::parse_log_level(pair.substr(colon + 1), level)) return "unknown logger level";
      if (pair.substr(0, colon) != kLogger) return "unknown logger name";
    }
  } else {
    return "unknown logger name";
  }
  base::set_log_level(level);
  return "";
}

}  // namespace

Pages::Pages(AdminBackend& backend, observe::Registry& registry, AdminInfo info)
    : backend_(backend), registry_(registry), info_(std::move(info)), endpoints_(make_endpoints()) {}

std::vector<Pages::Endpoint> Pages::make_endpoints() {
  const std::vector<Parameter> stats_parameters = {
      {"usedonly", "Only include stats that have been written by system since restart", {}, true},
      {"filter", "Regular expression (Google re2) for filtering stats", {}},
      {"format", "Format to use", {"text", "json", "prometheus"}},
      {"type", "Stat types to include.", {"All", "Counters", "Histograms", "Gauges", "TextReadouts"}},
      {"histogram_buckets", "Histogram bucket display mode", {"none", "summary", "cumulative", "disjoint", "detailed"}},
      {"hidden", "Whether to show hidden stats (there are none)", {"exclude", "include", "only"}}};
  return {
      {"/", "Admin home page", false, &Pages::home, {}},
      {"/certs", "print certs on machine", false, &Pages::certs, {}},
      {"/clusters",
       "upstream cluster status",
       false,
       &Pages::clusters,
       {{"filter", "Regular expression (Google re2) for filtering clusters by name", {}},
        {"format", "File format to use", {"text", "json"}}}},
      {"/config_dump",
       "dump current configuration",
       false,
       &Pages::config_dump,
       {{"resource", "The resource to dump", {}},
        {"mask", "The mask to apply: with resource to each element, else to each message", {}},
        {"name_regex", "Dump only what has a name that matches the regular expression (Google re2)", {}},
        {"include_eds", "Dump endpoints too", {}, true}}},
      {"/drain_listeners",
       "drain listeners",
       true,
       &Pages::drain_listeners,
       {{"graceful", "go on accepting during the drain time, then close the listeners", {}, true},
        {"skip_exit", "with graceful: do not close the listeners", {}, true},
        {"inboundonly", "drain inbound listeners only", {}, true}}},
      {"/healthcheck/fail", "cause the server to fail health checks", true, &Pages::health_check_fail, {}},
      {"/healthcheck/ok", "cause the server to pass health checks", true, &Pages::health_check_ok, {}},
      {"/help", "print out list of admin commands", false, &Pages::help, {}},
      {"/hot_restart_version", "print the hot restart compatibility version", false, &Pages::hot_restart_version, {}},
      {"/listeners",
       "print listener info",
       false,
       &Pages::listeners,
       {{"format", "File format to use", {"text", "json"}}}},
      {"/logging",
       "query/change logging levels",
       true,
       &Pages::logging,
       {{"paths", "change levels as <logger>:<level>,…", {}},
        {"level", "desired logging level", {"", "trace", "debug", "info", "warning", "error", "critical", "off"}}}},
      {"/memory", "print current allocation/heap usage", false, &Pages::memory, {}},
      {"/quitquitquit", "exit the server", true, &Pages::quit, {}},
      {"/ready", "print server state, return 200 if LIVE, otherwise return 503", false, &Pages::ready, {}},
      {"/reopen_logs", "reopen access logs", true, &Pages::reopen_logs, {}},
      {"/reset_counters", "reset all counters to zero", true, &Pages::reset_counters, {}},
      {"/runtime", "print runtime values", false, &Pages::runtime, {}},
      {"/server_info", "print server version/status information", false, &Pages::server_info, {}},
      {"/stats", "print server stats", false, &Pages::stats, stats_parameters},
      {"/stats/prometheus",
       "print server stats in prometheus format",
       false,
       &Pages::stats_prometheus,
       {{"usedonly", "Only include stats that have been written by system since restart", {}, true},
        {"text_readouts", "Render text_readouts as gauges with the text as a label", {}, true},
        {"filter", "Regular expression (Google re2) for filtering stats", {}},
        {"histogram_buckets", "Histogram bucket display mode", {"none", "cumulative", "summary"}}}},
  };
}

void Pages::handle(const AdminRequest& request, base::WallTime now, Respond respond) {
  auto endpoint =
      std::find_if(endpoints_.begin(), endpoints_.end(), [&](const Endpoint& e) { return e.path == request.path; });
  if (endpoint == endpoints_.end()) {
    return respond({.status = 404, .body = "invalid path. " + help_text()});
  }
  if (endpoint->is_changing && request.method != "POST") {
    return respond({.status = 405, .body = "Method " + request.method + " not allowed, POST required."});
  }
  (this->*endpoint->handler)(request, now, respond);
}

std::string Pages::help_text() const {
  std::string out = "admin commands are:\n";
  for (const Endpoint& endpoint : endpoints_) {
    out += "  " + std::string(endpoint.path) + (endpoint.is_changing ? " (POST): " : ": ") +
           std::string(endpoint.help) + "\n";
    for (const Parameter& parameter : endpoint.parameters) {
      out += "      " + std::string(parameter.name) + ": " + std::string(parameter.help);
      for (size_t i = 0; i < parameter.choices.size(); ++i)
        out += (i == 0 ? "; One of (" : ", ") + std::string(parameter.choices[i]);
      out += parameter.choices.empty() ? "\n" : ")\n";
    }
  }
  return out;
}

void Pages::help(const AdminRequest&, base::WallTime, Respond& respond) { respond({.body = help_text()}); }

void Pages::home(const AdminRequest&, base::WallTime, Respond& respond) {
  HomePage page;
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.path == "/") continue;
    page.begin_endpoint(endpoint.path, endpoint.help, endpoint.is_changing);
    for (const Parameter& parameter : endpoint.parameters)
      page.add_parameter(parameter.name, parameter.help, parameter.choices, parameter.is_flag);
    page.end_endpoint();
  }
  respond({.content_type = kHtml, .body = page.finish()});
}

void Pages::logging(const AdminRequest& request, base::WallTime, Respond& respond) {
  AdminResponse response;
  if (!request.query.parameters().empty()) {
    std::string fault = change_level(request.query);
    if (!fault.empty()) {
      response.status = 400;
      response.body = "error: " + fault +
                      "\n\nusage: /logging?<name>=<level> (change single level)\n"
                      "usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n"
                      "usage: /logging?level=<level> (change all levels)\nlevels: ";
      for (std::string_view level : kLevels) response.body += std::string(level) + " ";
      response.body += "\n";
    }
  }
  response.body += active_loggers();
  respond(std::move(response));
}

void Pages::reset_counters(const AdminRequest&, base::WallTime, Respond& respond) {
  registry_.reset_counters();
  respond({.body = "OK\n"});
}

void Pages::reopen_logs(const AdminRequest&, base::WallTime, Respond& respond) {
  backend_.reopen_logs();
  base::reopen_log_file();
  respond({.body = "OK\n"});
}

void Pages::drain_listeners(const AdminRequest& request, base::WallTime, Respond& respond) {
  DrainRequest drain{request.query.has("graceful"), request.query.has("inboundonly"), request.query.has("skip_exit")};
  if (drain.skip_exit && !drain.is_graceful) return respond({.status = 400, .body = "skip_exit requires graceful\n"});
  backend_.drain_listeners(drain);
  respond({.body = "OK\n"});
}

void Pages::health_check_fail(const AdminRequest&, base::WallTime, Respond& respond) {
  is_health_check_failing_ = true;
  backend_.set_health_check_failing(true);
  respond({.body = "OK\n"});
}

void Pages::health_check_ok(const AdminRequest&, base::WallTime, Respond& respond) {
  is_health_check_failing_ = false;
  backend_.set_health_check_failing(false);
  respond({.body = "OK\n"});
}

void Pages::quit(const AdminRequest&, base::WallTime, Respond& respond) {
  respond({.body = "OK\n", .afterwards = [&backend = backend_] { backend.quit(); }});
}

}  // namespace weft::admin
