// What a board says to other tools: types, sources, schemas, who sends and receives.
#include "storm/export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "storm/contract_schema.h"
#include "storm/contract_types.h"
#include "storm/testing/boards.h"

namespace weft::storm {
namespace {

/// A board with what is asked about it; the document must stay where it is.
struct World {
  explicit World(const std::string& text) : document(parsed(text)), graph(document.board), contracts(graph) {}
  World(const World&) = delete;
  Index event(std::string_view name) const { return *graph.find(Kind::Event, name); }
  std::string type(std::string_view name) const { return contracts.type_of(event(name)); }
  std::string source(std::string_view name) const { return contracts.source_of(event(name)); }
  const Document document;
  const Graph graph;
  const Contracts contracts;
};

Json document_of(const std::string& text) { return Json::parse(text, nullptr, false); }

std::string content_of(const ExportedFiles& files, std::string_view path) {
  const auto at = std::ranges::find(files, path, &ExportedFile::path);
  EXPECT_NE(at, files.end()) << path;
  return at == files.end() ? std::string() : at->content;
}

size_t count_of(const Json& operations, std::string_view action) {
  size_t count = 0;
  for (const Json& operation : operations) count += operation["action"] == action;
  return count;
}

// ---- types and sources ----

TEST(ContractTypes, AreThePatternWithContextAndEvent) {
  const World world(board_text("techtalks"));
  EXPECT_EQ(world.type("TalkSubmitted"), "com.example.talks.call-for-papers.TalkSubmitted.v1");
  EXPECT_EQ(world.source("TalkSubmitted"), "https://talks.example.com/call-for-papers");
}

TEST(ContractTypes, OfASystemsEventHaveItsNameAsWritten) {
  const World world(board_text("techtalks"));
  EXPECT_EQ(world.type("MonthStarted"), "com.example.talks.Clock.MonthStarted.v1");
  EXPECT_EQ(world.source("MonthStarted"), "https://talks.example.com/Clock");
}

TEST(ContractTypes, OfWhatASystemIsAskedForHaveTheContextInFrontOfIt) {
  const World world(board_text("techtalks"));
  EXPECT_EQ(world.type("SpeakerNotified"), "com.example.talks.messaging.SpeakerNotified.v1");
}

TEST(ContractTypes, OfWhatASystemIsAskedForHaveItsNameWhereNoContextIs) {
  const World world(
      "type a.{context}.{event}\nsystem MailServer\nevent LetterSent\ncommand SendLetter to MailServer -> LetterSent\n");
  EXPECT_EQ(world.type("LetterSent"), "a.MailServer.LetterSent");
}

TEST(ContractTypes, WithoutAPatternAreTheBoardAndTheEvent) {
  EXPECT_EQ(World("board shop\nevent OrderPlaced\n").type("OrderPlaced"), "shop.OrderPlaced");
  EXPECT_EQ(World("event OrderPlaced\n").type("OrderPlaced"), "board.OrderPlaced");
}

TEST(ContractTypes, TakeNameForEventAndTellEventsApart) {
  EXPECT_EQ(World("type a.{name}\nevent OrderPlaced\n").type("OrderPlaced"), "a.OrderPlaced");
  EXPECT_EQ(World("type a.b\nevent OrderPlaced\n").type("OrderPlaced"), "a.b.OrderPlaced");
}

TEST(ContractTypes, OfNobodysEventHaveNoEmptyPart) {
  EXPECT_EQ(World("type a.{context}.{event}.v1\nevent OrderPlaced\n").type("OrderPlaced"), "a.OrderPlaced.v1");
  EXPECT_EQ(World("type {context}.{event}\nevent OrderPlaced\n").type("OrderPlaced"), "OrderPlaced");
}

TEST(ContractTypes, SourcesAreUriReferences) {
  EXPECT_EQ(World("event OrderPlaced\n").source("OrderPlaced"), "/");
  EXPECT_EQ(World("system Uhr\nevent A from Uhr\n").source("A"), "/Uhr");
  EXPECT_EQ(World("source https://x.example/a/\nsystem Bücher\nevent A from Bücher\n").source("A"),
            "https://x.example/a/B%C3%BCcher");
}

TEST(ContractTypes, VersionComesFromThePattern) {
  EXPECT_EQ(World("type a.{event}.v12\nevent A\n").contracts.version(), "12.0.0");
  EXPECT_EQ(World("type a.{event}\nevent A\n").contracts.version(), "1.0.0");
}

TEST(ContractTypes, OfTwoElementsWithOneNameTheFirstCounts) {
  const World world("event A\nevent A\nevent B\n");
  EXPECT_EQ(world.contracts.events(), (Indices{0, 2}));
}

// ---- keys and texts ----

TEST(ContractText, KeysTakeNoCharacterThatAFormatRefuses) {
  EXPECT_EQ(safe_key("call-for_papers2"), "call-for_papers2");
  EXPECT_EQ(safe_key("Geprüft"), "Gepr_fc_ft");
  EXPECT_EQ(safe_key("../a b"), "_2e__2e__2f_a_20_b");
  EXPECT_EQ(safe_key("\xff"), "_ff_");
  EXPECT_LE(safe_key(std::string(10'000, 'x')).size(), 130u);
}

TEST(ContractText, KeysAreUniqueEvenWhereCaseDoesNotCount) {
  SafeKeys keys;
  EXPECT_EQ(keys.add("Order"), "Order");
  EXPECT_EQ(keys.add("order"), "order_2");
  EXPECT_EQ(keys.add("Order"), "Order_3");
}

TEST(ContractText, YamlQuotesWhatIsNoPlainWord) {
  EXPECT_EQ(
      printed_yaml({{"a", "plain-word"}, {"b", "yes"}, {"c", "a: \"b\""}, {"d", "1.0.0"}, {"e", "#x"}, {"f", "größe"}}),
      "a: plain-word\nb: \"yes\"\nc: \"a: \\\"b\\\"\"\nd: \"1.0.0\"\ne: \"#x\"\nf: \"größe\"\n");
  EXPECT_EQ(printed_yaml({{"a", Json::array()}, {"b", {{{"c", 1}, {"d", {1, true}}}}}}),
            "a: []\nb:\n  - c: 1\n    d:\n      - 1\n      - true\n");
  EXPECT_EQ(printed_yaml({{"a", "\x7f\xe2\x80\xa8"}}), "a: \"\\u007f\\u2028\"\n");
}

TEST(ContractText, MarkdownMeansNothing) {
  EXPECT_EQ(markdown_escaped("a|b <x> {y} *z* `c` [d] #e\n"), "a\\|b \\<x\\> \\{y\\} \\*z\\* \\`c\\` \\[d\\] \\#e ");
  EXPECT_EQ(markdown_escaped("1. one"), "1\\. one");
  EXPECT_EQ(markdown_escaped("- one - two"), "\\- one - two");
}

// ---- JSON Schema ----

Json fields_schema(const std::string& fields) {
  const World world("event A fields " + fields + "\nview V from A fields id:uuid\n");
  return schema_of(world.contracts, world.document.board.events[0].fields, "#/$defs/");
}

TEST(ContractSchema, HasEveryType) {
  const Json properties =
      fields_schema("a:string, b:int, c:number, d:bool, e:date, f:time, g:uuid, h:V, i:V[], j:Nothing")["properties"];
  EXPECT_EQ(properties["a"], Json({{"type", "string"}}));
  EXPECT_EQ(properties["b"], Json({{"type", "integer"}}));
  EXPECT_EQ(properties["c"], Json({{"type", "number"}}));
  EXPECT_EQ(properties["d"], Json({{"type", "boolean"}}));
  EXPECT_EQ(properties["e"], Json({{"type", "string"}, {"format", "date"}}));
  EXPECT_EQ(properties["f"], Json({{"type", "string"}, {"format", "date-time"}}));
  EXPECT_EQ(properties["g"], Json({{"type", "string"}, {"format", "uuid"}}));
  EXPECT_EQ(properties["h"], Json({{"$ref", "#/$defs/V"}}));
  EXPECT_EQ(properties["i"], Json({{"type", "array"}, {"items", {{"$ref", "#/$defs/V"}}}}));
  EXPECT_FALSE(properties["j"].contains("type"));
}

TEST(ContractSchema, RequiresWhatIsNotOptional) {
  EXPECT_EQ(fields_schema("a:string, b?:int, c:bool")["required"], Json({"a", "c"}));
  EXPECT_FALSE(fields_schema("a?:string").contains("required"));
}

TEST(ContractSchema, KeepsBoundsAndValues) {
  const Json properties = fields_schema(
      "a:int>=15<=45, b:number>=0.5, c:string>=1<=80, d:string one of x|y, e:int one of 1|2, f:string[]<=3, g:int[] one of 1|2")
      ["properties"];
  EXPECT_EQ(properties["a"].dump(), R"({"type":"integer","minimum":15,"maximum":45})");
  EXPECT_EQ(properties["b"].dump(), R"({"type":"number","minimum":0.5})");
  EXPECT_EQ(properties["c"].dump(), R"({"type":"string","minLength":1,"maxLength":80})");
  EXPECT_EQ(properties["d"].dump(), R"({"type":"string","enum":["x","y"]})");
  EXPECT_EQ(properties["e"].dump(), R"({"type":"integer","enum":[1,2]})");
  EXPECT_EQ(properties["f"].dump(), R"({"type":"array","items":{"type":"string","maxLength":3}})");
  EXPECT_EQ(properties["g"].dump(), R"({"type":"array","items":{"type":"integer","enum":[1,2]}})");
}

TEST(ContractSchema, IsOpenWhereNothingIsDeclared) {
  const World world("event A\n");
  EXPECT_EQ(schema_of(world.contracts, {}, "#/$defs/"), Json({{"type", "object"}, {"additionalProperties", true}}));
}

TEST(ContractSchema, BringsWhatIsReferredTo) {
  const World world(
      "event A fields v:V\nview V from A fields w:W[]\nview W from A fields v?:V\nview X from A fields id:uuid\n");
  std::set<std::string> used;
  schema_of(world.contracts, world.document.board.events[0].fields, "#/$defs/", &used);
  Json schemas = Json::object();
  add_used_schemas(world.contracts, used, "#/$defs/", schemas);
  EXPECT_EQ(schemas.size(), 2u);
  EXPECT_TRUE(schemas.contains("V"));
  EXPECT_TRUE(schemas.contains("W"));
}

TEST(ExportJsonschema, DefinesEventsCommandsAndViews) {
  const World world(board_text("techtalks"));
  const Json schema = document_of(export_jsonschema(world.graph));
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["$defs"].size(), 37u + 32u + 11u);
}

TEST(ExportJsonschema, GivesEachContextItsOwn) {
  const World world(board_text("techtalks"));
  const ExportedFiles files = export_jsonschema_contexts(world.graph);
  std::vector<std::string> paths;
  size_t definitions = 0;
  for (const ExportedFile& file : files) {
    paths.push_back(file.path);
    definitions += document_of(file.content)["$defs"].size();
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"call-for-papers.json", "voting.json", "programme.json", "live.json",
                                             "afterwards.json", "messaging.json", "clock.json"}));
  EXPECT_EQ(definitions, 37u + 32u + 11u);
  EXPECT_TRUE(document_of(content_of(files, "voting.json"))["$defs"].contains("VoteCast"));
}

// ---- AsyncAPI ----

TEST(ExportAsyncapi, HasAMessageOfEveryEventOfTheReferenceBoard) {
  const World world(board_text("techtalks"));
  const Json document = document_of(export_asyncapi(world.graph));
  EXPECT_EQ(document["asyncapi"], "3.0.0");
  EXPECT_EQ(document["components"]["messages"].size(), 37u);
  EXPECT_EQ(document["channels"].size(), 37u + 32u);
  EXPECT_EQ(count_of(document["operations"], "send"), 37u);
  EXPECT_EQ(document["channels"]["TalkSubmitted"]["address"], "com.example.talks.call-for-papers.TalkSubmitted.v1");
}

TEST(ExportAsyncapi, GivesEachContextWhatItSendsAndReceives) {
  const World world(board_text("techtalks"));
  const ExportedFiles files = export_asyncapi_contexts(world.graph);
  EXPECT_EQ(files.size(), 6u);
  const Json voting = document_of(content_of(files, "voting.json"));
  EXPECT_EQ(count_of(voting["operations"], "send"), 7u);
  EXPECT_TRUE(voting["operations"].contains("receive_PollIfTooMany_CallForPapersClosed"));
  EXPECT_TRUE(voting["operations"].contains("receive_Ballot_VoteCast"));
  EXPECT_TRUE(voting["operations"].contains("handle_CastVote"));
  EXPECT_FALSE(voting["operations"].contains("handle_SubmitTalk"));
  EXPECT_EQ(voting["operations"]["handle_CastVote"]["x-refusals"],
            Json({"PollNotOpen", "VotesUsedUp", "UnknownOption"}));
}

TEST(ExportAsyncapi, SaysWhoCausesAnEvent) {
  const World world(board_text("techtalks"));
  const Json messages = document_of(export_asyncapi(world.graph))["components"]["messages"];
  const Json& closed = messages["CallForPapersClosed"];
  EXPECT_EQ(closed["x-weft-key"], "round");
  EXPECT_EQ(closed["x-weft-pivotal"], true);
  EXPECT_EQ(closed["x-weft-aggregate"], "Round");
  EXPECT_EQ(closed["x-weft-causes"],
            Json::parse(R"([{"command":"CloseCallForPapers","actors":["Organizer"],"policies":["CloseAtDeadline"]}])",
                        nullptr, false));
  EXPECT_EQ(messages["MonthStarted"]["x-weft-causes"], Json::parse(R"([{"system":"Clock"}])", nullptr, false));
  EXPECT_EQ(messages["PollTied"]["x-weft-hotspots"].size(), 1u);
}

TEST(ExportAsyncapi, HasAPartitionKeyWhereTheEventHasAKey) {
  const World world("event A key order\nevent B\n");
  const Json messages = document_of(export_asyncapi(world.graph))["components"]["messages"];
  EXPECT_EQ(messages["A"]["traits"][0]["$ref"], "#/components/messageTraits/CloudEventWithKey");
  EXPECT_EQ(messages["B"]["traits"][0]["$ref"], "#/components/messageTraits/CloudEvent");
  EXPECT_EQ(messages["A"]["traits"][1]["headers"]["properties"]["ce-type"]["const"], "board.A");
  EXPECT_TRUE(messages["A"]["traits"][1]["headers"]["properties"].contains("ce-partitionkey"));
}

TEST(ExportAsyncapi, OfABoardWithoutContextsIsOneFile) {
  const World world("board my-shop\nevent A\n");
  const ExportedFiles files = export_asyncapi_contexts(world.graph);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].path, "my-shop.json");
}

