// Existing contracts as a first board: what becomes an event, and that every board parses.
#include "storm/import_asyncapi.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "storm/export.h"
#include "storm/import_schema.h"
#include "storm/testing/boards.h"

namespace weft::storm {
namespace {

Document imported(const std::string& content) {
  const AsyncapiFile files[] = {{"a.json", content}};
  const base::Result<Imported> result = import_asyncapi(files);
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  if (!result) return {};
  Document document = parsed(result->board);
  EXPECT_TRUE(document.faults.empty()) << result->board << (document.faults.empty() ? "" : document.faults[0].message);
  return document;
}

std::string error_of(const std::string& content) {
  const AsyncapiFile files[] = {{"a.json", content}};
  const base::Result<Imported> result = import_asyncapi(files);
  return result ? "none" : result.error().message;
}

std::vector<std::string> names_of(const Document& document) {
  std::vector<std::string> names;
  for (const Event& event : document.board.events) names.push_back(event.name);
  return names;
}

std::string fields_of(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) out += (out.empty() ? "" : ", ") + text_of(field);
  return out;
}

using Names = std::vector<std::string>;

TEST(ImportAsyncapi, KeepsEveryEventAndItsFieldsOfAnExport) {
  for (const std::string& name : board_names()) {
    const Document before = parsed(board_text(name));
    if (before.board.events.empty()) continue;
    const Document after = imported(export_asyncapi(Graph(before.board)));
    EXPECT_EQ(names_of(after), names_of(before)) << name;
    for (size_t i = 0; i < std::min(before.board.events.size(), after.board.events.size()); ++i) {
      EXPECT_EQ(fields_of(after.board.events[i].fields), fields_of(before.board.events[i].fields)) << name;
      EXPECT_EQ(after.board.events[i].key ? after.board.events[i].key->name : "",
                before.board.events[i].key ? before.board.events[i].key->name : "")
          << name;
    }
  }
}

TEST(ImportAsyncapi, KeepsFieldsOfEveryKind) {
  const std::string fields =
      "a:string, b?:int>=1<=9, c:number>=0.5, d:bool, e:date, f:time, g:uuid, h:string one of x|\"y z\", i:V[], j:B, k:int one of 1|2, l:string>=1<=80, m:string[] one of x|y";
  const Document before =
      parsed("event A fields " + fields + "\nevent B\nview V from A fields w:W\nview W from A fields id:uuid, v?:V\n");
  ASSERT_TRUE(before.faults.empty());
  const Document after = imported(export_asyncapi(Graph(before.board)));
  EXPECT_EQ(fields_of(after.board.events[0].fields), fields);
  ASSERT_EQ(after.board.views.size(), 2u);
  EXPECT_EQ(fields_of(after.board.views[1].fields), "id:uuid, v?:V");
}

TEST(ImportAsyncapi, ReadsVersion2) {
  const Document document = imported(R"({"asyncapi": "2.6.0", "info": {"title": "Order service"}, "channels": {
    "orders/placed": {"subscribe": {"message": {"name": "order.placed", "payload": {"type": "object", "required": ["id"],
      "properties": {"id": {"type": "string", "format": "uuid"}, "total": {"type": ["number", "null"]}}}}}},
    "payments": {"publish": {"message": {"oneOf": [{"$ref": "#/components/messages/PaymentReceived"}, {"messageId": "payment-failed"}]}}}},
    "components": {"messages": {"PaymentReceived": {"payload": {"$ref": "#/components/schemas/Payment"}}},
      "schemas": {"Payment": {"type": "object", "properties": {"lines": {"type": "array", "items": {"$ref": "#/components/schemas/line-item"}}}},
        "line-item": {"type": "object", "properties": {"sku": {"type": "string"}}}}}})");
  EXPECT_EQ(document.board.title, "Order service");
  EXPECT_EQ(names_of(document), (Names{"OrderPlaced", "PaymentReceived", "payment-failed"}));
  EXPECT_EQ(fields_of(document.board.events[0].fields), "id:uuid, total?:number");
  EXPECT_EQ(fields_of(document.board.events[1].fields), "lines?:line-item[]");
  ASSERT_EQ(document.board.views.size(), 1u);
  EXPECT_EQ(document.board.views[0].name, "line-item");
  ASSERT_EQ(document.board.views[0].from.size(), 1u);
  EXPECT_EQ(document.board.views[0].from[0].name, "PaymentReceived");
}

