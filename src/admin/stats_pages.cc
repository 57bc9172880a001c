// /stats and /stats/prometheus.
#include <re2/re2.h>

#include "admin/pages.h"
#include "observe/stats_render.h"

namespace weft::admin {
namespace {

/// `filter=`: a name passes where the expression matches a part of it.
class RegexFilter final : public observe::StatNameFilter {
 public:
  explicit RegexFilter(std::string_view pattern) : regex_(re2::StringPiece(pattern.data(), pattern.size()), quiet()) {}
  bool is_valid() const { return regex_.ok(); }
  bool matches(std::string_view name) const override {
    return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), regex_);
  }

 private:
  static re2::RE2::Options quiet() {
    re2::RE2::Options options;
    options.set_log_errors(false);
    return options;
  }
  re2::RE2 regex_;
};

/// What a stats request asks for, or why it cannot be answered.
struct StatsRequest {
  std::optional<RegexFilter> filter;
  observe::StatQuery query;
  observe::HistogramView view = observe::HistogramView::Quantiles;
  std::string fault;

  observe::PrometheusHistograms prometheus_histograms = observe::PrometheusHistograms::Buckets;

  StatsRequest(const Query& parameters, bool is_prometheus) {
    query.used_only = parameters.has("usedonly");
    if (auto pattern = parameters.find("filter"); pattern && !pattern->empty()) {
      filter.emplace(*pattern);
      if (!filter->is_valid()) fault = "Invalid re2 regex";
    }
    set_type(parameters.find("type").value_or("All"));
    const std::string_view buckets = parameters.find("histogram_buckets").value_or("");
    if (is_prometheus) set_prometheus_histograms(buckets);
    else set_view(buckets);
  }

  const observe::StatQuery& bound_query() {
    query.filter = filter ? &*filter : nullptr;
    return query;
  }

 private:
  void set_type(std::string_view type) {
    if (type == "All") return;
    query.counters = type == "Counters";
    query.gauges = type == "Gauges";
    query.histograms = type == "Histograms";
    query.texts = type == "TextReadouts";
    if (!query.counters && !query.gauges && !query.histograms && !query.texts) fault = "invalid &type= param";
  }

  void set_view(std::string_view name) {
    if (name == "cumulative") view = observe::HistogramView::Cumulative;
    else if (name == "disjoint") view = observe::HistogramView::Disjoint;
    else if (name == "detailed") view = observe::HistogramView::Detailed;
    else if (!name.empty() && name != "none" && name != "summary")
      fault = "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|none)\n";
  }

  void set_prometheus_histograms(std::string_view name) {
    if (name == "summary") prometheus_histograms = observe::PrometheusHistograms::Summaries;
    else if (!name.empty() && name != "none" && name != "cumulative")
      fault = "usage: /stats/prometheus?histogram_buckets=(cumulative|summary|none)\n";
  }
};

}  // namespace

void Pages::stats(const AdminRequest& request, base::WallTime now, Respond& respond) {
  std::string_view format = request.query.find("format").value_or("text");
  if (format == "prometheus") return stats_prometheus(request, now, respond);
  if (format != "text" && format != "json") {
    return respond({.status = 400, .body = "usage: /stats?format=(json|prometheus|text)\n\n"});
  }
  StatsRequest asked(request.query, false);
  if (!asked.fault.empty()) return respond({.status = 400, .body = asked.fault});
  std::vector<observe::StatSample> samples;
  // Weft has no hidden statistics.
  if (request.query.find("hidden").value_or("") != "only") samples = registry_.read(asked.bound_query());
  if (format == "json") respond({.content_type = kJson, .body = observe::stats_json(samples, asked.view)});
  else respond({.body = observe::stats_text(samples, asked.view)});
}

void Pages::stats_prometheus(const AdminRequest& request, base::WallTime, Respond& respond) {
  StatsRequest asked(request.query, true);
  if (!asked.fault.empty()) return respond({.status = 400, .body = asked.fault});
  respond({.body = observe::stats_prometheus(registry_.read(asked.bound_query()), request.query.has("text_readouts"),
                                             asked.prometheus_histograms)});
}

}  // namespace weft::admin
