#include "base/slice.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace weft::base {

BlockPool::~BlockPool() {
  WEFT_ASSERT(live_ == 0);
  for (FreeList* list : {&large_, &small_}) {
    while (list->head != nullptr) {
      Block* block = list->head;
      std::memcpy(&list->head, block->data(), sizeof(Block*));
      std::free(block);
    }
  }
}

Block* BlockPool::allocate(size_t bytes) {
  FreeList* list = bytes <= kSmallBytes ? &small_ : bytes <= kLargeBytes ? &large_ : nullptr;
  const size_t capacity = list == &small_ ? kSmallBytes : list == &large_ ? kLargeBytes : bytes;
  WEFT_ASSERT(capacity <= UINT32_MAX);
  ++live_;
  Block* block = list != nullptr ? list->head : nullptr;
  if (block != nullptr) {
    std::memcpy(&list->head, block->data(), sizeof(Block*));
    --list->count;
  } else {
    block = static_cast<Block*>(std::malloc(sizeof(Block) + capacity));
    WEFT_ASSERT(block != nullptr);  // Out of memory: nothing useful can be done on the request path.
  }
  block->references = 1;
  block->capacity = static_cast<uint32_t>(capacity);
  block->pool = this;
  return block;
}

void BlockPool::release(Block* block) {
  BlockPool* pool = block->pool;
  if (pool == nullptr) return std::free(block);
  --pool->live_;
  FreeList* list = block->capacity == kSmallBytes   ? &pool->small_
                   : block->capacity == kLargeBytes ? &pool->large_
                                                    : nullptr;
  if (list == nullptr || list->count >= kFreeBlocksMax) return std::free(block);
  std::memcpy(block->data(), &list->head, sizeof(Block*));
  list->head = block;
  ++list->count;
}

Slice Slice::copy_of(BlockPool& pool, std::string_view bytes) {
  if (bytes.empty()) return {};
  Block* block = pool.allocate(bytes.size());
  std::memcpy(block->data(), bytes.data(), bytes.size());
  return adopt(block, 0, bytes.size());
}

void Chain::append(Slice slice) {
  if (slice.is_empty()) return;
  if (first_ + count_ == capacity_) make_room();
  bytes_ += slice.size();
  items()[first_ + count_++] = std::move(slice);
}

void Chain::append(Chain&& other) {
  if (is_empty()) {
    *this = std::move(other);
    return;
  }
  while (!other.is_empty()) append(other.pop_front());
}

void Chain::append_copy(BlockPool& pool, std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min<size_t>(bytes.size(), BlockPool::kLargeBytes);
    append(Slice::copy_of(pool, bytes.substr(0, n)));
    bytes.remove_prefix(n);
  }
}

Slice Chain::pop_front() {
  WEFT_ASSERT(count_ > 0);
  Slice slice = std::move(items()[first_]);
  bytes_ -= slice.size();
  ++first_;
  if (--count_ == 0) first_ = 0;
  return slice;
}

void Chain::remove_prefix(size_t n) {
  WEFT_ASSERT(n <= bytes_);
  while (n > 0) {
    Slice& head = front();
    if (head.size() > n) {
      head.remove_prefix(n);
      bytes_ -= n;
      return;
    }
    n -= head.size();
    pop_front();
  }
}

Chain Chain::split_front(size_t n) {
  WEFT_ASSERT(n <= bytes_);
  Chain out;
  while (n > 0) {
    Slice& head = front();
    if (head.size() > n) {
      out.append(head.share(0, n));
      head.remove_prefix(n);
      bytes_ -= n;
      break;
    }
    n -= head.size();
    out.append(pop_front());
  }
  return out;
}

Chain Chain::share() const {
  Chain out;
  for (uint32_t i = 0; i < count_; ++i) out.append(slice(i).share());
  return out;
}

void Chain::clear() {
  while (count_ > 0) pop_front();
}

std::string Chain::to_string() const {
  std::string out;
  out.reserve(bytes_);
  for (uint32_t i = 0; i < count_; ++i) out.append(slice(i).view());
  return out;
}

// Slides to the front where half the room is free there, else doubles: appends stay amortised O(1).
void Chain::make_room() {
  Slice* from = items();
  if (first_ > 0 && first_ >= capacity_ / 2) {
    for (uint32_t i = 0; i < count_; ++i) from[i] = std::move(from[first_ + i]);
    first_ = 0;
    return;
  }
  const uint32_t capacity = capacity_ * 2;
  Slice* to = new Slice[capacity];
  for (uint32_t i = 0; i < count_; ++i) to[i] = std::move(from[first_ + i]);
  delete[] heap_;
  heap_ = to;
  capacity_ = capacity;
  first_ = 0;
}

// This chain is empty. Slices are two pointers and a size, and nothing points at them, so they move as bytes; all zeros
// is an empty one. A write passes a chain through four hands: this was a sixth of a forwarder's instructions.
void Chain::take(Chain& other) {
  std::memcpy(static_cast<void*>(this), static_cast<const void*>(&other), sizeof(Chain));
  std::memset(static_cast<void*>(&other), 0, sizeof(Chain));
  other.capacity_ = kInline;
}

void Chain::clear_storage() {
  if (count_ > 0) clear();
  if (heap_ == nullptr) return;
  delete[] heap_;
  heap_ = nullptr;
  capacity_ = kInline;
}

}  // namespace weft::base
