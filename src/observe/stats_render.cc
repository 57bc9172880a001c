#include "observe/stats_render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "observe/json_text.h"

namespace weft::observe {
namespace {

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

// ---- text ----

std::string quantile_summary(const StatSample& sample) {
  auto interval = sample.interval.quantiles();
  auto total = sample.total.quantiles();
  std::string out;
  for (size_t i = 0; i < kQuantiles.size(); ++i) {
    append(out, "{}P{:g}({},{})", i == 0 ? "" : " ", 100 * kQuantiles[i], interval[i], total[i]);
  }
  return out;
}

void append_bucket_summary(std::string& out, const StatSample& sample, HistogramView view) {
  bool disjoint = view == HistogramView::Disjoint;
  auto interval = disjoint ? sample.interval.disjoint_buckets() : sample.interval.cumulative_buckets();
  auto total = disjoint ? sample.total.disjoint_buckets() : sample.total.cumulative_buckets();
  for (size_t i = 0; i < kBucketBounds.size(); ++i) {
    append(out, "{}B{:g}({},{})", i == 0 ? "" : " ", kBucketBounds[i], interval[i], total[i]);
  }
}

void append_bins_text(std::string& out, const HistogramCounts& counts) {
  std::string_view separator;
  for (const auto& bin : counts.bins()) {
    append(out, "{}{},{}:{}", separator, bin.lower, bin.width, bin.count);
    separator = ", ";
  }
}

void append_histogram_text(std::string& out, const StatSample& sample, HistogramView view) {
  if (!sample.is_used) {
    out += ": No recorded values\n";
    return;
  }
  switch (view) {
    case HistogramView::Quantiles: out += ": " + quantile_summary(sample); break;
    case HistogramView::Cumulative:
    case HistogramView::Disjoint:
      out += ": ";
      append_bucket_summary(out, sample, view);
      break;
    case HistogramView::Detailed:
      out += ":\n  totals=";
      append_bins_text(out, sample.total);
      out += "\n  intervals=";
      append_bins_text(out, sample.interval);
      out += "\n  summary=" + quantile_summary(sample);
      break;
  }
  out += '\n';
}

// ---- JSON ----

template <typename Numbers>
void append_json_numbers(std::string& out, const Numbers& numbers) {
  out += '[';
  std::string_view separator;
  for (double number : numbers) {
    out += separator;
    append_json_number(out, number);
    separator = ",";
  }
  out += ']';
}

std::array<double, kQuantiles.size()> percentiles() {
  auto result = kQuantiles;
  for (double& quantile : result) quantile *= 100;
  return result;
}

void append_json_quantiles(std::string& out, const StatSample& sample) {
  auto interval = sample.interval.quantiles();
  auto total = sample.total.quantiles();
  out += '[';
  for (size_t i = 0; i < kQuantiles.size(); ++i) {
    out += i == 0 ? "{\"cumulative\":" : ",{\"cumulative\":";
    append_json_number(out, total[i]);
    out += ",\"interval\":";
    append_json_number(out, interval[i]);
    out += '}';
  }
  out += ']';
}

void append_json_buckets(std::string& out, const StatSample& sample, bool disjoint) {
  auto interval = disjoint ? sample.interval.disjoint_buckets() : sample.interval.cumulative_buckets();
  auto total = disjoint ? sample.total.disjoint_buckets() : sample.total.cumulative_buckets();
  out += '[';
  for (size_t i = 0; i < kBucketBounds.size(); ++i) {
    append(out, "{}{{\"upper_bound\":{},\"interval\":{},\"cumulative\":{}}}", i == 0 ? "" : ",", kBucketBounds[i],
           interval[i], total[i]);
  }
  out += ']';
}

void append_json_bins(std::string& out, const HistogramCounts& counts) {
  out += '[';
  std::string_view separator;
  for (const auto& bin : counts.bins()) {
    append(out, "{}{{\"lower_bound\":{},\"width\":{},\"count\":{}}}", separator, bin.lower, bin.width, bin.count);
    separator = ",";
  }
  out += ']';
}

void append_json_histogram(std::string& out, const StatSample& sample, HistogramView view) {
  out += "{\"name\":";
  append_json_string(out, sample.name);
  switch (view) {
    case HistogramView::Quantiles:
      out += ",\"values\":";
      append_json_quantiles(out, sample);
      break;
    case HistogramView::Cumulative:
    case HistogramView::Disjoint:
      out += ",\"buckets\":";
      append_json_buckets(out, sample, view == HistogramView::Disjoint);
      break;
    case HistogramView::Detailed:
      out += ",\"totals\":";
      append_json_bins(out, sample.total);
      out += ",\"intervals\":";
      append_json_bins(out, sample.interval);
      out += ",\"percentiles\":";
      append_json_quantiles(out, sample);
      break;
  }
  out += '}';
}

// All histograms are one last entry, so that what they share is written once.
void append_json_histograms(std::string& out, const std::vector<StatSample>& samples, HistogramView view) {
  std::string_view separator;
  auto is_histogram = [](const StatSample& sample) { return sample.type == SampleType::Histogram; };
  if (std::none_of(samples.begin(), samples.end(), is_histogram)) return;
  if (out.back() != '[') out += ',';
  out += "{\"histograms\":";
  switch (view) {
    case HistogramView::Quantiles:
      out += "{\"supported_quantiles\":";
      append_json_numbers(out, percentiles());
      out += ",\"computed_quantiles\":";
      break;
    case HistogramView::Detailed:
      out += "{\"supported_percentiles\":";
      append_json_numbers(out, percentiles());
      out += ",\"details\":";
      break;
    case HistogramView::Cumulative:
    case HistogramView::Disjoint: break;
  }
  out += '[';
  for (const StatSample& sample : samples) {
    if (!is_histogram(sample)) continue;
    out += separator;
    append_json_histogram(out, sample, view);
    separator = ",";
  }
  out += view == HistogramView::Quantiles || view == HistogramView::Detailed ? "]}}" : "]}";
}

// ---- Prometheus ----

std::string prometheus_name(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    bool is_allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!is_allowed) c = '_';
  }
  return result;
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += ',';
  out += prometheus_name(name);
  out += "=\"";
  for (char c : value) {
    if (c == '\\') out += "\\\\";
    else if (c == '"') out += "\\\"";
    else if (c == '\n') out += "\\n";
    else out += c;
  }
  out += '"';
}

