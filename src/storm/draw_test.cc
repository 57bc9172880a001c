#include "storm/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "storm/document.h"
#include "storm/draw_picture.h"

namespace weft::storm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Look = DrawOptions::Look;

Document board_of(const std::string& text) {
  base::Result<Document> document = parse(text, "test.board");
  EXPECT_TRUE(document.has_value());
  return std::move(*document);
}

Document reference_board() {
  std::ifstream file("examples/techtalks/techtalks.board");
  return board_of({std::istreambuf_iterator<char>(file), {}});
}

// `events` events of many aggregates, every third one issued by a policy on an earlier one.
std::string generated(int events) {
  std::string text = "board shop \"A shop\"\nactor Clerk\nactor Manager\nsystem Bank\n", rest;
  std::map<int, std::string> commands, produced;
  for (int i = 0; i < events; ++i) {
    const std::string n = std::to_string(i), aggregate = std::to_string(i / 7);
    text += "event Order" + n + "Placed key order" + (i % 11 == 10 ? " pivotal" : "") + "\n";
    if (i % 3 == 2)
      rest += "command PlaceOrder" + n + " by policy Policy" + n + " to Bank -> Order" + n + "Placed\npolicy Policy" +
              n + " when Order" + std::to_string(i * 7 % (i + 1)) + "Placed then PlaceOrder" + n + "\n";
    else rest += "command PlaceOrder" + n + " by Clerk sees List" + aggregate + " -> Order" + n + "Placed ! NotOpen\n";
    commands[i / 7] += " PlaceOrder" + n;
    produced[i / 7] += (produced[i / 7].empty() ? "" : ", ") + ("Order" + n + "Placed");
    if (i % 9 == 0)
      rest += "hotspot \"Question " + n + ": who decides, and what if nobody does?\" on Order" + n + "Placed\n";
  }
  for (const auto& [aggregate, list] : commands) {
    const std::string n = std::to_string(aggregate);
    rest += "view List" + n + " from " + produced[aggregate] + "\naggregate Order" + n +
            " key order \"a rule\"\n  commands" + list + "\ncontext part-" + n + " core owns Order" + n + "\n";
  }
  return text + rest;
}

// A note's paper as it is seen, without the room a tilted one has around it.
Box paper(const Note& note) {
  return {note.box.x + (note.box.width - note.width) / 2, note.box.y + (note.box.height - note.height) / 2, note.width,
          note.height};
}

void expect_no_overlap(const Picture& picture) {
  std::vector<std::pair<Box, std::string>> all;
  for (const Note& note : picture.notes) all.emplace_back(note.box, note.name);
  for (const Label& label : picture.labels) all.emplace_back(label.box, label.whole);
  for (const Area& area : picture.areas) all.emplace_back(area.header, "header of " + area.name);
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = i + 1; j < all.size(); ++j)
      EXPECT_FALSE(all[i].first.overlaps(all[j].first)) << all[i].second << " and " << all[j].second;
  for (size_t i = 0; i < picture.areas.size(); ++i)
    for (size_t j = i + 1; j < picture.areas.size(); ++j)
      EXPECT_FALSE(picture.areas[i].kind == picture.areas[j].kind &&
                   picture.areas[i].box.overlaps(picture.areas[j].box))
          << picture.areas[i].name << " and " << picture.areas[j].name;
}

void expect_text_inside(const Picture& picture) {
  const Box all = {0, 0, picture.width, picture.height};
  for (const Note& note : picture.notes) {
    EXPECT_TRUE(all.contains(note.box)) << note.name;
    EXPECT_FALSE(note.text.lines.empty()) << note.name;
    EXPECT_LE(note.text.width(), paper(note).width) << note.name;
    EXPECT_LE(note.text.height() + note.small.height(), paper(note).height) << note.name;
    EXPECT_LE(note.small.width(), paper(note).width) << note.name;
    EXPECT_LE(note.width, note.box.width);
    EXPECT_LE(note.height, note.box.height);
  }
  for (const Label& label : picture.labels) {
    EXPECT_TRUE(all.contains(label.box)) << label.whole;
    EXPECT_LE(label.text.width(), label.box.width) << label.whole;
    EXPECT_LE(label.text.height(), label.box.height) << label.whole;
  }
  for (const Area& area : picture.areas) EXPECT_TRUE(area.box.contains(area.header)) << area.name;
}

