// Purpose: free lists for the objects that a request makes and drops, so that the hot path does not call malloc.
// Thread:  one; the pool outlives its objects.   Owner: a worker.
#pragma once

#include <cstddef>
#include <cstdlib>

#include "base/assert.h"

namespace weft::base {

/// Memory of one object size. Objects find their pool again through a pointer in front of them, so that deletion
/// needs no argument (and no thread_local).
class ObjectPool {
 public:
  /// Free objects kept; more go back to the system.
  static constexpr size_t kFreeObjectsMax = 256;

  ObjectPool() = default;
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;
  ~ObjectPool() {
    WEFT_ASSERT(live_ == 0);
    while (free_ != nullptr) {
      Header* next = free_->next;
      std::free(free_);
      free_ = next;
    }
  }

  void* allocate(size_t bytes) {
    WEFT_ASSERT(bytes_ == 0 || bytes == bytes_);
    bytes_ = bytes;
    ++live_;
    Header* header = free_;
    if (header != nullptr) {
      free_ = header->next;
      --free_count_;
    } else {
      header = static_cast<Header*>(std::malloc(sizeof(Header) + bytes));
      WEFT_ASSERT(header != nullptr);
    }
    header->pool = this;
    return header + 1;
  }

  static void release(void* object) {
    if (object == nullptr) return;
    Header* header = static_cast<Header*>(object) - 1;
    ObjectPool* pool = header->pool;
    --pool->live_;
    if (pool->free_count_ >= kFreeObjectsMax) return std::free(header);
    header->next = pool->free_;
    pool->free_ = header;
    ++pool->free_count_;
  }

  size_t live() const { return live_; }

 private:
  union alignas(std::max_align_t) Header {
    ObjectPool* pool;
    Header* next;
  };
  Header* free_ = nullptr;
  size_t free_count_ = 0, live_ = 0, bytes_ = 0;
};

/// To inherit from: `new (pool) T(...)`, plain `delete`.
class Pooled {
 public:
  static void* operator new(size_t bytes, ObjectPool& pool) { return pool.allocate(bytes); }
  static void operator delete(void* object) { ObjectPool::release(object); }
  static void operator delete(void* object, ObjectPool&) { ObjectPool::release(object); }
};

}  // namespace weft::base