std::string labels_of(const StatSample& sample) {
  std::string labels;
  for (const Tag& tag : sample.tags) append_label(labels, tag.name, tag.value);
  if (sample.type == SampleType::Text) append_label(labels, "text_value", sample.text);
  return labels;
}

void append_prometheus_histogram(std::string& out, const std::string& name, const std::string& labels,
                                 const StatSample& sample) {
  std::string before_bound = labels.empty() ? "" : labels + ",";
  auto buckets = sample.total.cumulative_buckets();
  for (size_t i = 0; i < kBucketBounds.size(); ++i) {
    append(out, "{}_bucket{{{}le=\"{:.32g}\"}} {}\n", name, before_bound, kBucketBounds[i], buckets[i]);
  }
  append(out, "{}_bucket{{{}le=\"+Inf\"}} {}\n", name, before_bound, sample.total.count());
  append(out, "{}_sum{{{}}} {}\n", name, labels, sample.total.sum());
  append(out, "{}_count{{{}}} {}\n", name, labels, sample.total.count());
}

void append_prometheus_summary(std::string& out, const std::string& name, const std::string& labels,
                               const StatSample& sample) {
  const std::string before_quantile = labels.empty() ? "" : labels + ",";
  const auto values = sample.interval.quantiles();
  for (size_t i = 0; i < kQuantiles.size(); ++i) {
    append(out, "{}{{{}quantile=\"{:g}\"}} ", name, before_quantile, kQuantiles[i]);
    if (std::isnan(values[i])) out += "NaN\n";
    else append(out, "{:.32g}\n", values[i]);
  }
  append(out, "{}_sum{{{}}} {}\n", name, labels, sample.interval.sum());
  append(out, "{}_count{{{}}} {}\n", name, labels, sample.interval.count());
}