// Edges begin and end at the side of a note, so that only their inside may not touch one.
Box piece(Point a, Point b) {
  return {std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y)};
}

bool passes_through(const Box& line, const Box& box) {
  return line.x < box.right() && box.x < line.right() + (line.width == 0) && line.y < box.bottom() &&
         box.y < line.bottom() + (line.height == 0) && line.right() > box.x && line.bottom() > box.y;
}

void expect_edges_avoid_notes(const Picture& picture) {
  for (const Edge& edge : picture.edges)
    for (const std::vector<Point>& line : edge.lines)
      for (size_t i = 0; i + 1 < line.size(); ++i) {
        const Box at = piece(line[i], line[i + 1]);
        EXPECT_TRUE(at.width == 0 || at.height == 0)
            << edge.from.name << " to " << edge.to.name << " is not at right angles";
        for (const Note& note : picture.notes)
          EXPECT_FALSE(passes_through(at, note.box))
              << edge.from.name << " to " << edge.to.name << " through " << note.name;
        for (const Label& label : picture.labels)
          EXPECT_FALSE(passes_through(at, label.box))
              << edge.from.name << " to " << edge.to.name << " through " << label.whole;
        for (const Area& area : picture.areas)
          EXPECT_FALSE(passes_through(at, area.header))
              << edge.from.name << " to " << edge.to.name << " through " << area.name;
      }
}

void expect_sound(const Picture& picture) {
  expect_no_overlap(picture);
  expect_text_inside(picture);
  expect_edges_avoid_notes(picture);
}

struct Measure {
  int crossings = 0, length = 0, lying_on = 0;
};

