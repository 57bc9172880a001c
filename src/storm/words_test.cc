#include "storm/words.h"

#include <gtest/gtest.h>

#include "storm/guard.h"

namespace weft::storm {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreFoundInNames) {
  EXPECT_EQ(split_words("TalkNotSelected"), (Words{"talk", "not", "selected"}));
  EXPECT_EQ(split_words("talk-not_selected"), (Words{"talk", "not", "selected"}));
  EXPECT_EQ(split_words("HTTPRequestSent2x"), (Words{"http", "request", "sent2x"}));
  EXPECT_EQ(kebab_case("CallForPapers"), "call-for-papers");
}

TEST(Words, KnowThePastTense) {
  for (const char* name : {"TalkSubmitted",   "TalkWithdrawn",  "VoteCast",
                           "OrderPaidInFull", "UserLoggedIn",   "MoneyTransferredToAccount",
                           "Withdrawn",       "GameBegun",      "CopyBroughtBack",
                           "BedFreed",        "FeedRead",       "PasswordReset",
                           "LetterWritten",   "ShiftTakenOver", "talk_submitted",
                           "PupilLeftSchool", "TeamWonCup",     "PledgeFellDue",
                           "TookOff",         "OrderFit"})
    EXPECT_TRUE(is_past_tense(name)) << name;
  for (const char* name :
       {"TalkSubmit",       "TalkWithdraw",          "SubmitTalk",       "BedNeed",       "RoomSpeed",
        "PlacedOrder",      "TalkSubmitting",        "TalkSubmission",   "OrderFeed",     "Talk",
        "TalkIsOpen",       "OrderHundred",          "DataSetImport",    "PriceCutPlan",  "ShipPaidOrder",
        "SendSentMail",     "NotifyRegisteredUsers", "OrderWillBePaid",  "OrderToBePaid", "OrderCanBePaid",
        "OrderPaidPending", "TalkSubmittedEvent",    "PollClosedNotice", "VoteCastThing"})
    EXPECT_FALSE(is_past_tense(name)) << name;
}

TEST(Words, SuggestThePastTense) {
  EXPECT_EQ(past_tense_of("TalkWithdraw"), "TalkWithdrawn");
  EXPECT_EQ(past_tense_of("SubmitTalk"), "TalkSubmitted");
  EXPECT_EQ(past_tense_of("PlacedOrder"), "OrderPlaced");
  EXPECT_EQ(past_tense_of("OrderPlacing"), "OrderPlaced");
  EXPECT_EQ(past_tense_of("ParcelShips"), "ParcelShipped");
  EXPECT_EQ(past_tense_of("LetterSend"), "LetterSent");
  EXPECT_EQ(past_tense_of("Xyzzy"), "");
}

TEST(Words, KnowAnOrder) {
  const Words nouns = {"order", "talk", "book", "game", "patient"};
  for (const char* name : {"SubmitTalk", "CastVote", "ReadMeter", "SetPrice", "BookRoom", "Withdraw", "ReopenCase",
                           "PutAside", "TransmogrifyWidget", "OrderGoods"})
    EXPECT_EQ(fault_of_order(name, nouns), "") << name;
  for (const char* name :
       {"SubmittedTalk", "TalkSubmitted", "SubmitsTalk", "SubmittingTalk", "TalkSubmission", "OrderPlacement",
        "OrderPlaced", "PatientAdmission", "OrderCancel", "GamesStart", "WithdrawnTalk"})
    EXPECT_NE(fault_of_order(name, nouns), "") << name;
  EXPECT_EQ(order_of("TalkSubmitted"), "SubmitTalk");
  EXPECT_EQ(order_of("PlacedOrder"), "PlaceOrder");
  EXPECT_EQ(order_of("SubmitsTalk"), "SubmitTalk");
}

TEST(Words, FindStems) {
  EXPECT_EQ(stem("submitted"), "submit");
  EXPECT_EQ(stem("withdrawn"), "withdraw");
  EXPECT_EQ(stem("closed"), "close");
  EXPECT_EQ(stem("carried"), "carry");
  EXPECT_EQ(stem("boxes"), "box");
  EXPECT_EQ(stem("status"), "status");
  EXPECT_EQ(stem("children"), "child");
  EXPECT_TRUE(is_plural("people"));
}

TEST(Likeness, CountsSlips) {
  EXPECT_EQ(distance("talk", "talk", 2), 0u);
  EXPECT_EQ(distance("talk", "tlak", 2), 1u);
  EXPECT_EQ(distance("talk", "walks", 2), 2u);
  EXPECT_EQ(distance("talk", "something", 2), 3u);
}

