// The notation: what is read, what is said about what cannot be, and that nothing is lost.
#include <gtest/gtest.h>

#include <algorithm>

#include "storm/accept.h"
#include "storm/diff.h"
#include "storm/format.h"
#include "storm/testing/boards.h"

namespace weft::storm {
namespace {

/// "line:column rule message (hint)" of each fault.
std::vector<std::string> faults_of(const std::string& text) {
  std::vector<std::string> out;
  for (const Finding& fault : parsed(text).faults)
    out.push_back(std::to_string(fault.place.line) + ":" + std::to_string(fault.place.column) + " " + fault.rule + " " +
                  fault.message + (fault.hint.empty() ? "" : " (" + fault.hint + ")"));
  return out;
}
using Faults = std::vector<std::string>;

TEST(Parser, PrintsTheSameBytes) {
  for (const std::string& name : board_names()) EXPECT_EQ(parsed(board_text(name)).text(), board_text(name)) << name;
  for (const std::string text : {"", "\n", "\r\n", "event A\r\nevent B", "# only a comment",
                                 "\xEF\xBB\xBF"
                                 "board x\n",
                                 "\t\tevent x  # y\n\n\n"})
    EXPECT_EQ(parsed(text).text(), text);
}

TEST(Parser, ReadsAWholeCommand) {
  const Document document = parsed(
      "command Select by policy One, Ann, policy Two\n"
      "    sees Room, Plan   to Mail  # why\n"
      "# a comment between\n"
      "\n"
      "    -> Chosen + Told | Refused  ! Full, TooLate  \"picks \\\"one\\\"\"\n");
  EXPECT_TRUE(document.faults.empty());
  ASSERT_EQ(document.board.commands.size(), 1u);
  const Command& command = document.board.commands[0];
  ASSERT_EQ(command.issuers.size(), 3u);
  EXPECT_TRUE(command.issuers[0].is_policy);
  EXPECT_FALSE(command.issuers[1].is_policy);
  EXPECT_EQ(command.sees.size(), 2u);
  EXPECT_EQ(command.to[0].name, "Mail");
  ASSERT_EQ(command.outcomes.size(), 2u);
  EXPECT_EQ(command.outcomes[0][1].name, "Told");
  EXPECT_EQ(command.outcomes[1][0].name, "Refused");
  EXPECT_EQ(command.refusals[1].name, "TooLate");
  EXPECT_EQ(command.text, "picks \"one\"");
  EXPECT_EQ(command.outcomes[1][0].place.line, 5u);
}

TEST(Parser, ReadsFields) {
  const Document document = parsed(
      "event Sent fields title:string, note? : string , minutes:int>=15<=60, state:string one of draft|open, rooms:Room[] key talk");
  EXPECT_EQ(faults_of(document.text()), Faults{});
  const std::vector<Field>& fields = document.board.events[0].fields;
  ASSERT_EQ(fields.size(), 5u);
  EXPECT_EQ(fields[0].type, "string");
  EXPECT_TRUE(fields[1].is_optional);
  EXPECT_EQ(fields[2].minimum, 15);
  EXPECT_EQ(fields[2].maximum, 60);
  EXPECT_EQ(fields[3].values, (std::vector<std::string>{"draft", "open"}));
  EXPECT_TRUE(fields[4].is_list);
  EXPECT_EQ(fields[4].type, "Room");
  EXPECT_EQ(document.board.events[0].key->name, "talk");
  const Document commas = parsed("event Sent fields state:string one of a, b, next:int");
  ASSERT_EQ(commas.board.events[0].fields.size(), 2u);
  EXPECT_EQ(commas.board.events[0].fields[0].values.size(), 2u);
}

TEST(Parser, ReadsFieldsOfAJsonSchema) {
  const ReadFile files = [](std::string_view path) -> base::Result<std::string> {
    if (path != "talk.json") return base::Error(base::ErrorCode::NotFound, "no such file");
    return std::string(R"({"type":"object","required":["title"],"properties":{
      "title":{"type":"string"},"minutes":{"type":"integer","minimum":15},"day":{"type":"string","format":"date"},
      "tags":{"type":"array","items":{"type":"string","enum":["a","b"]}},"room":{"$ref":"#/$defs/Room"}}})");
  };
  const base::Result<Document> document =
      parse("event Sent fields talk.json key talk\nevent Lost fields gone.json", "b", files);
  const std::vector<Field>& fields = document->board.events[0].fields;
  ASSERT_EQ(fields.size(), 5u);
  const auto field = [&](std::string_view name) { return *std::ranges::find(fields, name, &Field::name); };
  EXPECT_FALSE(field("title").is_optional);
  EXPECT_TRUE(field("minutes").is_optional);
  EXPECT_EQ(field("minutes").minimum, 15);
  EXPECT_EQ(field("day").type, "date");
  EXPECT_TRUE(field("tags").is_list);
  EXPECT_EQ(field("tags").values.size(), 2u);
  EXPECT_EQ(field("room").type, "Room");
  ASSERT_EQ(document->faults.size(), 1u);
  EXPECT_EQ(document->faults[0].message, "gone.json: no such file");
}

