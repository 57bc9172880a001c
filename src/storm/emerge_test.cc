// What emerges on boards that are not finished, and where a workshop stands.
#include "storm/emerge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "storm/stages.h"
#include "storm/testing/boards.h"

namespace weft::storm {
namespace {

std::vector<std::string> clusters_of(const std::string& text, bool keeps_declared = false) {
  const Document document = parsed(text);
  std::vector<std::string> out;
  for (const AggregateCandidate& each : emerge(Graph(document.board), keeps_declared).aggregates) {
    std::string line = each.name + ":";
    for (const Index command : each.commands) line += " " + document.board.commands[command].name;
    if (each.commands.empty())
      for (const Index event : each.events) line += " (" + document.board.events[event].name + ")";
    out.push_back(line);
  }
  return out;
}
using List = std::vector<std::string>;

std::string without_keys(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line); out += line + "\n") {
    for (const std::string clause : {"key ", "ref "})
      if (!line.starts_with("event")) break;
      else if (const size_t at = line.find(clause); at != std::string::npos) {
        const size_t end = line.find_first_of(" \n", line.find_first_not_of(' ', at + 4));
        line.erase(at, end == std::string::npos ? end : end - at);
      }
  }
  return out;
}

TEST(Emerge, FindsWhatWasDeclaredOnEveryBoard) {
  for (const std::string& name : board_names()) {
    const Document document = parsed(board_text(name));
    const std::vector<AggregateCandidate> found = emerge(Graph(document.board)).aggregates;
    for (const Aggregate& declared : document.board.aggregates) {
      const auto same = std::ranges::find(found, declared.name, &AggregateCandidate::name);
      ASSERT_NE(same, found.end()) << name << " " << declared.name;
      EXPECT_EQ(same->commands.size(), declared.commands.size()) << name << " " << declared.name;
    }
  }
}

TEST(Emerge, InfersKeysFromWords) {
  EXPECT_EQ(clusters_of(without_keys(board_text("game"))),
            (List{"Challenge: SendChallenge AcceptChallenge", "Game: BeginGame AgreeToDraw ForfeitGame",
                  "Move: MakeMove", "Draw: OfferDraw", "Rating: ChangeRating"}));
}

TEST(Emerge, AsksIdsAndReferencesWhereNamesShareNothing) {
  const List together = {"Parcel: (ParcelShipped) (ParcelReturned) (GoodsDelivered)"};
  EXPECT_EQ(
      clusters_of(
          "event ParcelShipped fields parcelId:uuid\nevent ParcelReturned fields parcelId:uuid\nevent GoodsDelivered fields parcelId:uuid\n"),
      together);
  EXPECT_EQ(clusters_of("event ParcelShipped\nevent ParcelReturned\nevent GoodsDelivered ref parcel\n"), together);
}

TEST(Emerge, LeavesAnEventWithItsCommandWhereItsKeyIsAGuess) {
  EXPECT_EQ(
      clusters_of(
          "event LotShown\nevent HammerFell\nevent LotSold\nevent LotBoughtIn\ncommand ShowLot -> LotShown\ncommand DropHammer -> HammerFell + LotSold | HammerFell + LotBoughtIn\n"),
      (List{"Lot: ShowLot DropHammer"}));
}

TEST(Emerge, NamesAClusterByAllThatItsEventsShare) {
  EXPECT_EQ(clusters_of("event CallForPapersOpened\nevent CallForPapersClosed\nevent PollOpened\n"),
            (List{"CallForPapers: (CallForPapersOpened) (CallForPapersClosed)", "Poll: (PollOpened)"}));
}

TEST(Emerge, AsksRefusalsForAnotherKey) {
  const Document document = parsed(
      "event PollOpened\nevent PollClosed\nevent VoteCast\nevent VoteChanged\ncommand CastVote -> VoteCast ! PollNotOpen\n");
  const Emerged emerged = emerge(Graph(document.board));
  ASSERT_EQ(emerged.aggregates.size(), 2u);
  EXPECT_EQ(emerged.aggregates[1].alternatives, (List{"VoteCast may belong to 'poll'"}));
}

TEST(Emerge, DoubtsWhatItInferred) {
  for (const std::string name : {"game", "library", "hospital", "bank", "shop"}) {
    const Document document = parsed(without_keys(board_text(name)));
    for (const AggregateCandidate& each : emerge(Graph(document.board)).aggregates) {
      EXPECT_TRUE(each.is_key_inferred);
      EXPECT_LT(each.confidence, 0.8) << name << " " << each.name;
    }
  }
}