TEST(ImportAsyncapi, ReadsVersion3WithReferencesAndRequests) {
  const std::string content = R"({"asyncapi": "3.1.0", "channels": {
    "placed": {"address": "com.example.OrderPlaced.v1", "messages": {"m": {"$ref": "#/components/messages/OrderPlaced"}}},
    "pay": {"address": "pay", "messages": {"Pay": {"payload": {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"type": "object", "properties": {"sum": {"type": "integer"}}}}}}},
    "unused": {"messages": {"StockCounted": {}}}},
    "operations": {"a": {"action": "send", "channel": {"$ref": "#/channels/placed"}},
      "b": {"action": "receive", "channel": {"$ref": "#/channels/pay"}, "reply": {"channel": {"$ref": "#/channels/pay"}}}},
    "components": {"messages": {"OrderPlaced": {"summary": "a \"big\" one"}}}})";
  const AsyncapiFile files[] = {{"a.json", content}};
  const base::Result<Imported> result = import_asyncapi(files);
  ASSERT_TRUE(result);
  const Document document = imported(content);
  EXPECT_EQ(names_of(document), (Names{"OrderPlaced", "StockCounted"}));
  EXPECT_EQ(document.board.events[0].text, "a \"big\" one");
  EXPECT_NE(result->board.find("# unknown: Pay: a request that is answered: command Pay fields sum?:int"),
            std::string::npos)
      << result->board;
  EXPECT_NE(result->board.find("# unknown: StockCounted: who sends it"), std::string::npos) << result->board;
}

TEST(ImportAsyncapi, ReadsTheDataOfAStructuredEvent) {
  const Document document = imported(
      R"({"asyncapi": "2.0.0", "channels": {"a": {"subscribe": {"message": {"name": "Placed", "payload": {"allOf": [],
    "properties": {"specversion": {}, "source": {}, "data": {"type": "object", "properties": {"x": {"type": "boolean"}}}}}}}}}})");
  EXPECT_EQ(fields_of(document.board.events[0].fields), "x?:bool");
}

TEST(ImportAsyncapi, MergesSchemasAndNumbersOtherMessagesOfOneName) {
  const Document document = imported(R"({"asyncapi": "2.0.0", "channels": {
    "a": {"subscribe": {"message": {"name": "Placed", "payload": {"allOf": [{"properties": {"x": {"type": "string"}}}, {"required": ["x"], "properties": {"x": {}, "y": {"enum": ["a", "b c"]}}}]}}}},
    "b": {"subscribe": {"message": {"name": "Placed", "payload": {"properties": {"z": {"type": "integer"}}}}}},
    "c": {"publish": {"message": {"name": "Placed"}}}}})");
  EXPECT_EQ(names_of(document), (Names{"Placed", "Placed2"}));
  EXPECT_EQ(fields_of(document.board.events[0].fields), "x:string, y?:string one of a|\"b c\"");
}

TEST(ImportAsyncapi, MakesNamesThatABoardTakes) {
  EXPECT_EQ(board_name("OrderPlaced"), "OrderPlaced");
  EXPECT_EQ(board_name("order-placed"), "order-placed");
  EXPECT_EQ(board_name("order placed"), "OrderPlaced");
  EXPECT_EQ(board_name("com.example.orders.OrderPlaced.v1"), "OrderPlaced");
  EXPECT_EQ(board_name("com.example.order.placed.v1"), "OrderPlaced");
  EXPECT_EQ(board_name("com.example.orders.order-placed"), "OrderPlaced");
  EXPECT_EQ(board_name("2nd-try, \"quoted\" -> x"), "Event2ndTryQuotedX");
  EXPECT_EQ(board_name("Überfällig"), "Überfällig");
  EXPECT_EQ(board_name(""), "Event");
  EXPECT_EQ(board_name("->"), "Event");
}

