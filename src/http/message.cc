#include "http/message.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::http {
namespace {

// Longest name that is looked up by a stack copy; longer ones are never known.
constexpr size_t kKnownNameBytesMax = 64;

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool equals_lower(std::string_view lower, std::string_view any) {
  if (lower.size() != any.size()) return false;
  for (size_t i = 0; i < any.size(); ++i) {
    if (to_lower(any[i]) != lower[i]) return false;
  }
  return true;
}

HeaderId header_id_any_case(std::string_view name) {
  if (name.size() > kKnownNameBytesMax) return HeaderId::Unknown;
  char lower[kKnownNameBytesMax];
  for (size_t i = 0; i < name.size(); ++i) lower[i] = to_lower(name[i]);
  return header_id({lower, name.size()});
}

}  // namespace

std::string_view to_string(Version version) {
  switch (version) {
    case Version::Http10: return "HTTP/1.0";
    case Version::Http11: return "HTTP/1.1";
    case Version::Http2: return "HTTP/2";
  }
  return "";
}

bool RequestHead::is_upgrade() const {
  if (version == Version::Http2) return has(HeaderId::Protocol) && method() == "CONNECT";
  return has(HeaderId::Upgrade) || has(HeaderId::Protocol);
}

HeaderMap::~HeaderMap() { release(); }

HeaderMap::HeaderMap(HeaderMap&& other) noexcept
    : pool_(other.pool_),
      block_(std::exchange(other.block_, nullptr)),
      text_size_(std::exchange(other.text_size_, 0)),
      count_(std::exchange(other.count_, 0)),
      bytes_(std::exchange(other.bytes_, 0)),
      present_(std::exchange(other.present_, {})) {}

HeaderMap& HeaderMap::operator=(HeaderMap&& other) noexcept {
  if (this == &other) return *this;
  release();
  pool_ = other.pool_;
  block_ = std::exchange(other.block_, nullptr);
  text_size_ = std::exchange(other.text_size_, 0);
  count_ = std::exchange(other.count_, 0);
  bytes_ = std::exchange(other.bytes_, 0);
  present_ = std::exchange(other.present_, {});
  return *this;
}

// Gives the block back to its pool; the other members keep their values.
void HeaderMap::release() {
  if (block_ == nullptr) return;
  base::Slice::adopt(block_, 0, 0);
  block_ = nullptr;
}

void HeaderMap::clear() {
  release();
  text_size_ = count_ = 0;
  bytes_ = 0;
  present_.clear();
}

HeaderMap HeaderMap::clone() const {
  HeaderMap copy(*pool_);
  if (count_ == 0) return copy;
  copy.block_ = pool_->allocate(text_size_ + (count_ + 1) * sizeof(Entry));
  std::memcpy(copy.text(), text(), text_size_);
  copy.text_size_ = text_size_;
  copy.count_ = count_;
  copy.bytes_ = bytes_;
  copy.present_ = present_;
  for (size_t i = 0; i < count_; ++i) copy.entry(i) = entry(i);
  return copy;
}

// Moves to a bigger block, leaving behind text that no line refers to any more.
base::Slice HeaderMap::grow(size_t text_bytes, size_t entries) {
  base::Block* old = block_;
  const uint32_t old_capacity = old != nullptr ? old->capacity : 0;
  const size_t live = bytes_ + text_bytes + (count_ + entries + 1) * sizeof(Entry);
  base::Block* bigger = pool_->allocate(live + (old != nullptr ? old_capacity / 2 : 0));
  uint32_t used = 0;
  const auto move_text = [&](uint32_t offset, uint32_t size) {
    std::memcpy(bigger->data() + used, old->data() + offset, size);
    return std::exchange(used, used + size);
  };
  for (size_t i = 0; i < count_; ++i) {
    block_ = old;
    Entry e = entry(i);
    if (e.id == HeaderId::Unknown) e.name_offset = move_text(e.name_offset, e.name_size);
    e.value_offset = move_text(e.value_offset, e.value_size);
    block_ = bigger;
    entry(i) = e;
  }
  block_ = bigger;
  text_size_ = used;
  return old != nullptr ? base::Slice::adopt(old, 0, 0) : base::Slice();
}

void HeaderMap::add(HeaderId id, std::string_view name, std::string_view value) {
  WEFT_ASSERT(name.size() <= UINT16_MAX);
  if (id != HeaderId::Unknown) return add(id, value);
  const base::Slice keep = reserve(name.size() + value.size(), 1);
  const uint32_t name_offset = put(name);
  push(id, name_offset, name.size(), value);
}

