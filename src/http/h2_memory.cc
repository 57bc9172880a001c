#include "http/h2_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace weft::http {
namespace {

H2Memory& memory(void* user_data) { return *static_cast<H2Memory*>(user_data); }

}  // namespace

H2Memory::H2Memory() {
  hooks_.mem_user_data = this;
  hooks_.malloc = [](size_t size, void* self) { return memory(self).allocate(size); };
  hooks_.free = [](void* payload, void* self) { memory(self).release(payload); };
  hooks_.calloc = [](size_t count, size_t size, void* self) {
    void* payload = memory(self).allocate(count * size);  // nghttp2 multiplies small constants only
    if (payload != nullptr) std::memset(payload, 0, count * size);
    return payload;
  };
  hooks_.realloc = [](void* payload, size_t size, void* self) { return memory(self).reallocate(payload, size); };
}

H2Memory::~H2Memory() {
  for (Piece*& list : free_) {
    while (list != nullptr) std::free(std::exchange(list, list->next));
  }
}

void* H2Memory::allocate(size_t size) {
  const size_t size_class = size == 0 ? 0 : (size - 1) / kClassBytes;
  if (size_class >= kClasses) {
    auto* piece = static_cast<Piece*>(std::malloc(sizeof(Piece) + size));
    if (piece == nullptr) return nullptr;
    piece->size_class = kClasses;
    return piece->payload();
  }
  if (Piece* piece = free_[size_class]; piece != nullptr) {
    free_[size_class] = piece->next;
    kept_bytes_ -= (size_class + 1) * kClassBytes;
    return piece->payload();
  }
  auto* piece = static_cast<Piece*>(std::malloc(sizeof(Piece) + (size_class + 1) * kClassBytes));
  if (piece == nullptr) return nullptr;
  piece->size_class = size_class;
  return piece->payload();
}

void H2Memory::release(void* payload) {
  if (payload == nullptr) return;
  Piece* piece = static_cast<Piece*>(payload) - 1;
  const size_t bytes = (piece->size_class + 1) * kClassBytes;
  if (piece->size_class == kClasses || kept_bytes_ + bytes > kKeptBytesMax) return std::free(piece);
  kept_bytes_ += bytes;
  piece->next = free_[piece->size_class];
  free_[piece->size_class] = piece;
}

void* H2Memory::reallocate(void* payload, size_t size) {
  if (payload == nullptr) return allocate(size);
  Piece* piece = static_cast<Piece*>(payload) - 1;
  if (piece->size_class == kClasses) {
    auto* moved = static_cast<Piece*>(std::realloc(piece, sizeof(Piece) + size));
    return moved == nullptr ? nullptr : moved->payload();
  }
  const size_t capacity = (piece->size_class + 1) * kClassBytes;
  if (size <= capacity) return payload;
  void* moved = allocate(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, payload, capacity);
  release(payload);
  return moved;
}

}  // namespace weft::http