TEST(Parser, SaysWhereWhatAndWhatWasMeant) {
  EXPECT_EQ(faults_of("evnt Sent"), (Faults{"1:1 SYN unknown element 'evnt' (did you mean 'event'?)"}));
  EXPECT_EQ(faults_of("event Sent form Mail"), (Faults{"1:12 SYN unknown clause 'form' (did you mean 'from'?)"}));
  EXPECT_EQ(faults_of("event"), (Faults{"1:6 SYN expected a name, found the end of the line (event NAME)"}));
  EXPECT_EQ(faults_of("event Talk Submitted"),
            (Faults{"1:12 SYN expected a clause, found 'Submitted' (a name is one word: TalkSubmitted)"}));
  EXPECT_EQ(
      faults_of("event \"Talk Submitted\""),
      (Faults{"1:7 SYN expected a name, found a text in quotes (names are one word without quotes: TalkSubmitted)"}));
  EXPECT_EQ(faults_of("stage polices"), (Faults{"1:7 SYN unknown stage 'polices' (did you mean 'policies'?)"}));
  EXPECT_EQ(
      faults_of("  event Sent"),
      (Faults{"1:3 SYN an indented line continues the one above, and there is none (begin the line without spaces)"}));
  EXPECT_EQ(faults_of("hotspot \"why? on Sent"),
            (Faults{"1:9 SYN this text has no closing quote (end it with \" on the same line)"}));
  EXPECT_EQ(
      faults_of("event 2Sent"),
      (Faults{
          "1:7 N01 '2' in the name '2Sent' does not fit a CloudEvents type (a name is a letter, then letters, digits, '_' and '-')"}));
  EXPECT_EQ(
      faults_of("event S\xC3\xA9nt\xE2\x9C\x93"),
      (Faults{
          "1:7 N01 '\xE2\x9C\x93' in the name 'S\xC3\xA9nt\xE2\x9C\x93' does not fit a CloudEvents type (a name is a letter, then letters, digits, '_' and '-')"}));
  EXPECT_EQ(
      faults_of("event Sent\x01"),
      (Faults{
          "1:11 SYN byte 0x01 is no text (a board is UTF-8 without control characters)",
          "1:7 N01 '\x01' in the name 'Sent\x01' does not fit a CloudEvents type (a name is a letter, then letters, digits, '_' and '-')"}));
}

TEST(Parser, ReadsOnBehindAFault) {
  const Document document =
      parsed("evnt Sent key mail\nevent\nview Box form Sent\nbogus bogus bogus\ncommand Send bye Ann -> Sent, Lost\n");
  EXPECT_EQ(document.faults.size(), 6u);
  EXPECT_EQ(document.board.events[0].key->name, "mail");
  EXPECT_EQ(document.board.views[0].from[0].name, "Sent");
  EXPECT_EQ(document.board.commands[0].issuers[0].name, "Ann");
  EXPECT_EQ(document.board.commands[0].outcomes[0].size(), 2u);
}

TEST(Parser, TakesNamesOfAnyScript) {
  EXPECT_EQ(faults_of("event VortragEingereicht key vortrag\nevent Пост_опубликован\nevent 発表された-1\nactor Ärztin"),
            Faults{});
}

TEST(Parser, RefusesWhatIsNoText) {
  EXPECT_FALSE(parse(std::string_view("event\0x", 7), "b"));
  EXPECT_FALSE(parse(std::string(9 << 20, 'x'), "b"));
}

TEST(Parser, PutsEventsIntoLanes) {
  const Document document = parsed("event A\nlane One\nevent B\nlane Two\nevent C\n");
  EXPECT_EQ(document.board.events[0].lane, "");
  EXPECT_EQ(document.board.events[1].lane, "One");
  EXPECT_EQ(document.board.events[2].lane, "Two");
}

TEST(Format, ChangesTheLayoutOnlyAndOnlyOnce) {
  for (const std::string& name : board_names()) {
    const Document document = parsed(board_text(name));
    const std::string text = format(document);
    const Document again = parsed(text);
    EXPECT_TRUE(diff(document.board, again.board).empty()) << name;
    EXPECT_EQ(format(again), text) << name;
  }
}

TEST(Format, AlignsAndKeepsComments) {
  EXPECT_EQ(
      format(parsed(
          "event   A key k from Clock # one\nevent LongerName   from Clock  pivotal  \n# note  \ncommand X by Y\n       -> A\n")),
      "event   A          from Clock key k  # one\n"
      "event   LongerName from Clock       pivotal\n"
      "# note\n"
      "command X by Y\n"
      "  -> A\n");
}

TEST(Format, KeepsTheLineEndsOfAFile) {
  EXPECT_EQ(format(parsed("event  A\r\nevent B  key k\n")), "event   A\r\nevent   B key k\r\n");
}

TEST(Format, LeavesAloneWhatItCannotRead) {
  EXPECT_EQ(format(parsed("event   A    kye k\nbogus    line\nevent B   key k\n")),
            "event   A    kye k\nbogus    line\nevent   B key k\n");
}

TEST(Accept, WritesWhatWasNamedAndNothingElse) {
  const std::string text = replaced(
      replaced(
          board_text("game"),
          "aggregate Game      key game      \"white and black in turn\"    commands BeginGame, MakeMove, OfferDraw, AgreeToDraw, ForfeitGame\n",
          ""),
      "  pivotal\nevent   GameBegun", "\nevent   GameBegun");
  const Document document = parsed(text);
  const Graph graph(document.board);
  const Emerged emerged = emerge(graph);
  const std::vector<std::string> accepted = {"Game", "ChallengeAccepted"};
  const base::Result<std::string> after = accept(document, graph, emerged, accepted);
  ASSERT_TRUE(after);
  EXPECT_EQ(
      replaced(
          replaced(*after,
                   "aggregate Game  key game\n  commands BeginGame MakeMove OfferDraw AgreeToDraw ForfeitGame\n", ""),
          "ChallengeAccepted               key challenge  pivotal", "ChallengeAccepted               key challenge"),
      text);
  const std::vector<std::string> unknown = {"Gme"};
  EXPECT_EQ(accept(document, graph, emerged, unknown).error().message,
            "Gme: no aggregate, context or event of this name is suggested; did you mean 'Game'?");
}

}  // namespace
}  // namespace weft::storm
