// The reference board gives what was computed for it by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "storm/emerge.h"
#include "storm/lint.h"
#include "storm/stages.h"
#include "storm/testing/boards.h"

namespace weft::storm {
namespace {

using Names = std::vector<std::string>;

class TechTalks : public ::testing::Test {
 protected:
  /// Without the lines of these kinds.
  static std::string stripped(const Names& kinds) {
    std::string out;
    const Document whole = parsed(board_text("techtalks"));
    for (uint32_t line = 1; line <= whole.lines.size(); ++line) {
      const bool is_gone = std::ranges::any_of(whole.statements, [&](const Statement& each) {
        return line >= each.first_line && line <= each.last_line &&
               std::ranges::find(kinds, each.tokens[0].text) != kinds.end();
      });
      if (!is_gone) out += whole.lines[line - 1].content + "\n";
    }
    return out;
  }
  template <typename Elements>
  static Names names(const Elements& elements, const Indices& indices) {
    Names out;
    for (const Index index : indices) out.push_back(elements[index].name);
    return out;
  }

  const Document document = parsed(board_text("techtalks"));
  const Graph graph{document.board};
};

TEST_F(TechTalks, HasTheseElements) {
  const Counts counts = count(document.board);
  EXPECT_EQ(counts.events, 37u);
  EXPECT_EQ(counts.commands, 32u);
  EXPECT_EQ(counts.policies, 17u);
  EXPECT_EQ(counts.views, 11u);
  EXPECT_EQ(counts.aggregates, 6u);
  EXPECT_EQ(counts.contexts, 6u);
  EXPECT_EQ(counts.hotspots, 9u);
  EXPECT_EQ(counts.actors, 4u);
  EXPECT_EQ(counts.systems, 5u);
}

TEST_F(TechTalks, HasNoErrors) {
  std::map<std::string, int> by_rule;
  for (const Finding& finding : lint(document)) {
    EXPECT_NE(finding.level, Level::Error) << finding.rule << " " << finding.message;
    ++by_rule[finding.rule];
  }
  EXPECT_EQ(by_rule,
            (std::map<std::string, int>{{"A07", 1}, {"C04", 4}, {"C05", 5}, {"E05", 1}, {"H01", 9}, {"P04", 15}}));
}

TEST_F(TechTalks, ShowsItsAggregatesWithoutBeingTold) {
  const Document bare = parsed(stripped({"aggregate", "context"}));
  ASSERT_TRUE(bare.board.aggregates.empty());
  const Emerged emerged = emerge(Graph(bare.board));
  ASSERT_EQ(emerged.aggregates.size(), 6u);
  for (const Aggregate& declared : document.board.aggregates) {
    const auto found = std::ranges::find(emerged.aggregates, declared.name, &AggregateCandidate::name);
    ASSERT_NE(found, emerged.aggregates.end()) << declared.name;
    Names commands;
    for (const Reference& command : declared.commands) commands.push_back(command.name);
    EXPECT_EQ(names(bare.board.commands, found->commands), commands) << declared.name;
    EXPECT_EQ(found->key, declared.keys[0].name);
    EXPECT_GE(found->confidence, 0.8) << declared.name;
    EXPECT_FALSE(found->why.empty());
  }
}

TEST_F(TechTalks, RanksItsPivotalEventsAmongTheFirstSix) {
  const Emerged emerged = emerge(graph);
  const std::map<std::string, double> expected = {{"CallForPapersClosed", 13}, {"ProgrammePublished", 8.5},
                                                  {"TalkWithdrawn", 8.25},     {"SessionClosed", 8},
                                                  {"CallForPapersOpened", 7},  {"PollClosed", 7}};
  std::map<std::string, double> first_six;
  for (size_t i = 0; i < 6; ++i)
    first_six[document.board.events[emerged.pivotal[i].event].name] = emerged.pivotal[i].score;
  EXPECT_EQ(first_six, expected);
}

TEST_F(TechTalks, HasTwoRulesThatNeedAnotherAggregatesState) {
  Names rules;
  const Emerged emerged = emerge(graph);
  for (const CrossRule& rule : emerged.rules)
    rules.push_back(document.board.commands[rule.command].name + " ! " + rule.refusal + " of " +
                    emerged.aggregates[rule.aggregate].name);
  EXPECT_EQ(rules, (Names{"SubmitTalk ! CallClosed of Round", "ReviseTalk ! CallClosed of Round"}));
}

TEST_F(TechTalks, HasEighteenPolicyEdgesAcrossContexts) {
  std::map<std::string, int> edges;
  for (const Crossing& crossing : graph.crossings()) ++edges[crossing.from + " " + crossing.to];
  EXPECT_EQ(edges, (std::map<std::string, int>{{"clock call-for-papers", 2},
                                               {"clock voting", 1},
                                               {"call-for-papers voting", 2},
                                               {"call-for-papers programme", 2},
                                               {"voting programme", 2},
                                               {"programme messaging", 5},
                                               {"call-for-papers messaging", 1},
                                               {"live messaging", 1},
                                               {"live call-for-papers", 1},
                                               {"programme call-for-papers", 1}}));
}

TEST_F(TechTalks, JumpsToConclusionsAtAnEarlierStage) {
  const Document early = parsed(replaced(board_text("techtalks"), "stage   design", "stage   policies"));
  std::map<std::string, int> ahead;
  for (const Finding& finding : lint(early))
    if (finding.level == Level::Error) ++ahead[finding.rule];
  EXPECT_EQ(ahead, (std::map<std::string, int>{{"A02", 6}, {"S01", 6}}));
}

TEST(Languages, AreNotHeldToEnglishTenses) {
  const auto errors = [](const std::string& text) {
    int count = 0;
    for (const Finding& finding : lint(parsed(text))) count += finding.level == Level::Error;
    return count;
  };
  EXPECT_EQ(errors("event OfenAngeheizt\nevent TeigGeknetet\nevent BrotGebacken\nevent BrotVerkauft\n"), 0);
  EXPECT_EQ(errors("event ЗаказПринят\nevent БлюдоПодано\n"), 0);
  EXPECT_EQ(errors("event HeatOven\nevent KneadDough\nevent BakeBread\nevent SellBread\n"), 4)
      << "orders in English are told";
}

TEST_F(TechTalks, IsDone) {
  const NextStep step = next_step(graph);
  EXPECT_EQ(step.stage, Stage::Design);
  EXPECT_FALSE(step.next.has_value());
  EXPECT_TRUE(step.missing.empty());
}

}  // namespace
}  // namespace weft::storm