void HeaderMap::add(std::string_view name, std::string_view value) {
  const HeaderId id = header_id_any_case(name);
  if (id != HeaderId::Unknown) return add(id, value);
  WEFT_ASSERT(name.size() <= UINT16_MAX);
  const base::Slice keep = reserve(name.size() + value.size(), 1);
  const uint32_t name_offset = put(name);
  std::transform(name.begin(), name.end(), text() + name_offset, to_lower);
  push(id, name_offset, name.size(), value);
}

void HeaderMap::replace_value(Entry& e, std::string_view value) {
  bytes_ = bytes_ - e.value_size + value.size();
  e.value_offset = put(value);
  e.value_size = static_cast<uint32_t>(value.size());
}

void HeaderMap::set(HeaderId id, std::string_view value) {
  if (!has(id)) return add(id, value);
  const base::Slice keep = reserve(value.size(), 0);
  size_t i = find_line(id);
  replace_value(entry(i), value);
  while ((i = find_line(id, i + 1)) < count_) erase(i--);
  present_.add(id);
}

void HeaderMap::set(std::string_view name, std::string_view value) {
  const HeaderId id = header_id_any_case(name);
  if (id != HeaderId::Unknown) return set(id, value);
  size_t i = find_line(id, name);
  if (i == count_) return add(name, value);
  const base::Slice keep = reserve(value.size(), 0);
  replace_value(entry(i), value);
  while ((i = find_line(id, name, i + 1)) < count_) erase(i--);
}

void HeaderMap::append(std::string_view name, std::string_view value) {
  const HeaderId id = header_id_any_case(name);
  const size_t i = find_line(id, name);
  if (i == count_) return add(name, value);
  const base::Slice keep = reserve(entry(i).value_size + 1 + value.size(), 0);
  Entry& e = entry(i);
  const uint32_t offset = put(text_of(e.value_offset, e.value_size));
  put(",");
  put(value);
  bytes_ += 1 + value.size();
  e.value_offset = offset;
  e.value_size = text_size_ - offset;
}

size_t HeaderMap::remove(HeaderId id) {
  if (!has(id)) return 0;
  size_t removed = 0;
  for (size_t i = find_line(id); i < count_; i = find_line(id, i)) {
    erase(i);
    ++removed;
  }
  present_.remove(id);
  return removed;
}

size_t HeaderMap::remove(std::string_view name) {
  const HeaderId id = header_id_any_case(name);
  if (id != HeaderId::Unknown) return remove(id);
  // The name may point into the map; erasing lines moves no text.
  size_t removed = 0;
  for (size_t i = find_line(id, name); i < count_; i = find_line(id, name, i)) {
    erase(i);
    ++removed;
  }
  return removed;
}

// The presence bit stays when another line of the name is left.
void HeaderMap::erase(size_t i) {
  const HeaderId id = entry(i).id;
  bytes_ -= entry(i).name_size + entry(i).value_size;
  for (size_t k = i + 1; k < count_; ++k) entry(k - 1) = entry(k);
  --count_;
  if (id != HeaderId::Unknown && find_line(id) == count_) present_.remove(id);
}

size_t HeaderMap::find_line(HeaderId known, size_t from) const {
  if (from >= count_) return count_;
  const Entry* e = &entry(from);  // lines follow each other downwards
  for (size_t i = from; i < count_; ++i, --e) {
    if (e->id == known) return i;
  }
  return count_;
}

size_t HeaderMap::find_line(HeaderId id, std::string_view name, size_t from) const {
  if (id != HeaderId::Unknown) return find_line(id, from);
  for (size_t i = from; i < count_; ++i) {
    const Entry& e = entry(i);
    if (e.id == id && equals_lower(text_of(e.name_offset, e.name_size), name)) return i;
  }
  return count_;
}

std::optional<std::string_view> HeaderMap::scan(HeaderId id) const {
  const Entry& e = entry(find_line(id));
  return text_of(e.value_offset, e.value_size);
}

std::optional<std::string_view> HeaderMap::find(std::string_view name) const {
  const HeaderId id = header_id_any_case(name);
  if (id != HeaderId::Unknown) return find(id);
  const size_t i = find_line(id, name);
  if (i == count_) return std::nullopt;
  return text_of(entry(i).value_offset, entry(i).value_size);
}

size_t HeaderMap::count(HeaderId id) const {
  if (!has(id)) return 0;
  size_t n = 0;
  for (size_t i = 0; i < count_; ++i) n += entry(i).id == id;
  return n;
}

}  // namespace weft::http
