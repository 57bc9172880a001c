#include "http/h2_stream_history.h"

#include <algorithm>

namespace weft::http {

void H2StreamHistory::on_opened(uint32_t id) {
  const uint32_t next = newest_ == 0 ? 1 : newest_ + 2;
  const uint32_t first = id - next < 2 * kRemembered ? next : id - 2 * (kRemembered - 1);
  for (uint32_t skipped = first; skipped < id; skipped += 2) at(skipped) = State::Skipped;
  at(id) = State::Live;
  newest_ = id;
}

void H2StreamHistory::on_closed(uint32_t id, bool ended_by_peer) {
  if (is_remembered(id)) at(id) = ended_by_peer ? State::EndedByPeer : State::EndedByUs;
}

H2StreamHistory::State H2StreamHistory::of(uint32_t id) const {
  return is_remembered(id) ? states_[(id >> 1) % kRemembered] : State::Unknown;
}

}  // namespace weft::http
