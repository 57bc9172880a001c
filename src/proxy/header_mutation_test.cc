#include "proxy/header_mutation.h"

#include <gtest/gtest.h>

#include "proxy/rewrite.h"
#include "proxy/testing/heads.h"

namespace weft::proxy {
namespace {

using Action = HeaderAdd::Action;

class Lookup final : public observe::HeaderLookup {
 public:
  explicit Lookup(const http::HeaderMap& headers) : headers_(headers) {}
  std::optional<std::string_view> find(std::string_view name) const override { return headers_.find(name); }
  size_t bytes() const override { return headers_.bytes(); }

 private:
  const http::HeaderMap& headers_;
};

HeaderAdd add_of(std::string name, std::string value, Action action = Action::AppendIfExistsOrAdd) {
  return {.name = std::move(name), .value = observe::Format::parse_text(value).value(), .action = action};
}

class HeaderMutation : public WithHeads {
 protected:
  std::string all(const http::HeaderMap& headers, std::string_view name) {
    std::string out;
    headers.for_each([&](const http::Header& line) {
      if (line.name == name) out += "[" + std::string(line.value) + "]";
    });
    return out;
  }
};

TEST_F(HeaderMutation, EachAppendActionDoesWhatItSays) {
  HeaderMutations mutations;
  for (const auto& [suffix, action] : {std::pair{"append", Action::AppendIfExistsOrAdd},
                                       {"absent", Action::AddIfAbsent},
                                       {"overwrite", Action::OverwriteIfExistsOrAdd},
                                       {"exists", Action::OverwriteIfExists}}) {
    mutations.adds.push_back(add_of("old-" + std::string(suffix), "new", action));
    mutations.adds.push_back(add_of("new-" + std::string(suffix), "new", action));
  }
  auto head = request(
      {{"old-append", "a"}, {"old-absent", "a"}, {"old-overwrite", "a"}, {"old-overwrite", "b"}, {"old-exists", "a"}});
  mutations.apply(head, {});
  EXPECT_EQ(all(head, "old-append"), "[a][new]");
  EXPECT_EQ(all(head, "new-append"), "[new]");
  EXPECT_EQ(all(head, "old-absent"), "[a]");
  EXPECT_EQ(all(head, "new-absent"), "[new]");
  EXPECT_EQ(all(head, "old-overwrite"), "[new]");
  EXPECT_EQ(all(head, "new-overwrite"), "[new]");
  EXPECT_EQ(all(head, "old-exists"), "[new]");
  EXPECT_EQ(all(head, "new-exists"), "");
}

TEST_F(HeaderMutation, RemovesComeBeforeAdds) {
  HeaderMutations mutations;
  mutations.removes = {"x"};
  mutations.adds = {add_of("x", "new")};
  auto head = request({{"x", "a"}, {"x", "b"}});
  mutations.apply(head, {});
  EXPECT_EQ(all(head, "x"), "[new]");
}

TEST_F(HeaderMutation, AnEmptyValueIsAddedOnlyWhereKept) {
  HeaderMutations mutations;
  mutations.adds = {add_of("dropped", ""), add_of("kept", "")};
  mutations.adds[1].keep_empty_value = true;
  auto head = request({});
  mutations.apply(head, {});
  EXPECT_FALSE(head.find("dropped"));
  EXPECT_EQ(head.find("kept"), "");
}

TEST_F(HeaderMutation, ValuesAreMadeFromTheHeadersAsReceived) {
  HeaderMutations mutations;
  mutations.adds = {add_of("x", "new", Action::OverwriteIfExistsOrAdd),
                    {.name = "copy",
                     .value = observe::Format::parse_text("%REQ(x)%").value(),
                     .action = Action::AppendIfExistsOrAdd}};
  auto head = request({{"x", "old"}});
  const Lookup lookup(head);
  observe::RequestInfo info;
  info.request_headers = &lookup;
  mutations.apply(head, info);
  EXPECT_EQ(head.get("copy"), "old");
  EXPECT_EQ(head.get("x"), "new");
}

TEST_F(HeaderMutation, WhatSteersTheMessageIsProtected) {
  HeaderMutations mutations;
  mutations.removes = {":path", "host"};
  mutations.adds = {add_of(":path", "/evil", Action::OverwriteIfExistsOrAdd),
                    add_of("host", "evil", Action::OverwriteIfExistsOrAdd)};
  auto head = get("a.com", "/", {{"host", "a.com"}});
  mutations.apply(head, {});
  EXPECT_EQ(head.path(), "/");
  EXPECT_EQ(head.get("host"), "a.com");
}

class Levels : public HeaderMutation {
 protected:
  Levels() {
    for (auto* level :
         {&config_.request_headers, &host_.request_headers, &route_.request_headers, &weighted_.request_headers,
          &config_.response_headers, &host_.response_headers, &route_.response_headers, &weighted_.response_headers}) {
      level->adds.push_back(add_of("x", name_of(level)));
    }
    levels_.weighted = &weighted_;
  }
  std::string name_of(const HeaderMutations* level) {
    return level == &config_.request_headers || level == &config_.response_headers ? "config"
           : level == &host_.request_headers || level == &host_.response_headers   ? "host"
           : level == &route_.request_headers || level == &route_.response_headers ? "route"
                                                                                   : "weighted";
  }
  RouteConfig config_;
  VirtualHost host_;
  Route route_;
  WeightedCluster weighted_;
  MutationLevels levels_{&config_, &host_, &route_};
};

TEST_F(Levels, TheLeastSpecificComesLastAndWins) {
  auto head = request({});
  apply_request_mutations(levels_, head, {});
  EXPECT_EQ(all(head, "x"), "[weighted][route][host][config]");
  auto answer = response(200);
  apply_response_mutations(levels_, answer, {});
  EXPECT_EQ(all(answer, "x"), "[weighted][route][host][config]");
}

TEST_F(Levels, MostSpecificWinsReversesAllButTheWeightedCluster) {
  config_.most_specific_header_mutations_wins = true;
  auto head = request({});
  apply_request_mutations(levels_, head, {});
  EXPECT_EQ(all(head, "x"), "[weighted][config][host][route]");
  levels_.weighted = nullptr;
  auto answer = response(200);
  apply_response_mutations(levels_, answer, {});
  EXPECT_EQ(all(answer, "x"), "[config][host][route]");
}

}  // namespace
}  // namespace weft::proxy
