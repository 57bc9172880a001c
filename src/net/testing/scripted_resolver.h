// Purpose: a resolver that answers from a table, for simulations and tests of what uses DNS.
// Thread:  the loop's.   Owner: the test.
#pragma once

#include <list>
#include <map>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/resolver.h"

namespace weft::net::testing {

/// Answers by its script after a delay. Names without an entry do not exist. The lookup family picks from an entry's
/// addresses as a server with those records would answer.
class ScriptedResolver final : public Resolver {
 public:
  explicit ScriptedResolver(Loop& loop) : loop_(loop) {}

  /// From now on. `literals`: IP literals of either family.
  void set(const std::string& name, const std::vector<std::string>& literals, base::Duration ttl = base::seconds(60));
  void set_error(const std::string& name, base::ErrorCode code);
  void remove(const std::string& name) { entries_.erase(name); }
  /// Of every answer; negative: lookups hang until it is set again.
  void set_delay(base::Duration delay) { delay_ = delay; }

  void resolve(std::string_view name, DnsFamily family, ResolveHandler& handler) override;
  void cancel(ResolveHandler& handler) override;

  /// Lookups of `name` so far.
  int lookups(const std::string& name) const;

 private:
  struct Lookup {
    Lookup(ScriptedResolver& r, std::string n, DnsFamily f, ResolveHandler& h)
        : resolver(r), name(std::move(n)), family(f), handler(&h) {}
    void answer() { resolver.answer(*this); }
    ScriptedResolver& resolver;
    std::string name;
    DnsFamily family;
    ResolveHandler* handler;
    Timer timer{Timer::Callback::bind<&Lookup::answer>(*this)};
  };

  void answer(Lookup& lookup);
  base::Result<DnsAnswer> find(const std::string& name, DnsFamily family) const;

  Loop& loop_;
  base::Duration delay_ = base::milliseconds(1);
  std::map<std::string, base::Result<DnsAnswer>> entries_;
  std::map<std::string, int> counts_;
  std::list<Lookup> lookups_;
};

}  // namespace weft::net::testing
