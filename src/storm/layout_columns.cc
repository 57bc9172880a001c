#include "storm/layout_columns.h"

#include <algorithm>
#include <set>

#include "storm/words.h"

namespace weft::storm {

namespace {

constexpr size_t kIssuersMax = 3;  // above one command, before they go on in the next column
constexpr size_t kBelowMax = 3;

bool stands_in(const std::vector<Key>& keys, Key key) { return std::ranges::find(keys, key) != keys.end(); }

class Arranger {
 public:
  explicit Arranger(const Graph& graph) : graph_(graph), board_(graph.board()) {
    for (Index i = 0; i < board_.contexts.size(); ++i) contexts_.try_emplace(lower_case(board_.contexts[i].name), i);
  }

  std::vector<Strand> run() {
    for (const Lane& lane : board_.lanes) strand(lane.name);
    for (Index event = 0; event < board_.events.size(); ++event) add_event(event);
    for (Index command = 0; command < board_.commands.size(); ++command) add_lonely_command(command);
    take_waiting({}, {});
    for (Index event = 0; event < board_.events.size(); ++event) add_reactions(event);
    add_remarks(Kind::Hotspot, board_.hotspots);
    add_remarks(Kind::Opportunity, board_.opportunities);
    park();
    std::erase_if(strands_, [](const Strand& strand) { return strand.columns.empty(); });
    return std::move(strands_);
  }

 private:
  struct Spot {
    size_t strand = 0, column = 0;
  };

  // Issuers of a command that had no room above it.
  struct Waiting {
    Index command = 0;
    std::vector<Key> keys;
    Spot spot;
  };

  size_t strand(const std::string& lane) {
    const auto [at, is_new] = by_lane_.try_emplace(lane, strands_.size());
    if (is_new) strands_.push_back({lane, {}});
    return at->second;
  }

  Column& column(Spot spot) { return strands_[spot.strand].columns[spot.column]; }
  void note(Key key, Spot spot) { spots_.try_emplace(key, spot); }
  std::optional<Spot> spot_of(Key key) const {
    const auto at = spots_.find(key);
    if (at == spots_.end()) return std::nullopt;
    return at->second;
  }

  Spot add_column(size_t strand) {
    strands_[strand].columns.emplace_back();
    return {strand, strands_[strand].columns.size() - 1};
  }

  void put(std::vector<Key>& where, Key key, Spot spot) {
    if (stands_in(where, key)) return;
    where.push_back(key);
    note(key, spot);
  }

  void add_event(Index event) {
    const size_t in = strand(board_.events[event].lane);
    Indices commands;
    for (const Index command : graph_.producers(event))
      if (!spot_of({Kind::Command, command})) commands.push_back(command);
    const bool is_bare =
        commands.empty() && !waiting_.keys.empty() && waiting_.spot.strand == in && has(waiting_.command, event);
    if (!is_bare) take_waiting({}, {});
    const Spot first = add_column(in);
    if (is_bare) take_waiting(event, first);
    put(column(first).events, {Kind::Event, event}, first);
    if (const auto context = contexts_.find(graph_.context_of_event(event)); context != contexts_.end())
      column(first).context = context->second;
    if (!commands.empty()) add_command(commands.front(), first);
    for (size_t i = 1; i < commands.size(); ++i) {
      take_waiting({}, {});
      const Spot next = add_column(in);
      column(next).is_joined = true;
      add_command(commands[i], next);
    }
    for (const Index producer : graph_.producers(event)) decide(producer, first, false);
    for (const Index system : graph_.sources_of(event)) add_system(system, first);
    strands_[in].columns.back().is_phase_end = board_.events[event].pivotal.has_value();
  }

  void add_lonely_command(Index command) {
    if (spot_of({Kind::Command, command})) return;
    take_waiting({}, {});
    add_command(command, add_column(strand(board_.lanes.empty() ? "" : board_.lanes.back().name)));
  }

  void add_command(Index command, Spot spot) {
    put(column(spot).commands, {Kind::Command, command}, spot);
    decide(command, spot, true);
    std::vector<Key> issuers;
    for (const Index policy : graph_.issuing_policies(command))
      if (!spot_of({Kind::Policy, policy})) issuers.push_back({Kind::Policy, policy});
    for (const Index view : graph_.views_seen(command)) issuers.push_back({Kind::View, view});
    for (const Index actor : graph_.issuing_actors(command)) issuers.push_back({Kind::Actor, actor});
    // The actor stands nearest to the command; what has no room goes on beside.
    const size_t first = issuers.size() - std::min(issuers.size(), kIssuersMax);
    for (size_t i = first; i < issuers.size(); ++i) put(column(spot).issuers, issuers[i], spot);
    issuers.resize(first);
    for (const Key key : issuers) note(key, spot);
    waiting_ = {command, std::move(issuers), spot};
  }

  // Puts what had no room above a command above the next column, which is a new one where `event` is of another
  // command.
  void take_waiting(std::optional<Index> event, std::optional<Spot> next) {
    if (waiting_.keys.empty()) return;
    const bool is_free = event && next && column(*next).issuers.empty() && has(waiting_.command, *event);
    while (!waiting_.keys.empty()) {
      const Spot at = is_free && column(*next).issuers.empty() ? *next : add_column(waiting_.spot.strand);
      column(at).is_joined = true;
      if (!column(at).context) column(at).context = column(waiting_.spot).context;
      const size_t count = std::min(waiting_.keys.size(), kIssuersMax);
      for (size_t i = 0; i < count; ++i) {
        spots_[waiting_.keys[i]] = at;
        column(at).issuers.push_back(waiting_.keys[i]);
      }
      waiting_.keys.erase(waiting_.keys.begin(), waiting_.keys.begin() + static_cast<long>(count));
    }
  }