TEST(Emerge, GroupsEventsBeforeThereAreCommands) {
  EXPECT_EQ(clusters_of("event OrderPlaced\nevent OrderPaid\nevent ParcelPacked\nevent ParcelSent\n"),
            (List{"Order: (OrderPlaced) (OrderPaid)", "Parcel: (ParcelPacked) (ParcelSent)"}));
  EXPECT_EQ(clusters_of(""), List{});
}

TEST(Emerge, LeavesToSystemsWhatTheyDecide) {
  EXPECT_EQ(
      clusters_of("system Mail\nevent Sent key mail\nevent Arrived from Mail key mail\ncommand Send to Mail -> Sent\n"),
      List{});
}

TEST(Emerge, OffersToMergeWhatChangesTogether) {
  const Document document =
      parsed("event APaid key a\nevent BPaid key b\ncommand PayA -> APaid + BPaid\ncommand PayB -> BPaid\n");
  const Emerged emerged = emerge(Graph(document.board));
  ASSERT_EQ(emerged.aggregates.size(), 2u);
  EXPECT_EQ(emerged.aggregates[0].alternatives, (List{"merge with 'b': PayA changes both in one transaction"}));
  EXPECT_LT(emerged.aggregates[0].confidence, 0.8);
}

TEST(Emerge, KeepsWhatIsDeclaredWhenAsked) {
  const std::string text =
      "event APaid key a\nevent BPaid key b\ncommand PayA -> APaid\ncommand PayB -> BPaid\naggregate All key a \"x\" commands PayA, PayB\n";
  EXPECT_EQ(clusters_of(text), (List{"A: PayA", "B: PayB"}));
  EXPECT_EQ(clusters_of(text, true), (List{"All: PayA PayB"}));
}

/// "stage next rule element, …"
std::string step_of(const std::string& text) {
  const Document document = parsed(text);
  const NextStep step = next_step(Graph(document.board));
  std::string out =
      std::string(to_string(step.stage)) + " " + (step.next ? std::string(to_string(*step.next)) : "null");
  for (const Finding& each : step.missing) out += " " + each.rule + (each.element.empty() ? "" : ":" + each.element);
  EXPECT_FALSE(step.advice.empty());
  return out;
}

TEST(Stages, NameWhatIsMissing) {
  EXPECT_EQ(step_of("stage explore\nevent APaid\n"), "explore explore S02");
  EXPECT_EQ(step_of("stage explore\nevent APaid\nevent BPaid\nevent CPaid\n"), "explore timeline");
  EXPECT_EQ(step_of("stage timeline\nevent ItemPaid\nevent PaidItem\nevent CPaid\n"), "timeline timeline E04:PaidItem");
  EXPECT_EQ(step_of("stage people\nevent APaid\nevent BPaid\nevent CPaid\n"), "people people S02");
  EXPECT_EQ(step_of("stage people\nactor Ann\nevent APaid\nevent BPaid\nevent CPaid\n"), "people problems");
  const std::string commands =
      "actor Ann\nevent APaid\nevent BPaid\nevent CPaid\ncommand PayA -> APaid\ncommand PayB by Ann -> BPaid\n";
  EXPECT_EQ(step_of("stage commands\n" + commands), "commands commands E02:CPaid");
  EXPECT_EQ(step_of("stage policies\n" + commands + "command PayC by Ann -> CPaid\n"), "policies policies C03:PayA");
  EXPECT_EQ(step_of("stage aggregates\n" + commands + "command PayC by Ann -> CPaid\n"),
            "aggregates policies C03:PayA");
  EXPECT_EQ(step_of(board_text("game")), "aggregates design");
  EXPECT_EQ(step_of(board_text("bank")), "design null");
}

TEST(Stages, AreTheLatestThatAnElementNeedsWithoutAHeader) {
  EXPECT_EQ(parsed("event A\n").board.current_stage(), Stage::Explore);
  EXPECT_EQ(parsed("event A pivotal\n").board.current_stage(), Stage::Pivotal);
  EXPECT_EQ(parsed("event A\nview B from A\n").board.current_stage(), Stage::Policies);
  EXPECT_EQ(parsed("context x\nevent A\n").board.current_stage(), Stage::Design);
}

}  // namespace
}  // namespace weft::storm
