#include "xds/document.h"

#include <gtest/gtest.h>

namespace weft::xds {
namespace {

std::string faults_of_yaml(std::string_view text) {
  Faults faults;
  parse_yaml(text, "f", faults);
  return faults.to_string();
}

Node::Kind kind_of(const std::string& scalar) {
  bool boolean = false;
  return yaml_scalar_kind(scalar, boolean);
}

TEST(Document, types_yaml_scalars_as_envoy_does) {
  for (const char* text : {"true", "yes", "on", "y", "Y", "NO", "off", "n", "False"})
    EXPECT_EQ(kind_of(text), Node::Kind::Bool) << text;
  for (const char* text : {"0", "-5", "0x1f", "9007199254740992"})
    EXPECT_EQ(kind_of(text), Node::Kind::Integer) << text;
  for (const char* text : {"1.5", "9007199254740993", "yeah", "5s", "1e3", ""})
    EXPECT_EQ(kind_of(text), Node::Kind::Text) << text;
}

TEST(Document, keeps_quoted_scalars_as_text) {
  Faults faults;
  const auto root = parse_yaml("{a: 'y', b: \"5\", c: !!str 5}", "f", faults);
  for (const Node::Entry& entry : root->entries) EXPECT_EQ(entry.value->kind, Node::Kind::Text) << entry.key;
}

TEST(Document, remembers_where_everything_stands) {
  Faults faults;
  const auto root = parse_yaml("a:\n  - b: 1\n  - c: 2\n", "f", faults);
  const Node& item = *root->entries[0].value->items[1];
  EXPECT_EQ(item.entries[0].mark.line, 3u);
  EXPECT_EQ(item.entries[0].mark.column, 5u);
}

TEST(Document, refuses_a_key_given_twice) {
  EXPECT_EQ(faults_of_yaml("a: 1\nb: 2\na: 3\n"), "f:3:1: \"a\": given twice\n");
}

TEST(Document, refuses_nesting_beyond_the_limit_without_recursing) {
  for (size_t depth : {200ul, 10000ul}) {
    EXPECT_NE(faults_of_yaml(std::string(depth, '[')), "") << depth;
    Faults faults;
    EXPECT_EQ(parse_json(std::string(depth, '['), "f", faults), nullptr);
    EXPECT_EQ(faults.to_string(), "f:1:101: nested deeper than 100 levels\n");
  }
  std::string block;
  for (int i = 0; i < 120; ++i) block += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_NE(faults_of_yaml(block + std::string(120, ' ') + "b").find("nested deeper than 100 levels"),
            std::string::npos);
}

TEST(Document, refuses_aliases_that_expand_without_bound) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += last + (j < 9 ? ", " : "]\n");
  }
  EXPECT_NE(faults_of_yaml(bomb).find("aliases expand to more than 100000 nodes"), std::string::npos);
}

TEST(Document, shares_what_an_alias_names_and_refuses_a_circle) {
  Faults faults;
  const auto root = parse_yaml("a: &x {b: 1}\nc: *x\n", "f", faults);
  EXPECT_EQ(root->entries[0].value, root->entries[1].value);
  EXPECT_NE(faults_of_yaml("a: &x [*x]\n"), "");
}

TEST(Document, skips_keys_tagged_ignore) {
  Faults faults;
  const auto root = parse_yaml("!ignore shared: &x {a: 1}\nb: *x\n", "f", faults);
  ASSERT_EQ(root->entries.size(), 1u);
  EXPECT_EQ(root->entries[0].key, "b");
}

TEST(Document, refuses_an_empty_document_and_a_second_one) {
  EXPECT_EQ(faults_of_yaml(""), "f: the document is empty\n");
  EXPECT_EQ(faults_of_yaml("a: 1\n---\nb: 2\n"), "f:3:1: a second document: only one is read\n");
}

TEST(Document, reads_json_with_places) {
  Faults faults;
  const auto root = parse_json("{\n  \"a\": [1, 2.5, \"x\\u00e9\"],\n  \"b\": null\n}", "f", faults);
  ASSERT_TRUE(faults.is_empty()) << faults.to_string();
  const Node& list = *root->entries[0].value;
  EXPECT_EQ(list.mark.column, 8u);
  EXPECT_EQ(list.items[1]->kind, Node::Kind::Real);
  EXPECT_EQ(list.items[1]->mark.column, 12u);
  EXPECT_EQ(list.items[2]->text, "x\xc3\xa9");
  EXPECT_EQ(root->entries[1].mark.line, 3u);
}

TEST(Document, refuses_broken_json_with_its_place) {
  Faults faults;
  EXPECT_EQ(parse_json("{\"a\": 1,\n \"a\": 2, ]", "f", faults), nullptr);
  const std::string text = faults.to_string();
  EXPECT_NE(text.find("f:2:2: \"a\": given twice"), std::string::npos) << text;
  EXPECT_NE(text.find("f:2:10: syntax error"), std::string::npos) << text;
}

TEST(Sources, finds_places_in_merged_texts) {
  Faults faults;
  Sources sources;
  sources.add("one", parse_yaml("list:\n  - name: a\nmaxRequests: 3\n", "one", faults));
  sources.add("two", parse_yaml("list: [{name: b}]\n", "two", faults));
  const auto place = [&](std::string path) {
    Fault fault{{}, {}, std::move(path), "m", false};
    sources.locate(fault);
    fault.path.clear();
    return fault.to_string();
  };
  EXPECT_EQ(place("list[0].name"), "one:2:5: m");
  EXPECT_EQ(place("list[1].name"), "two:1:9: m");
  EXPECT_EQ(place("max_requests"), "one:3:1: m");
  EXPECT_EQ(place("list[0].name.deeper[3]"), "one:2:5: m");
}

}  // namespace
}  // namespace weft::xds
