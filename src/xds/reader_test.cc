#include "xds/reader.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>
#include <envoy/config/cluster/v3/cluster.pb.h>
#include <envoy/config/core/v3/base.pb.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include "xds/known_types.h"

namespace weft::xds {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::core::v3::Node;

template <typename Message>
Message read(std::string_view yaml, std::string* problems = nullptr, std::string_view name = "f") {
  link_known_types();
  Faults faults;
  Message message;
  const std::string file(name);
  const auto root = name.ends_with(".json") ? parse_json(yaml, file, faults) : parse_yaml(yaml, file, faults);
  if (root) read_message(*root, message, Place{}, file, faults);
  if (problems) *problems = faults.to_string();
  else EXPECT_EQ(faults.to_string(), "");
  return message;
}

template <typename Message>
std::string problems(std::string_view yaml, std::string_view name = "f") {
  std::string text;
  read<Message>(yaml, &text, name);
  return text;
}

TEST(Reader, takes_both_spellings_of_a_field_but_only_one_at_a_time) {
  EXPECT_EQ(read<Cluster>("alt_stat_name: a").alt_stat_name(), "a");
  EXPECT_EQ(read<Cluster>("altStatName: a").alt_stat_name(), "a");
  EXPECT_EQ(problems<Cluster>("altStatName: a\nalt_stat_name: b"),
            "f:2:1: alt_stat_name: given twice, in both spellings\n");
}

TEST(Reader, names_the_nearest_field_for_an_unknown_one) {
  EXPECT_EQ(
      problems<Cluster>("conect_timeout: 1s"),
      "f:1:1: conect_timeout: no such field in envoy.config.cluster.v3.Cluster; did you mean \"connect_timeout\"?\n");
  EXPECT_EQ(problems<Cluster>("hosts: []"), "f:1:1: hosts: removed from envoy.config.cluster.v3.Cluster\n");
  EXPECT_EQ(problems<Cluster>("<<: {name: a}"), "f:1:1: <<: YAML merge keys are not expanded (as in Envoy)\n");
}

TEST(Reader, refuses_a_oneof_set_twice) {
  EXPECT_EQ(problems<Cluster>("type: STATIC\ncluster_type: {name: a}"),
            "f:2:1: cluster_type: only one of the fields of \"cluster_discovery_type\" may be set, and \"type\" is\n");
}

TEST(Reader, takes_null_for_the_default) {
  EXPECT_FALSE(read<Cluster>("connect_timeout: null\nname: ~").has_connect_timeout());
  EXPECT_EQ(read<google::protobuf::Value>("~").kind_case(), google::protobuf::Value::kNullValue);
}

TEST(Reader, reads_durations_exactly) {
  const auto duration = [](const char* text) {
    return read<Cluster>(std::string("connect_timeout: ") + text).connect_timeout();
  };
  EXPECT_EQ(duration("1.5s").nanos(), 500000000);
  EXPECT_EQ(duration("0.000000001s").nanos(), 1);
  EXPECT_EQ(duration("-2.25s").seconds(), -2);
  EXPECT_EQ(duration("-2.25s").nanos(), -250000000);
  for (const char* bad :
       {"5", "5m", "1.s", ".5s", "1.0000000001s", "99999999999999s", "s", "+1s", "1 s", "\"\"", "[1]"}) {
    EXPECT_NE(problems<Cluster>(std::string("connect_timeout: ") + bad).find("must be a duration"), std::string::npos)
        << bad;
  }
}

TEST(Reader, reads_enums_by_name_and_number) {
  EXPECT_EQ(read<Cluster>("type: STRICT_DNS").type(), Cluster::STRICT_DNS);
  EXPECT_EQ(read<Cluster>("type: 1").type(), Cluster::STRICT_DNS);
  EXPECT_EQ(
      problems<Cluster>("type: STRICTDNS"),
      "f:1:1: type: \"STRICTDNS\": must be one of STATIC, STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST; did you mean \"STRICT_DNS\"?\n");
  EXPECT_EQ(
      problems<Cluster>("type: eds"),
      "f:1:1: type: \"eds\": must be one of STATIC, STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST; did you mean \"EDS\"?\n");
  EXPECT_NE(problems<Cluster>("type: 77"), "");
}

TEST(Reader, says_what_stands_where_a_duration_is_due) {
  EXPECT_EQ(problems<Cluster>("connect_timeout: {seconds: 1}"),
            "f:1:1: connect_timeout: an object: must be a duration in seconds, as \"1.5s\"\n");
  EXPECT_EQ(problems<Cluster>("connect_timeout: 5"),
            "f:1:1: connect_timeout: 5: must be a duration in seconds, as \"1.5s\"\n");
}

TEST(Reader, keeps_numbers_in_their_ranges) {
  using google::protobuf::Int64Value;
  using google::protobuf::UInt32Value;
  EXPECT_EQ(read<UInt32Value>("4294967295").value(), 4294967295u);
  EXPECT_EQ(read<UInt32Value>("\"12\"").value(), 12u);
  EXPECT_EQ(read<UInt32Value>("0x10").value(), 16u);
  EXPECT_EQ(read<UInt32Value>("010").value(), 8u);
  EXPECT_EQ(read<UInt32Value>("1e3").value(), 1000u);
  EXPECT_EQ(read<Int64Value>("\"9223372036854775807\"").value(), INT64_MAX);
  EXPECT_EQ(read<Int64Value>("9223372036854775807").value(), INT64_MAX);
  for (const char* bad : {"-1", "4294967296", "1.5", "abc", "true", "\"\"", "{}"}) {
    EXPECT_NE(problems<UInt32Value>(bad).find("must be a whole number"), std::string::npos) << bad;
  }
}

TEST(Reader, wants_strings_where_strings_are_due) {
  EXPECT_EQ(problems<Cluster>("name: y"), "f:1:1: name: y: must be a string (put it in quotes)\n");
  EXPECT_EQ(problems<Cluster>("name: 5"), "f:1:1: name: 5: must be a string (put it in quotes)\n");
  EXPECT_EQ(problems<Cluster>("name: [a]"), "f:1:1: name: a list: must be a string\n");
  EXPECT_EQ(problems<Cluster>("name: \"\\xff\\xfe\"").find("UTF-8"), std::string::npos);  // yaml-cpp writes code points
  EXPECT_EQ(problems<Cluster>("respect_dns_ttl: \"true\""),
            "f:1:1: respect_dns_ttl: \"true\": must be true or false\n");
  EXPECT_TRUE(read<Cluster>("respect_dns_ttl: yes").respect_dns_ttl());
}

TEST(Reader, refuses_bytes_that_are_not_utf8) {
  EXPECT_NE(problems<Cluster>("name: 'a\xff'").find("must be UTF-8"), std::string::npos);
  EXPECT_NE(problems<Cluster>("name: '\xed\xa0\x80'").find("must be UTF-8"), std::string::npos);
}

TEST(Reader, decodes_base64_of_both_alphabets) {
  using google::protobuf::BytesValue;
  EXPECT_EQ(read<BytesValue>("aGVsbG8=").value(), "hello");
  EXPECT_EQ(read<BytesValue>("aGVsbG8").value(), "hello");
  EXPECT_EQ(read<BytesValue>("'-_8='").value(), "\xfb\xff");
  EXPECT_NE(problems<BytesValue>("a*b="), "");
}

TEST(Reader, unpacks_any_by_its_type) {
  const auto any =
      read<google::protobuf::Any>("{'@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a}");
  Cluster cluster;
  ASSERT_TRUE(any.UnpackTo(&cluster));
  EXPECT_EQ(cluster.name(), "a");
  const auto wrapped =
      read<google::protobuf::Any>("{'@type': type.googleapis.com/google.protobuf.Duration, value: 1.5s}");
  google::protobuf::Duration duration;
  ASSERT_TRUE(wrapped.UnpackTo(&duration));
  EXPECT_EQ(duration.nanos(), 500000000);
}

TEST(Reader, refuses_an_any_of_unknown_or_missing_type_by_path) {
  EXPECT_EQ(problems<google::protobuf::Any>("{'@type': type.googleapis.com/no.Such, a: 1}"),
            "f:1:2: @type: \"type.googleapis.com/no.Such\": this type is not implemented by Weft\n");
  EXPECT_NE(problems<google::protobuf::Any>("{name: a}").find("\"@type\" is missing"), std::string::npos);
  EXPECT_NE(problems<google::protobuf::Any>("5").find("must be an object"), std::string::npos);
}

TEST(Reader, takes_a_typed_struct_for_what_it_carries) {
  for (const char* type : {"udpa.type.v1.TypedStruct", "xds.type.v3.TypedStruct"}) {
    const auto any = read<google::protobuf::Any>(
        std::string("{'@type': type.googleapis.com/") + type +
        ", type_url: type.googleapis.com/envoy.config.cluster.v3.Cluster, value: {name: a}}");
    EXPECT_EQ(any.type_url(), "type.googleapis.com/envoy.config.cluster.v3.Cluster");
  }
}

TEST(Reader, reads_struct_map_list_and_the_other_well_known_types) {
  const Node node = read<Node>("{metadata: {a: 1, b: [x, null, {c: true}], d: '2'}}");
  EXPECT_EQ(node.metadata().fields().at("a").number_value(), 1);
  EXPECT_EQ(node.metadata().fields().at("b").list_value().values_size(), 3);
  EXPECT_EQ(node.metadata().fields().at("d").string_value(), "2");
  EXPECT_EQ(read<google::protobuf::Timestamp>("'2026-01-31T12:00:00.5Z'").nanos(), 500000000);
  EXPECT_EQ(read<google::protobuf::FieldMask>("'a.bC,d'").paths(0), "a.b_c");
  EXPECT_EQ(problems<Node>("metadata: 5"), "f:1:1: metadata: must be an object\n");
}

TEST(Reader, reads_maps_by_key) {
  const auto cluster = read<Cluster>(
      "{typed_extension_protocol_options: {k: {'@type': type.googleapis.com/envoy.config.cluster.v3.Cluster}}}");
  EXPECT_EQ(cluster.typed_extension_protocol_options().count("k"), 1u);
  EXPECT_EQ(problems<Cluster>("{typed_extension_protocol_options: {k: {'@type': x/y}}}"),
            "f:1:41: typed_extension_protocol_options[\"k\"].@type: \"x/y\": this type is not implemented by Weft\n");
}

TEST(Reader, collects_every_fault) {
  const std::string text = problems<Cluster>(
      "name: 5\ntype: X\nzzz: 1\nconnect_timeout: a\ndns_resolvers: {}\nload_assignment: {endpoints: [{lb_endpoints: 7}]}");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6) << text;
  EXPECT_NE(text.find("f:6:32: load_assignment.endpoints[0].lb_endpoints: 7: must be a list"), std::string::npos)
      << text;
}

TEST(Reader, reads_json_numbers_as_numbers) {
  EXPECT_EQ(read<google::protobuf::DoubleValue>("1.5", nullptr, "f.json").value(), 1.5);
  EXPECT_EQ(read<google::protobuf::Value>("1.5", nullptr, "f.json").number_value(), 1.5);
  EXPECT_EQ(read<google::protobuf::Value>("1.5").string_value(), "1.5");  // YAML, as in Envoy
  EXPECT_NE(problems<Cluster>("{\"name\": 5}", "f.json"), "");
}

}  // namespace
}  // namespace weft::xds
