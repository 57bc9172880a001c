// The JSON of docs/board.schema.json, SARIF and GitHub's annotations.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "storm/accept.h"
#include "storm/contract_text.h"
#include "storm/lint.h"
#include "storm/report.h"

namespace weft::storm {

namespace {

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json counts_of(const Board& board) {
  const Counts counts = count(board);
  return {{"events", counts.events},     {"commands", counts.commands},     {"policies", counts.policies},
          {"views", counts.views},       {"aggregates", counts.aggregates}, {"contexts", counts.contexts},
          {"hotspots", counts.hotspots}, {"actors", counts.actors},         {"systems", counts.systems}};
}

Json fields_of(const std::vector<Field>& fields) {
  Json out = Json::array();
  for (const Field& field : fields) {
    Json one = {{"name", field.name}, {"type", field.type}, {"list", field.is_list}, {"required", !field.is_optional}};
    if (field.minimum) one["minimum"] = *field.minimum;
    if (field.maximum) one["maximum"] = *field.maximum;
    if (!field.values.empty()) one["values"] = field.values;
    out.push_back(std::move(one));
  }
  return out;
}

Json base_of(const Element& element) {
  return {{"name", element.name}, {"line", element.place.line}, {"text", or_null(element.text)}};
}

Json of(const Graph&, const Participant& each, Index) { return base_of(each); }
Json of(const Graph&, const Lane& each, Index) { return base_of(each); }

Json of(const Graph& graph, const Event& each, Index index) {
  Json out = base_of(each);
  out["from"] = names(each.from);
  out["key"] = each.key ? Json(each.key->name) : Json(nullptr);
  out["refs"] = names(each.refs);
  out["pivotal"] = each.pivotal.has_value();
  out["lane"] = or_null(each.lane);
  out["fields"] = fields_of(each.fields);
  out["commands"] = names(graph.board().commands, graph.producers(index));
  out["policies"] = names(graph.board().policies, graph.policies_on(index));
  out["views"] = names(graph.board().views, graph.views_of(index));
  out["context"] = or_null(graph.context_of_event(index));
  return out;
}

Json of(const Graph& graph, const Command& each, Index index) {
  Json out = base_of(each), outcomes = Json::array(), issuers = Json::array();
  for (const std::vector<Reference>& together : each.outcomes) outcomes.push_back(names(together));
  for (const Issuer& issuer : each.issuers)
    issuers.push_back({{"kind", issuer.is_policy ? "policy" : "actor"}, {"name", issuer.name}});
  out["by"] = std::move(issuers);
  out["sees"] = names(each.sees);
  out["to"] = names(each.to);
  out["outcomes"] = std::move(outcomes);
  out["refusals"] = names(each.refusals);
  out["fields"] = fields_of(each.fields);
  out["aggregates"] = names(graph.board().aggregates, graph.aggregates_of(index));
  out["context"] = or_null(graph.context_of_command(index));
  return out;
}

Json of(const Graph&, const Policy& each, Index) {
  Json out = base_of(each);
  out["when"] = names(each.when);
  out["if"] = or_null(each.guard);
  out["then"] = names(each.then);
  return out;
}

Json of(const Graph& graph, const View& each, Index index) {
  Json out = base_of(each);
  out["from"] = names(each.from);
  out["fields"] = fields_of(each.fields);
  out["readers"] = names(graph.board().commands, graph.readers(index));
  return out;
}

Json of(const Graph&, const Aggregate& each, Index) {
  Json out = base_of(each);
  out["key"] = each.keys.empty() ? Json(nullptr) : Json(each.keys[0].name);
  out["commands"] = names(each.commands);
  return out;
}

Json of(const Graph&, const Context& each, Index) {
  Json out = base_of(each);
  out["role"] = or_null(each.role);
  out["owns"] = names(each.owns);
  out["fronts"] = names(each.fronts);
  out["team"] = or_null(each.team);
  return out;
}

Json of(const Graph&, const Remark& each, Index) {
  return {{"text", each.name}, {"line", each.place.line}, {"on", names(each.on)}};
}

template <typename Elements>
Json all(const Graph& graph, const Elements& elements) {
  Json out = Json::array();
  for (Index i = 0; i < elements.size(); ++i) out.push_back(of(graph, elements[i], i));
  return out;
}

Json rounded(double value) { return std::round(value * 100) / 100; }

std::string with_hint(const Finding& finding) {
  if (finding.hint.empty()) return finding.message;
  const bool is_ended = finding.message.ends_with('?') || finding.message.ends_with('.');
  return finding.message + (is_ended ? " (" : ". (") + finding.hint + ")";
}

std::string_view sarif_level(Level level) {
  return level == Level::Error ? "error" : level == Level::Warning ? "warning" : "note";
}

// GitHub's workflow commands escape these, and two more in properties.
std::string escaped(std::string_view text, bool is_property) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ',')))
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else out += c;
  }
  return out;
}

}  // namespace

std::string lint_json(const Document& document, const Findings& findings) {
  const Board& board = document.board;
  Json list = Json::array();
  for (const Finding& finding : findings)
    list.push_back({{"rule", finding.rule},
                    {"level", to_string(finding.level)},
                    {"line", finding.place.line},
                    {"column", finding.place.column},
                    {"element", or_null(finding.element)},
                    {"message", finding.message},
                    {"hint", or_null(finding.hint)}});
  return printed_json({{"board", or_null(board.name)},
                       {"stage", to_string(board.current_stage())},
                       {"counts", counts_of(board)},
                       {"findings", std::move(list)}});
}

