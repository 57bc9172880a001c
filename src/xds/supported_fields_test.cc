// Every example loads; together they set every field that translation reads; and docs/supported-fields.md lists exactly
// those. WEFT_WRITE_DOCUMENTS=1 rewrites the document.
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "xds/load.h"

namespace weft::xds {
namespace {

constexpr const char* kFiles[] = {
    "examples/envoy/access-log.yaml",
    "examples/envoy/fault.yaml",
    "examples/envoy/grpc.yaml",
    "examples/envoy/h2.yaml",
    "examples/envoy/headers.yaml",
    "examples/envoy/http1.json",
    "examples/envoy/http1.yaml",
    "examples/envoy/mtls-egress.yaml",
    "examples/envoy/mtls-ingress.yaml",
    "examples/envoy/old-spellings.yaml",
    "examples/envoy/redirect.yaml",
    "examples/envoy/resilience.yaml",
    "examples/envoy/routing.yaml",
    "examples/envoy/sni.yaml",
    "examples/envoy/strict-dns.yaml",
    "examples/envoy/tls.yaml",
    "examples/envoy/upgrade.yaml",
    "tests/data/xds/every-field.yaml",
    "tests/data/xds/every-fault-field.yaml",
};
constexpr const char* kDocument = "docs/supported-fields.md";

class Example : public testing::TestWithParam<const char*> {};

TEST_P(Example, loads) {
  const Loaded loaded = load_bootstrap({GetParam(), "", "", ""});
  EXPECT_EQ(loaded.faults.to_string(), "");
  EXPECT_NE(loaded.snapshot, nullptr);
}

INSTANTIATE_TEST_SUITE_P(All, Example, testing::ValuesIn(kFiles));

// A negative duration must be refused wherever one is read, and once: translation leaves it to the rules.
TEST(SupportedFields, a_negative_duration_is_one_fault_wherever_it_stands) {
  const RE2 duration(R"re(: *"?([0-9.]+s)"?[\s,}\]])re");
  size_t tried = 0;
  for (const char* file : kFiles) {
    std::ifstream stream(file);
    const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    re2::StringPiece rest(text), found;
    for (; RE2::FindAndConsume(&rest, duration, &found); ++tried) {
      std::string broken = text;
      broken.replace(static_cast<size_t>(found.data() - text.data()), found.size(), "-1s");
      const std::string faults = load_bootstrap_text(broken, file).faults.to_string();
      EXPECT_EQ(std::count(faults.begin(), faults.end(), '\n'), 1) << found << "\n" << faults;
      EXPECT_NE(faults.find(": -1s: must "), std::string::npos) << found << "\n" << faults;
    }
  }
  EXPECT_GT(tried, 50u);
}

std::string document_of(const std::map<std::string, std::string>& fields) {
  std::string text =
      "# Supported fields\n\n"
      "Made by `supported_fields_test` from what translation reads; do not edit (`WEFT_WRITE_DOCUMENTS=1 build/debug/xds_test` writes it).\n"
      "A field of the Envoy v3 API that is not listed is refused by its path, never ignored. A note says why a field that is\n"
      "accepted changes nothing.\n";
  std::string type;
  for (const auto& [name, note] : fields) {
    const size_t dot = name.rfind('.');
    if (name.substr(0, dot) != type) {
      type = name.substr(0, dot);
      text += "\n## " + type + "\n\n";
    }
    text += "- `" + name.substr(dot + 1) + "`" + (note.empty() ? "" : ": " + note) + "\n";
  }
  return text;
}

TEST(SupportedFields, are_all_set_by_some_example_and_listed_in_the_document) {
  std::map<std::string, std::string> supported;
  std::set<std::string> unset;
  for (const char* file : kFiles) {
    const Loaded loaded = load_bootstrap({file, "", "", ""});
    supported.insert(loaded.supported.begin(), loaded.supported.end());
    unset.insert(loaded.asked.begin(), loaded.asked.end());
  }
  for (const auto& [name, note] : supported) unset.erase(name);
  std::string missing;
  for (const std::string& name : unset) missing += name + "\n";
  EXPECT_EQ(missing, "") << "set these in tests/data/xds/every-field.yaml";

  const std::string document = document_of(supported);
  if (std::getenv("WEFT_WRITE_DOCUMENTS")) std::ofstream(kDocument) << document;
  const auto committed = read_file(kDocument);
  EXPECT_EQ(committed ? *committed : std::string(), document)
      << kDocument << " differs: run WEFT_WRITE_DOCUMENTS=1 build/debug/xds_test";
}

}  // namespace
}  // namespace weft::xds