TEST(Likeness, FindsDuplicatesAndSparesWhatOnlyLooksLikeOne) {
  for (const auto& [a, b] : std::vector<std::pair<const char*, const char*>>{{"TalkSubmitted", "TalkSubmited"},
                                                                             {"TalkSubmitted", "SubmittedTalk"},
                                                                             {"TalkSubmitted", "TalksSubmitted"},
                                                                             {"OrderCancelled", "OrderCanceled"},
                                                                             {"TalkSubmitted", "TalkSubmittde"},
                                                                             {"CallForPapers", "Callforpapers"}})
    EXPECT_TRUE(is_near_duplicate(a, b)) << a << " " << b;
  for (const auto& [a, b] : std::vector<std::pair<const char*, const char*>>{{"OrderPacked", "OrderPicked"},
                                                                             {"TalkSelected", "TalkNotSelected"},
                                                                             {"PollOpened", "PollReopened"},
                                                                             {"Level1Reached", "Level2Reached"},
                                                                             {"DoorOpened", "DoorClosed"},
                                                                             {"ClaimSent", "ClaimLent"}})
    EXPECT_FALSE(is_near_duplicate(a, b)) << a << " " << b;
}

TEST(Likeness, FindsThemAmongManyAsOneByOne) {
  const std::vector<std::string_view> names = {"TalkSubmitted", "OrderPacked",  "SubmittedTalk",
                                               "OrderPicked",   "TalkSubmited", "CopyLent"};
  EXPECT_EQ(near_duplicates(names), (std::vector<std::pair<size_t, size_t>>{{0, 2}, {0, 4}}));
}

// "complete", "gap", "overlap", "both" or "prose".
std::string coverage_of(std::vector<std::string_view> guards) {
  const Coverage coverage = cover(guards);
  if (!coverage.is_known) return "prose";
  if (!coverage.gap.empty() && !coverage.overlap.empty()) return "both";
  return !coverage.gap.empty() ? "gap" : !coverage.overlap.empty() ? "overlap" : "complete";
}

TEST(Guards, DivideTheCases) {
  EXPECT_EQ(coverage_of({"talks > slots", "1 <= talks <= slots", "talks = 0"}), "complete");
  EXPECT_EQ(coverage_of({"talks > slots", "1 <= talks <= slots"}), "gap");
  EXPECT_EQ(coverage_of({"talks >= slots", "talks <= slots"}), "overlap");
  EXPECT_EQ(coverage_of({"total >= 100", "total < 100"}), "complete");
  EXPECT_EQ(coverage_of({"total at least 100", "total less than 100"}), "complete");
  EXPECT_EQ(coverage_of({"total is more than 100", "total <= 99"}), "gap");
  EXPECT_EQ(coverage_of({"total > 100.5", "total <= 100"}), "gap");
  EXPECT_EQ(coverage_of({"a + b > 2 * c", "not (a + b > 2 * c)"}), "complete");
  EXPECT_EQ(coverage_of({"x < 3 or x > 7", "x >= 3 and x <= 7"}), "complete");
  EXPECT_EQ(coverage_of({"x < 3", "otherwise"}), "complete");
  EXPECT_EQ(coverage_of({"it is paid", "it is not paid"}), "complete");
  EXPECT_EQ(coverage_of({"no tie at the cut", "a tie at the cut"}), "complete");
  EXPECT_EQ(coverage_of({"paid and total > 5", "paid and total <= 5", "not paid"}), "complete");
  EXPECT_EQ(coverage_of({"it is paid", "it is paid"}), "both");
}

const std::string kDeep(5000, '(');

TEST(Guards, AreLeftAloneWherePeopleMustRead) {
  EXPECT_EQ(coverage_of({"in stock", "sold out"}), "prose");
  EXPECT_EQ(coverage_of({"days > 3", "the customer is angry"}), "prose");
  EXPECT_EQ(coverage_of({"a < (b", "b"}), "prose");
  EXPECT_EQ(coverage_of({kDeep, "x"}), "prose");
  EXPECT_EQ(coverage_of({"", "x > 1"}), "prose");
}

TEST(Guards, SpeakOfTime) {
  for (const char* text : {"3 days after the order", "the deadline is over", "no answer for 2 weeks", "daily",
                           "older than 3 months since then"})
    EXPECT_TRUE(speaks_of_time(text)) << text;
  for (const char* text : {"talks > slots", "minutes >= 15", "a poll lists it", "days <= 30", "the second attempt"})
    EXPECT_FALSE(speaks_of_time(text)) << text;
}

}  // namespace
}  // namespace weft::storm