TEST(ExportAsyncapi, WritesSafeKeysAndNamesAsTheyAre) {
  const World world("event Überfällig \"say \\\"so\\\": now\"\ncommand Überfällig -> Überfällig\n");
  const Json document = document_of(export_asyncapi(world.graph));
  EXPECT_EQ(document["components"]["messages"]["_dc_berf_e4_llig"]["name"], "Überfällig");
  EXPECT_EQ(document["components"]["messages"]["_dc_berf_e4_llig"]["summary"], "say \"so\": now");
  EXPECT_TRUE(document["channels"].contains("_dc_berf_e4_llig_2"));
}

// ---- the others ----

TEST(ExportCloudevents, NamesAreLabelsOfDns) {
  const World world("event OrderPlaced\nevent orderPlaced\nevent Ü\n");
  const ExportedFiles files = export_cloudevents_files(world.graph);
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].path, "order-placed.yaml");
  EXPECT_EQ(files[1].path, "order-placed-2.yaml");
  EXPECT_EQ(files[2].path, "dc.yaml");
  EXPECT_NE(files[0].content.find("apiVersion: \"eventing.knative.dev/v1beta2\"\nkind: EventType\n"),
            std::string::npos);
}

TEST(ExportEventcatalog, HasAPageOfEverything) {
  const World world(board_text("techtalks"));
  const ExportedFiles files = export_eventcatalog(world.graph);
  const auto count = [&](std::string_view folder) {
    return std::ranges::count_if(files, [&](const ExportedFile& file) { return file.path.starts_with(folder); });
  };
  EXPECT_EQ(count("events/"), 37);
  EXPECT_EQ(count("commands/"), 32);
  EXPECT_FALSE(content_of(files, "domains/voting/ubiquitous-language.mdx").empty());
  EXPECT_NE(content_of(files, "domains/voting/services/voting-service/index.mdx").find("sends:\n  - id: PollCreated\n"),
            std::string::npos);
  EXPECT_NE(content_of(files, "flows/tech-talks/index.mdx").find("label: \"if talks > slots\""), std::string::npos);
}

