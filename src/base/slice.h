// Purpose: bytes that are moved, not copied, from socket to socket: reference-counted blocks, slices of
//          them, and chains of slices.
// Thread:  the loop that owns the pool; reference counts are plain integers. A slice must not leave its
//          worker (copy the bytes instead).
// Owner:   a block belongs to its slices; the last one gives it back to the pool it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace weft::base {

class BlockPool;

/// The header of a piece of memory; `capacity` bytes follow it.
struct Block {
  uint32_t references;
  uint32_t capacity;
  BlockPool* pool;  ///< nullptr: plain heap

  char* data() { return reinterpret_cast<char*>(this + 1); }
};

/// Free lists of the two block sizes a proxy needs: read buffers and message heads.
/// Units: bytes.  Thread: one.  Owner: the loop; outlives every slice made from it.
class BlockPool {
 public:
  static constexpr uint32_t kLargeBytes = 16 * 1024 - sizeof(Block);
  static constexpr uint32_t kSmallBytes = 2 * 1024 - sizeof(Block);
  /// Blocks kept for reuse per size; more are given back to the system, so that a burst does not stay in RSS.
  static constexpr size_t kFreeBlocksMax = 64;

  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  /// A block of at least `bytes`, with one reference. Above kLargeBytes it is plain heap.
  Block* allocate(size_t bytes);

  /// Blocks handed out and not yet back; 0 at the end of a run means nothing leaked.
  size_t live_blocks() const { return live_; }

 private:
  friend class Slice;
  static void release(Block* block);

  struct FreeList {
    Block* head = nullptr;
    size_t count = 0;
  };
  FreeList large_, small_;
  size_t live_ = 0;
};

/// A view of part of a block that keeps the block alive; or a view of static bytes, which needs none.
class Slice {
 public:
  Slice() = default;
  ~Slice() { drop(); }
  Slice(Slice&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        block_(std::exchange(other.block_, nullptr)) {}
  Slice& operator=(Slice&& other) noexcept {
    if (this != &other) {
      drop();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      block_ = std::exchange(other.block_, nullptr);
    }
    return *this;
  }
  Slice(const Slice&) = delete;
  Slice& operator=(const Slice&) = delete;

  /// Takes over one reference of `block`.
  static Slice adopt(Block* block, size_t offset, size_t size) {
    Slice s;
    s.block_ = block;
    s.data_ = block->data() + offset;
    s.size_ = size;
    return s;
  }
  /// A copy of `bytes` in a pool block.
  static Slice copy_of(BlockPool& pool, std::string_view bytes);
  /// Bytes that live as long as the program.
  static Slice of_static(std::string_view bytes) {
    Slice s;
    s.data_ = bytes.data();
    s.size_ = bytes.size();
    return s;
  }

  /// Another slice of the same bytes (a reference, no copy).
  Slice share() const { return share(0, size_); }
  Slice share(size_t offset, size_t size) const {
    WEFT_ASSERT(offset + size <= size_);
    Slice s;
    s.data_ = data_ + offset;
    s.size_ = size;
    s.block_ = block_;
    if (block_ != nullptr) ++block_->references;
    return s;
  }

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  bool is_empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }

  void remove_prefix(size_t n) {
    WEFT_ASSERT(n <= size_);
    data_ += n;
    size_ -= n;
  }
  void truncate(size_t n) {
    WEFT_ASSERT(n <= size_);
    size_ = n;
  }
  /// Gives the reference back now.
  void reset() { *this = Slice(); }

 private:
  void drop() {
    if (block_ != nullptr && --block_->references == 0) BlockPool::release(block_);
  }

  const char* data_ = nullptr;
  size_t size_ = 0;
  Block* block_ = nullptr;
};

/// A queue of slices; what a write takes and a body is. Up to kInline slices need no allocation.
class Chain {
 public:
  static constexpr uint32_t kInline = 2;

  Chain() = default;
  explicit Chain(Slice slice) { append(std::move(slice)); }
  ~Chain() {
    if (count_ != 0 || heap_ != nullptr) clear_storage();
  }
  Chain(Chain&& other) noexcept { take(other); }
  Chain& operator=(Chain&& other) noexcept {
    if (this != &other) {
      clear_storage();
      take(other);
    }
    return *this;
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  /// Adds at the end; an empty slice is dropped.
  void append(Slice slice);
  /// Moves everything of `other` to the end; `other` is empty afterwards.
  void append(Chain&& other);
  /// Copies bytes to the end, into pool blocks.
  void append_copy(BlockPool& pool, std::string_view bytes);

  size_t size() const { return bytes_; }
  bool is_empty() const { return bytes_ == 0; }
  size_t slice_count() const { return count_; }
  const Slice& slice(size_t i) const { return items()[first_ + i]; }
  Slice& front() { return items()[first_]; }

  /// Takes the first slice out.
  Slice pop_front();
  /// Drops the first `n` bytes.
  void remove_prefix(size_t n);
  /// Takes the first `n` bytes out as a chain of their own.
  Chain split_front(size_t n);
  /// A second chain of the same bytes (references, no copy).
  Chain share() const;
  void clear();
  std::string to_string() const;

 private:
  Slice* items() { return heap_ != nullptr ? heap_ : inline_; }
  const Slice* items() const { return heap_ != nullptr ? heap_ : inline_; }
  void make_room();
  void take(Chain& other);
  void clear_storage();

  size_t bytes_ = 0;
  uint32_t first_ = 0;
  uint32_t count_ = 0;
  uint32_t capacity_ = kInline;
  Slice* heap_ = nullptr;
  Slice inline_[kInline];
};

}  // namespace weft::base
