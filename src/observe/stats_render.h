// Purpose: statistics as text for people, JSON for programs and Prometheus for scrapers, in Envoy's forms.
// Thread:  any (functions on values).
// Source:  Envoy's /stats and /stats/prometheus; Prometheus text exposition format 0.0.4.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "observe/registry.h"

namespace weft::observe {

/// What histograms show: quantiles; buckets up to each bound; buckets between bounds; every bin.
enum class HistogramView : uint8_t { Quantiles, Cumulative, Disjoint, Detailed };

/// "name: value" lines: texts, then counters and gauges, then histograms; each part sorted by name.
std::string stats_text(const std::vector<StatSample>& samples, HistogramView view = HistogramView::Quantiles);
/// {"stats":[{"name":…,"value":…},…,{"histograms":…}]}
std::string stats_json(const std::vector<StatSample>& samples, HistogramView view = HistogramView::Quantiles);
/// What histograms are for Prometheus: buckets since the start, or quantiles of the last interval.
enum class PrometheusHistograms : uint8_t { Buckets, Summaries };

/// "# TYPE" and one line a statistic, names "envoy_…" with tags as labels. Texts are gauges of value 1 with the text as
/// a label, shown only with `with_texts`.
std::string stats_prometheus(const std::vector<StatSample>& samples, bool with_texts = false,
                             PrometheusHistograms histograms = PrometheusHistograms::Buckets);

}  // namespace weft::observe