TEST(ExportMarkdown, CutsTheTimelineAtPivotalEvents) {
  const World world(board_text("techtalks"));
  const std::string text = export_markdown(world.graph);
  EXPECT_NE(text.find("### Phase 6"), std::string::npos);
  EXPECT_EQ(text.find("### Phase 7"), std::string::npos);
  EXPECT_NE(text.find("- **PollIfTooMany**: Whenever CallForPapersClosed and talks \\> slots, then CreatePoll."),
            std::string::npos);
  EXPECT_NE(text.find("PollClosed, or PollClosed and PollTied"), std::string::npos);
}

TEST(Export, GivesTheSameBytes) {
  for (const std::string& name : board_names()) {
    const World one(board_text(name)), two(board_text(name));
    EXPECT_EQ(export_asyncapi(one.graph), export_asyncapi(two.graph)) << name;
    EXPECT_EQ(export_markdown(one.graph), export_markdown(two.graph)) << name;
    EXPECT_EQ(export_cloudevents(one.graph), export_cloudevents(two.graph)) << name;
  }
}

TEST(Export, TakesBoardsThatAreHalfThere) {
  for (const std::string text : {"event", "command A -> B + | C ! D, by", "policy P when X then Y\nevent Z",
                                 "context c owns A fronts B\naggregate A commands X Y\n",
                                 "event A fields a:A[], b:B\nview A from A fields a:A"}) {
    const World world(text);
    EXPECT_FALSE(document_of(export_asyncapi(world.graph)).is_discarded());
    EXPECT_FALSE(document_of(export_jsonschema(world.graph)).is_discarded());
    EXPECT_FALSE(export_markdown(world.graph).empty());
    for (const ExportedFile& file : export_eventcatalog(world.graph))
      EXPECT_EQ(file.path.find(".."), std::string::npos);
    export_cloudevents(world.graph);
  }
}

}  // namespace
}  // namespace weft::storm
