#include "net/loop.h"

namespace weft::net {

void Loop::destroy_later(std::unique_ptr<Destroyable> object) {
  if (object != nullptr) graveyard_.push_back(std::move(object));
}

// Calls deferred from here on wait for the next call of this function, so that a call which defers itself
// again cannot hold the turn. Destructors may hand over further objects; those go in the same turn.
void Loop::finish_turn() {
  base::IntrusiveList<Deferred> calls;
  calls.take_all(deferred_);
  while (Deferred* call = calls.pop_front()) call->callback_();
  bury();
}

void Loop::bury() {
  while (!graveyard_.empty()) {
    std::vector<std::unique_ptr<Destroyable>> dead;
    dead.swap(graveyard_);
    for (std::unique_ptr<Destroyable>& object : dead) object.reset();
  }
}

}  // namespace weft::net