std::string emerge_json(const Graph& graph, const Emerged& emerged) {
  const Board& board = graph.board();
  Json aggregates = Json::array(), pivotal = Json::array(), contexts = Json::array(), rules = Json::array();
  for (const AggregateCandidate& each : emerged.aggregates)
    aggregates.push_back({{"name", each.name},
                          {"key", each.key},
                          {"key_inferred", each.is_key_inferred},
                          {"commands", names(board.commands, each.commands)},
                          {"events", names(board.events, each.events)},
                          {"confidence", rounded(each.confidence)},
                          {"statement", statement_of(graph, each)},
                          {"why", each.why},
                          {"alternatives", each.alternatives}});
  for (const PivotalCandidate& each : emerged.pivotal)
    pivotal.push_back({{"event", board.events[each.event].name}, {"score", rounded(each.score)}});
  for (const ContextCandidate& each : emerged.contexts)
    contexts.push_back({{"name", each.name},
                        {"aggregates", names(emerged.aggregates, each.aggregates)},
                        {"commands", names(board.commands, each.commands)},
                        {"events", names(board.events, each.events)},
                        {"why", each.why}});
  for (const CrossRule& each : emerged.rules)
    rules.push_back({{"kind", "cross-aggregate"},
                     {"command", board.commands[each.command].name},
                     {"refusal", each.refusal},
                     {"aggregate", emerged.aggregates[each.aggregate].name},
                     {"event", board.events[each.event].name}});
  return printed_json({{"aggregates", std::move(aggregates)},
                       {"pivotal", std::move(pivotal)},
                       {"contexts", std::move(contexts)},
                       {"rules", std::move(rules)}});
}

std::string show_json(const Document& document, const Graph& graph) {
  const Board& board = graph.board();
  Json crossings = Json::array();
  for (const Crossing& each : graph.crossings())
    crossings.push_back({{"policy", board.policies[each.policy].name},
                         {"event", board.events[each.event].name},
                         {"command", board.commands[each.command].name},
                         {"from", each.from},
                         {"to", each.to}});
  return printed_json({{"board", or_null(board.name)},
                       {"file", document.file},
                       {"title", or_null(board.title)},
                       {"stage", to_string(board.current_stage())},
                       {"source", or_null(board.source)},
                       {"type", or_null(board.type)},
                       {"counts", counts_of(board)},
                       {"actors", all(graph, board.actors)},
                       {"systems", all(graph, board.systems)},
                       {"lanes", all(graph, board.lanes)},
                       {"events", all(graph, board.events)},
                       {"commands", all(graph, board.commands)},
                       {"policies", all(graph, board.policies)},
                       {"views", all(graph, board.views)},
                       {"aggregates", all(graph, board.aggregates)},
                       {"contexts", all(graph, board.contexts)},
                       {"hotspots", all(graph, board.hotspots)},
                       {"opportunities", all(graph, board.opportunities)},
                       {"crossings", std::move(crossings)}});
}

std::string next_json(const NextStep& step) {
  Json missing = Json::array();
  for (const Finding& each : step.missing)
    missing.push_back({{"rule", each.rule},
                       {"element", or_null(each.element)},
                       {"line", each.place.line == 0 ? Json(nullptr) : Json(each.place.line)},
                       {"message", each.message}});
  return printed_json({{"stage", to_string(step.stage)},
                       {"next", step.next ? Json(to_string(*step.next)) : Json(nullptr)},
                       {"missing", std::move(missing)},
                       {"advice", step.advice}});
}

std::string diff_json(const Changes& changes) {
  Json list = Json::array();
  for (const Change& each : changes)
    list.push_back({{"change", to_string(each.type)},
                    {"kind", each.kind},
                    {"name", each.name},
                    {"was", or_null(each.was)},
                    {"breaking", each.is_breaking},
                    {"message", each.message}});
  return printed_json({{"changes", std::move(list)}});
}

std::string lint_sarif(const Document& document, const Findings& findings, std::string_view version) {
  std::set<std::string> used;
  for (const Finding& finding : findings) used.insert(finding.rule);
  Json rule_list = Json::array(), results = Json::array();
  for (const Rule& rule : rules())
    if (used.contains(std::string(rule.id)))
      rule_list.push_back({{"id", rule.id},
                           {"shortDescription", {{"text", rule.summary}}},
                           {"defaultConfiguration", {{"level", sarif_level(rule.level)}}}});
  for (const Finding& finding : findings) {
    const std::string text = with_hint(finding);
    Json region = {{"startLine", std::max<uint32_t>(finding.place.line, 1)},
                   {"startColumn", std::max<uint32_t>(finding.place.column, 1)}};
    if (finding.place.length > 0) region["endColumn"] = finding.place.column + finding.place.length;
    Json location = {{"physicalLocation",
                      {{"artifactLocation", {{"uri", document.file == "-" ? "stdin" : document.file}}},
                       {"region", std::move(region)}}}};
    results.push_back({{"ruleId", finding.rule},
                       {"level", sarif_level(finding.level)},
                       {"message", {{"text", text}}},
                       {"locations", Json::array({std::move(location)})}});
  }
  Json driver = {{"name", "weft storm"}, {"version", version}, {"rules", std::move(rule_list)}};
  Json run = {
      {"tool", {{"driver", std::move(driver)}}}, {"columnKind", "unicodeCodePoints"}, {"results", std::move(results)}};
  return printed_json({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                       {"version", "2.1.0"},
                       {"runs", Json::array({std::move(run)})}});
}

std::string lint_github(const Document& document, const Findings& findings) {
  std::string out;
  for (const Finding& each : findings) {
    const std::string_view command = each.level == Level::Error     ? "error"
                                     : each.level == Level::Warning ? "warning"
                                                                    : "notice";
    out += fmt::format("::{} file={},line={},col={},title={}::{}\n", command, escaped(document.file, true),
                       each.place.line, each.place.column, each.rule, escaped(with_hint(each), false));
  }
  return out;
}

}  // namespace weft::storm