// Pieces of edges from different notes: how many cross, and how many lie on each other.
Measure measure(const Picture& picture) {
  struct Piece {
    Box box;
    NodeName from;
  };
  std::vector<Piece> pieces;
  Measure sum;
  for (const Edge& edge : picture.edges)
    for (const std::vector<Point>& line : edge.lines)
      for (size_t i = 0; i + 1 < line.size(); ++i) {
        pieces.push_back({piece(line[i], line[i + 1]), edge.from});
        sum.length += pieces.back().box.width + pieces.back().box.height;
      }
  for (size_t i = 0; i < pieces.size(); ++i)
    for (size_t j = i + 1; j < pieces.size(); ++j) {
      const Box &a = pieces[i].box, &b = pieces[j].box;
      if (pieces[i].from == pieces[j].from) continue;
      const bool is_crossing = a.x < b.right() + (b.width == 0) && b.x < a.right() + (a.width == 0) &&
                               a.y < b.bottom() + (b.height == 0) && b.y < a.bottom() + (a.height == 0);
      if (!is_crossing) continue;
      if ((a.width == 0) == (b.width == 0)) ++sum.lying_on;
      else ++sum.crossings;
    }
  return sum;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

std::vector<DrawOptions> all_looks(const Board& board) {
  std::vector<DrawOptions> looks = {{}, {Look::Contexts, 0, false}};
  for (Index i = 0; i < board.aggregates.size(); ++i) looks.push_back({Look::Aggregate, i, false});
  for (Index i = 0; i < board.events.size(); ++i) looks.push_back({Look::Event, i, false});
  return looks;
}

TEST(Draw, EveryViewOfTheReferenceBoardIsSound) {
  const Document document = reference_board();
  const Graph graph(document.board);
  for (const DrawOptions& look : all_looks(document.board)) {
    SCOPED_TRACE(static_cast<int>(look.look) * 1000 + static_cast<int>(look.index));
    const Picture picture = picture_of(graph, look);
    expect_sound(picture);
    EXPECT_EQ(measure(picture).lying_on, 0);
  }
}

TEST(Draw, TheReferenceBoardHasFewCrossingsShortEdgesAndAGoodShape) {
  const Document document = reference_board();
  const Graph graph(document.board);
  const Picture picture = picture_of(graph, {});
  const Measure sum = measure(picture);
  EXPECT_LE(sum.crossings, 15);
  EXPECT_LE(sum.length, 17'000);
  EXPECT_GE(picture.width * 10, picture.height * 16);
  EXPECT_LE(picture.width, picture.height * 3);
}

TEST(Draw, EveryElementStandsOnTheTimeline) {
  const Document document = reference_board();
  const Graph graph(document.board);
  const Picture picture = picture_of(graph, {});
  std::set<NodeName> shown;
  for (const Note& note : picture.notes) shown.insert({note.kind, note.name});
  for (const Area& area : picture.areas) shown.insert({area.kind, area.name});
  document.board.for_each([&](const Element& element) {
    EXPECT_TRUE(shown.contains({element.kind, element.name})) << element.name;
  });
}

TEST(Draw, EventsStandInTheOrderOfTheFile) {
  const Document document = reference_board();
  const Graph graph(document.board);
  const Picture picture = picture_of(graph, {});
  std::vector<std::string> expected, seen;
  for (const Event& event : document.board.events) expected.push_back(event.name);
  std::vector<Note> events;
  std::ranges::copy_if(picture.notes, std::back_inserter(events),
                       [](const Note& note) { return note.kind == Kind::Event; });
  std::ranges::stable_sort(events, {}, [](const Note& note) { return std::pair(note.box.y, note.box.x); });
  for (const Note& event : events) seen.push_back(event.name);
  EXPECT_EQ(seen, expected);
}

TEST(Draw, ABoardOfFourHundredNotesIsSound) {
  const Document document = board_of(generated(110));
  const Graph graph(document.board);
  const Picture picture = picture_of(graph, {});
  EXPECT_GE(picture.notes.size(), 400u);
  expect_sound(picture);
  EXPECT_EQ(measure(picture).lying_on, 0);
  EXPECT_GE(picture.width * 10, picture.height * 13);
  EXPECT_LE(picture.width, picture.height * 3);
  expect_sound(picture_of(graph, {Look::Contexts, 0, false}));
}

TEST(Draw, TheSameBoardGivesTheSameBytes) {
  for (const std::string& text : {generated(40), generated(40)}) {
    const Document first = board_of(text), second = board_of(text);
    const Graph a(first.board), b(second.board);
    EXPECT_EQ(draw_svg(a, {}), draw_svg(b, {}));
    EXPECT_EQ(draw_html(a, {}), draw_html(b, {}));
    EXPECT_EQ(draw_mermaid(a, {}), draw_mermaid(b, {}));
    EXPECT_EQ(draw_plantuml(a, {}), draw_plantuml(b, {}));
  }
}

TEST(Draw, LongNamesStayOnTheirNotes) {
  const std::string word(200, 'W');
  const Document document = board_of(
      "event InternationalTelecommunicationsInfrastructureReconciliationCompleted key a\nevent " + word +
      "Placed key a\nevent a-very-long-name-with-many-hyphens-that-has-been-written-by-somebody-in-a-hurry key a\n"
      "command ReconcileInternationalTelecommunicationsInfrastructure by Überprüfungsbeauftragte -> InternationalTelecommunicationsInfrastructureReconciliationCompleted\n"
      "actor Überprüfungsbeauftragte\nevent 注文が確定しました key a\nhotspot \"" +
      std::string(900, 'x') + " and so on\" on " + word +
      "Placed\n"
      "opportunity \"Sell this & <that>\" on " +
      word + "Placed\n");
  const Graph graph(document.board);
  for (const DrawOptions& look : all_looks(document.board)) expect_sound(picture_of(graph, look));
  const std::string svg = draw_svg(graph, {});
  EXPECT_THAT(svg, HasSubstr("…"));
  EXPECT_THAT(svg, HasSubstr("<title>" + word + "Placed</title>"));
}

TEST(Draw, BoardsOfAnyStageCanBeDrawn) {
  for (const std::string text :
       {"", "board empty\n", "event OrderPlaced\nevent OrderPaid\nevent OrderShipped\n",
        "hotspot \"Why at all?\"\nactor Nobody\n",
        "command PayOrder by Clerk -> NoSuchEvent\npolicy Lost when Nothing then NothingElse\n",
        "view Seen from Nothing\naggregate Alone key a\ncontext nowhere owns Alone\n"}) {
    SCOPED_TRACE(text);
    const Document document = board_of(text);
    const Graph graph(document.board);
    for (const DrawOptions& look : all_looks(document.board)) {
      expect_sound(picture_of(graph, look));
      EXPECT_THAT(draw_html(graph, look), HasSubstr("</html>"));
      EXPECT_THAT(draw_mermaid(graph, look), HasSubstr("flowchart"));
      EXPECT_THAT(draw_plantuml(graph, look), HasSubstr("@enduml"));
    }
  }
}

TEST(Draw, LanesLieBelowEachOther) {
  const Document document = board_of(
      "lane Front\nevent OrderPlaced key a\nevent OrderPaid key a\nlane Back\nevent OrderPacked key a\nevent OrderShipped key a pivotal\n"
      "policy PackPaid when OrderPaid then PackOrder\ncommand PackOrder by policy PackPaid -> OrderPacked\n");
  const Graph graph(document.board);
  const Picture picture = picture_of(graph, {});
  expect_sound(picture);
  ASSERT_EQ(picture.areas.size(), 2u);
  EXPECT_LT(picture.areas[0].box.bottom(), picture.areas[1].box.y);
  EXPECT_EQ(picture.tapes.size(), 1u);
  EXPECT_THAT(draw_svg(graph, {}), HasSubstr(">Front<"));
}

TEST(Draw, ASecondCommandAndAThirdEventAreJoinedByEdges) {
  const Document document = board_of(
      "event A1Done key a\nevent B1Done key a\nevent C1Done key a\ncommand DoOne by X -> A1Done + B1Done | C1Done\n"
      "command DoTwo by X -> A1Done\nactor X\n");
  const Graph graph(document.board);
  const std::string svg = draw_svg(graph, {});
  EXPECT_THAT(svg, HasSubstr("data-from=\"DoOne\" data-to=\"C1Done\""));
  EXPECT_THAT(svg, HasSubstr("data-from=\"DoTwo\" data-to=\"A1Done\""));
  expect_sound(picture_of(graph, {}));
}

TEST(Draw, NamesCannotEscapeFromTheirPlace) {
  const Document document = board_of(
      "board shop \"</title><script>alert(1)</script> & \\\"more\\\"\"\nhotspot \"</script><b>'&\\\"]\" on OrderPlaced\nevent OrderPlaced key a\n");
  const Graph graph(document.board);
  const std::string svg = draw_svg(graph, {}), html = draw_html(graph, {});
  EXPECT_THAT(svg, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(svg, HasSubstr("data-name=\"&lt;/script&gt;&lt;b&gt;&#39;&amp;&quot;]\""));
  EXPECT_EQ(count(html, "</script>"), 2u);
  EXPECT_THAT(draw_mermaid(graph, {}), Not(HasSubstr("<b>")));
  EXPECT_THAT(draw_plantuml(graph, {}), Not(HasSubstr("<b>")));
}

TEST(Draw, ThemesChangeTheWallAndNotTheNotes) {
  const Document document = reference_board();
  const Graph graph(document.board);
  const std::string light = draw_svg(graph, {}), dark = draw_svg(graph, {Look::Timeline, 0, true});
  EXPECT_NE(light, dark);
  for (const std::string paper : {"#ff9f40", "#64aef2", "#cbabee"})
    EXPECT_EQ(count(light, paper), count(dark, paper)) << paper;
}

TEST(Draw, AViewIsFoundByItsNameAndAWrongOneIsTold) {
  const Document document = reference_board();
  const Graph graph(document.board);
  const auto look = [&](std::vector<std::string> words) { return parse_look(graph, words); };
  EXPECT_EQ(look({})->look, Look::Timeline);
  EXPECT_EQ(look({"contexts"})->look, Look::Contexts);
  EXPECT_EQ(look({"aggregate", "Poll"})->index, 2u);
  EXPECT_EQ(look({"aggregate=Poll"})->index, 2u);
  EXPECT_EQ(look({"event", "MonthStarted"})->look, Look::Event);
  EXPECT_THAT(look({"contekst"}).error().message, HasSubstr("'contexts'"));
  EXPECT_THAT(look({"aggregate", "Pol"}).error().message, HasSubstr("'Poll'"));
  EXPECT_THAT(look({"event"}).error().message, HasSubstr("missing"));
  EXPECT_THAT(look({"timeline", "Poll"}).error().message, HasSubstr("Poll"));
}

TEST(Draw, AnAggregateShowsItsRuleAndWhatItRefuses) {
  const Document document = reference_board();
  const Graph graph(document.board);
  const std::string svg = draw_svg(graph, {Look::Aggregate, 2, false});
  EXPECT_THAT(svg, HasSubstr("votes only while open"));
  EXPECT_THAT(svg, HasSubstr("class=\"refusal\""));
  EXPECT_THAT(svg, HasSubstr("data-from=\"Poll\" data-to=\"VoteCast\""));
}

}  // namespace
}  // namespace weft::storm
