// Purpose: the slab behind `Handle`: index to object, generation-checked, shared by the backends.
// Thread:  the owning loop's.   Owner: the loop; owns the objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "net/loop.h"

namespace weft::net {

/// Objects by handle. All operations O(1); indices are reused last in, first out.
template <typename T>
class HandleTable {
 public:
  Handle insert(std::unique_ptr<T> object) {
    if (free_ == UINT32_MAX) {
      free_ = static_cast<uint32_t>(slots_.size());
      slots_.push_back({});
    }
    const uint32_t index = free_;
    Slot& slot = slots_[index];
    free_ = slot.next_free;
    slot.object = std::move(object);
    ++live_;
    return {index, slot.generation};
  }

  /// The object, or nullptr when the handle is stale.
  T* find(Handle handle) const {
    if (handle.index >= slots_.size()) return nullptr;
    const Slot& slot = slots_[handle.index];
    return slot.generation == handle.generation ? slot.object.get() : nullptr;
  }

  /// Takes the object out; the handle is stale from now on. nullptr when it already was.
  std::unique_ptr<T> remove(Handle handle) {
    if (find(handle) == nullptr) return nullptr;
    Slot& slot = slots_[handle.index];
    ++slot.generation;
    slot.next_free = free_;
    free_ = handle.index;
    --live_;
    return std::move(slot.object);
  }

  size_t size() const { return live_; }

  /// In index order. The visitor may not insert or remove.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.object != nullptr) visit(*slot.object);
    }
  }

 private:
  struct Slot {
    std::unique_ptr<T> object;
    uint32_t generation = 0;
    uint32_t next_free = UINT32_MAX;
  };
  std::vector<Slot> slots_;
  uint32_t free_ = UINT32_MAX;
  size_t live_ = 0;
};

}  // namespace weft::net
