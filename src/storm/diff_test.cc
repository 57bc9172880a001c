#include "storm/diff.h"

#include <gtest/gtest.h>

#include "storm/testing/boards.h"

namespace weft::storm {
namespace {

/// "renamed event A (was B)!" of each change; "!" for a breaking one.
std::vector<std::string> changes_between(const std::string& before, const std::string& after) {
  std::vector<std::string> out;
  for (const Change& change : diff(parsed(before).board, parsed(after).board))
    out.push_back(std::string(to_string(change.type)) + " " + change.kind + " " + change.name +
                  (change.was.empty() ? "" : " (was " + change.was + ")") + (change.is_breaking ? "!" : ""));
  return out;
}
using List = std::vector<std::string>;

List edited(const std::string& board, const std::string& from, const std::string& to) {
  const std::string text = board_text(board);
  return changes_between(text, replaced(text, from, to));
}

TEST(Diff, SeesNoChangeInLayoutAndComments) {
  EXPECT_EQ(changes_between("event A key k\nevent B\ncommand C\ncommand D\n",
                            "# x\ncommand D\nevent A\n  key k\nevent  B  # y\ncommand C\n"),
            List{});
}

TEST(Diff, SeesWhatMovedOnTheTimeline) {
  EXPECT_EQ(changes_between("event A\nevent B\nevent C\nevent D\n", "event A\nevent C\nevent D\nevent B\n"),
            (List{"changed event B"}));
  EXPECT_EQ(changes_between("event A\nevent B\nevent C\n", "event C\nevent New\nevent A\nevent B\n"),
            (List{"added event New", "changed event C"}));
}

TEST(Diff, FindsAnotherNameForSomebody) {
  EXPECT_EQ(changes_between("actor Ann\ncommand Do by Ann\n", "actor Bob\ncommand Do by Bob\n"),
            (List{"renamed actor Bob (was Ann)"}));
}

TEST(Diff, ComparesWhatIsDeclaredTwiceInOrder) {
  EXPECT_EQ(changes_between("event A key k\nevent A key l\n", "event A key k\nevent A key l\n"), List{});
  EXPECT_EQ(changes_between("event A key k\nevent A key l\n", "event A key k\n"), (List{"removed event A!"}));
  EXPECT_EQ(changes_between("event A key k\n", "event A key k\nevent A key l\n"), (List{"added event A"}));
}

TEST(Diff, BreaksWhereAnEventGoes) {
  EXPECT_EQ(changes_between("event A\nevent B\n", "event A\n"), (List{"removed event B!"}));
  EXPECT_EQ(edited("game", "DrawOffered", "DrawProposed"), (List{"renamed event DrawProposed (was DrawOffered)!"}));
  EXPECT_EQ(edited("game", "MakeMove", "PlayMove"), (List{"renamed command PlayMove (was MakeMove)"}));
  EXPECT_EQ(edited("shop", "owns Parcel  ", "owns Parcel, Return  "),
            (List{"changed context fulfilment", "changed event ReturnRequested!", "changed event ReturnAccepted!",
                  "changed event ReturnRefused!"}));
  EXPECT_EQ(changes_between(board_text("bank"),
                            replaced(replaced(board_text("bank"), "aggregate Account", "aggregate Ledger"),
                                     "owns Account", "owns Ledger")),
            (List{"renamed aggregate Ledger (was Account)"}));
}

TEST(Diff, BreaksWhereAContractNarrows) {
  const auto event = [](const std::string& before, const std::string& after) {
    return changes_between("event A fields " + before, "event A fields " + after);
  };
  const List breaking = {"changed event A!"}, harmless = {"changed event A"};
  EXPECT_EQ(event("a:int, b:int", "a:int"), breaking);
  EXPECT_EQ(event("a?:int", "a:int"), breaking);
  EXPECT_EQ(event("a:int>=1", "a:int>=2"), breaking);
  EXPECT_EQ(event("a:int", "a:int<=9"), breaking);
  EXPECT_EQ(event("a:string", "a:uuid"), breaking);
  EXPECT_EQ(event("a:number", "a:int"), breaking);
  EXPECT_EQ(event("a:int", "a:int[]"), breaking);
  EXPECT_EQ(event("a:string one of x|y", "a:string one of x"), breaking);
  EXPECT_EQ(event("a:string", "a:string one of x"), breaking);
  EXPECT_EQ(event("a:int", "a:int, b:int"), harmless);
  EXPECT_EQ(event("a:int", "a?:int"), harmless);
  EXPECT_EQ(event("a:int>=2", "a:int>=1"), harmless);
  EXPECT_EQ(event("a:int", "a:number"), harmless);
  EXPECT_EQ(event("a:string one of x", "a:string one of x|y"), harmless);
}

TEST(Diff, BreaksCallersWhereACommandAsksForMore) {
  EXPECT_EQ(changes_between("command Do fields a:int", "command Do fields a:int, b:int"),
            (List{"changed command Do!"}));
  EXPECT_EQ(changes_between("command Do fields a:int", "command Do fields a:int, b?:int"),
            (List{"changed command Do"}));
  EXPECT_EQ(changes_between("command Do fields a:int", "command Do"), (List{"changed command Do"}));
}

TEST(Diff, KnowsThatASystemsEventHasTheSystemInItsType) {
  EXPECT_EQ(edited("shop", "fronts Bank, Carrier", "fronts Carrier\ncontext money generic fronts Bank"),
            (List{"changed context partners", "added context money"}));
}

TEST(Diff, BreaksWhereTheTypeOfEventsChanges) {
  EXPECT_EQ(edited("shop", "type    example.shop", "type    org.shop"), (List{"changed board shop!"}));
  EXPECT_EQ(edited("shop", "owns Parcel             team warehouse\ncontext aftersales supporting owns Return ",
                   "owns Return             team warehouse\ncontext aftersales supporting owns Parcel "),
            (List{"changed context fulfilment", "changed context aftersales", "changed event ParcelPacked!",
                  "changed event ReturnRequested!", "changed event ReturnAccepted!", "changed event ReturnRefused!"}));
}

}  // namespace
}  // namespace weft::storm