TEST(ImportAsyncapi, SurvivesHostileNamesAndValues) {
  const Document document = imported(
      R"({"asyncapi": "2.0.0", "info": {"title": "a \"b\"\n# c"}, "channels": {"x": {"subscribe": {"message": {"name": "a\nevent B", "summary": "line\none \u0001 \\", "payload": {
    "properties": {"a b": {"type": "string"}, "a,b": {"type": "string"}, "#c": {"type": "integer", "minimum": 1e300, "maximum": 5}, "->": {"enum": ["\"", "", "a|b", "x:y", "\n"]},
      "": {"type": "object"}, "json.json": {"const": 5, "type": "integer"}, "<": {"minLength": 2, "type": "string"}, "from": {"type": "string"}}}}}}}})");
  ASSERT_EQ(document.board.events.size(), 1u);
  EXPECT_EQ(document.board.events[0].fields.size(), 8u);
}

TEST(ImportAsyncapi, RefusesWhatIsNoAsyncapi) {
  EXPECT_EQ(error_of("asyncapi: 3.0.0\n"),
            "a.json: is not JSON; an AsyncAPI document in YAML has to be converted first");
  EXPECT_EQ(error_of("[]"), "a.json: is no AsyncAPI document: it has no \"asyncapi\"");
  EXPECT_EQ(error_of(R"({"openapi": "3.0.0"})"), "a.json: is no AsyncAPI document: it has no \"asyncapi\"");
  EXPECT_EQ(error_of(R"({"asyncapi": "1.2.0"})"), "a.json: AsyncAPI 1.2.0: 2.x and 3.x can be read");
  EXPECT_EQ(error_of(R"({"asyncapi": "3.0.0"})"), "no message is sent or received: there is no event to begin with");
}

TEST(ImportAsyncapi, NeverCrashesOnBrokenDocuments) {
  for (
      const std::string channels :
      {"5", "[]", "{\"a\": 5}", R"({"a": {"$ref": "#/channels/a"}})", R"({"a": {"$ref": "http://x/y"}})",
       R"({"a": {"messages": {"m": {"$ref": "#/channels/a/messages/m"}}}})",
       R"({"a": {"messages": {"m": {"payload": {"$ref": "#/channels/a/messages/m/payload"}}}}})",
       R"({"a": {"messages": {"m": {"payload": {"properties": {"x": {"$ref": "#//~2%zz/9"}}}}}}})",
       R"({"a": {"messages": {"m": {"payload": {"allOf": [{"$ref": "#/channels/a/messages/m/payload"}, {"$ref": "#/channels/a/messages/m/payload"}]}}}}})",
       R"({"a": {"messages": {"m": {"payload": {"type": "array", "items": {"$ref": "#/channels/a/messages/m/payload"}}}}}})"})
    for (const std::string version : {"2.0.0", "3.0.0"}) {
      const AsyncapiFile files[] = {
          {"a.json", "{\"asyncapi\": \"" + version + "\", \"channels\": " + channels +
                         ", \"operations\": {\"o\": {\"action\": 5, \"channel\": [], \"messages\": [1]}}}"}};
      const base::Result<Imported> result = import_asyncapi(files);
      if (result) {
        EXPECT_TRUE(parsed(result->board).faults.empty()) << result->board;
      }
    }
}

TEST(ImportAsyncapi, SurvivesEveryCutOfADocument) {
  const Document before =
      parsed("event A key k fields x:int\nevent B fields v:V\nview V from A fields a:string\ncommand C -> A\n");
  const std::string text = export_asyncapi(Graph(before.board));
  for (size_t length = 0; length < text.size(); length += 7) EXPECT_NE(error_of(text.substr(0, length)), "none");
}

}  // namespace
}  // namespace weft::storm