  bool has(Index command, Index event) const {
    return std::ranges::find(graph_.events_of(command), event) != graph_.events_of(command).end();
  }

  // Whose rule the column stands on: an aggregate, which neighbours share, or systems.
  void decide(Index command, Spot spot, bool has_systems) {
    if (const Indices& aggregates = graph_.aggregates_of(command); !aggregates.empty() && !column(spot).aggregate) {
      column(spot).aggregate = aggregates.front();
      note({Kind::Aggregate, aggregates.front()}, spot);
    }
    if (const auto context = contexts_.find(graph_.context_of_command(command));
        context != contexts_.end() && !column(spot).context)
      column(spot).context = context->second;
    if (!has_systems) return;
    for (const Index system : graph_.systems_of(command)) add_system(system, spot);
  }

  void add_system(Index system, Spot spot) {
    Column& at = column(spot);
    const Key key = {Kind::System, system};
    if (!stands_in(at.below, key)) put(at.aggregate ? at.below : at.deciders, key, spot);
  }

  // Policies that issue nothing and views that nobody looks at stand below the first event they follow.
  void add_reactions(Index event) {
    const Spot spot = *spot_of({Kind::Event, event});
    for (const Index policy : graph_.policies_on(event))
      if (!spot_of({Kind::Policy, policy})) put(column(spot).below, {Kind::Policy, policy}, spot);
    for (const Index view : graph_.views_of(event))
      if (!spot_of({Kind::View, view})) put(column(spot).below, {Kind::View, view}, spot);
  }

  std::optional<Spot> spot_of_name(const std::string& name) const {
    for (const Kind kind :
         {Kind::Event, Kind::Command, Kind::Policy, Kind::View, Kind::Aggregate, Kind::System, Kind::Actor})
      if (const std::optional<Index> index = graph_.find(kind, name))
        if (const std::optional<Spot> spot = spot_of({kind, *index})) return spot;
    return spot_of_context(name);
  }

  std::optional<Spot> spot_of_context(const std::string& name) const {
    const std::optional<Index> context = graph_.find(Kind::Context, name);
    if (!context) return std::nullopt;
    for (size_t s = 0; s < strands_.size(); ++s)
      for (size_t c = 0; c < strands_[s].columns.size(); ++c)
        if (strands_[s].columns[c].context == context) return Spot{s, c};
    return std::nullopt;
  }

  // Near what they are about; where others hang already, a little further on.
  void add_remarks(Kind kind, const std::vector<Remark>& remarks) {
    for (Index i = 0; i < remarks.size(); ++i) {
      std::optional<Spot> spot;
      for (const Reference& on : remarks[i].on)
        if (!spot) spot = spot_of_name(on.name);
      if (!spot) continue;
      for (size_t c = spot->column; c < std::min(spot->column + 2, strands_[spot->strand].columns.size()); ++c)
        if (column(*spot).below.size() >= kBelowMax && column({spot->strand, c}).below.size() < kBelowMax)
          spot->column = c;
      put(column(*spot).below, {kind, i}, *spot);
    }
  }

  // What nothing on the board leads to stands at the end, so that it is seen.
  void park() {
    std::vector<Key> lonely, remarks;
    const auto all = [&](Kind kind, size_t count, std::vector<Key>& to) {
      for (Index i = 0; i < count; ++i)
        if (!spot_of({kind, i})) to.push_back({kind, i});
    };
    all(Kind::Policy, board_.policies.size(), lonely), all(Kind::View, board_.views.size(), lonely);
    all(Kind::Actor, board_.actors.size(), lonely), all(Kind::System, board_.systems.size(), lonely);
    all(Kind::Aggregate, board_.aggregates.size(), lonely);
    all(Kind::Hotspot, board_.hotspots.size(), remarks), all(Kind::Opportunity, board_.opportunities.size(), remarks);
    constexpr size_t kAbove = 2, kRemarks = 1;
    const size_t columns =
        std::max((lonely.size() + kAbove) / (kAbove + 1), (remarks.size() + kRemarks - 1) / kRemarks);
    if (columns == 0) return;
    const size_t in = strand("");
    for (size_t i = 0, next = 0; i < columns; ++i) {
      const Spot spot = add_column(in);
      for (size_t n = 0; n <= kAbove && next < lonely.size(); ++n, ++next)
        put(n < kAbove ? column(spot).issuers : column(spot).commands, lonely[next], spot);
      for (size_t n = i * kRemarks; n < std::min(remarks.size(), (i + 1) * kRemarks); ++n)
        put(column(spot).below, remarks[n], spot);
    }
  }

  const Graph& graph_;
  const Board& board_;
  std::map<std::string, Index> contexts_;
  std::map<std::string, size_t> by_lane_;
  std::vector<Strand> strands_;
  Waiting waiting_;
  std::map<Key, Spot> spots_;  // where each element stands first
};

}  // namespace

std::vector<Strand> arrange(const Graph& graph) { return Arranger(graph).run(); }

}  // namespace weft::storm