std::string_view prometheus_type(SampleType type, PrometheusHistograms histograms) {
  switch (type) {
    case SampleType::Counter: return "counter";
    case SampleType::Histogram: return histograms == PrometheusHistograms::Summaries ? "summary" : "histogram";
    case SampleType::Gauge:
    case SampleType::Text: break;
  }
  return "gauge";
}

void append_prometheus_sample(std::string& out, const std::string& name, const StatSample& sample,
                              PrometheusHistograms histograms) {
  std::string labels = labels_of(sample);
  switch (sample.type) {
    case SampleType::Counter: append(out, "{}{{{}}} {}\n", name, labels, sample.count); break;
    case SampleType::Gauge: append(out, "{}{{{}}} {}\n", name, labels, sample.level); break;
    case SampleType::Text: append(out, "{}{{{}}} 1\n", name, labels); break;
    case SampleType::Histogram:
      if (histograms == PrometheusHistograms::Summaries) append_prometheus_summary(out, name, labels, sample);
      else append_prometheus_histogram(out, name, labels, sample);
      break;
  }
}

}  // namespace

std::string stats_text(const std::vector<StatSample>& samples, HistogramView view) {
  std::string out;
  for (const StatSample& sample : samples) {
    if (sample.type != SampleType::Text) continue;
    append_without_controls(out, sample.name);
    out += ": \"";
    append_without_controls(out, sample.text);
    out += "\"\n";
  }
  for (const StatSample& sample : samples) {
    if (sample.type != SampleType::Counter && sample.type != SampleType::Gauge) continue;
    append_without_controls(out, sample.name);
    if (sample.type == SampleType::Counter) append(out, ": {}\n", sample.count);
    else append(out, ": {}\n", sample.level);
  }
  for (const StatSample& sample : samples) {
    if (sample.type != SampleType::Histogram) continue;
    append_without_controls(out, sample.name);
    append_histogram_text(out, sample, view);
  }
  return out;
}

std::string stats_json(const std::vector<StatSample>& samples, HistogramView view) {
  std::string out = "{\"stats\":[";
  auto add_value = [&](const StatSample& sample) {
    if (out.back() != '[') out += ',';
    out += "{\"name\":";
    append_json_string(out, sample.name);
    out += ",\"value\":";
    if (sample.type == SampleType::Text) append_json_string(out, sample.text);
    else if (sample.type == SampleType::Counter) append(out, "{}", sample.count);
    else append(out, "{}", sample.level);
    out += '}';
  };
  for (const StatSample& sample : samples) {
    if (sample.type == SampleType::Text) add_value(sample);
  }
  for (const StatSample& sample : samples) {
    if (sample.type == SampleType::Counter || sample.type == SampleType::Gauge) add_value(sample);
  }
  append_json_histograms(out, samples, view);
  out += "]}";
  return out;
}

std::string stats_prometheus(const std::vector<StatSample>& samples, bool with_texts, PrometheusHistograms histograms) {
  // Lines of one metric must stand together, so samples are grouped by what is left of the name without tags.
  std::string out;
  for (SampleType type : {SampleType::Counter, SampleType::Gauge, SampleType::Text, SampleType::Histogram}) {
    if (type == SampleType::Text && !with_texts) continue;
    std::map<std::string, std::vector<const StatSample*>> metrics;
    for (const StatSample& sample : samples) {
      if (sample.type == type) metrics["envoy_" + prometheus_name(sample.tag_free_name)].push_back(&sample);
    }
    for (const auto& [name, of_metric] : metrics) {
      append(out, "# TYPE {} {}\n", name, prometheus_type(type, histograms));
      for (const StatSample* sample : of_metric) append_prometheus_sample(out, name, *sample, histograms);
    }
  }
  return out;
}

}  // namespace weft::observe
