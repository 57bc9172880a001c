// Purpose: HTTP messages in one flat, version-neutral form that both codecs parse into and serialise from.
// Thread:  one worker.   Owner: the stream that received the message, or whoever builds one.
// Source:  HAProxy's HTX (one contiguous block: text from the front, index from the back).
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/slice.h"
#include "http/header_id.h"

namespace weft::http {

enum class Version : uint8_t { Http10, Http11, Http2 };
std::string_view to_string(Version version);  ///< "HTTP/1.1"

/// memcpy for the sizes that names and values have: inline up to 32 bytes, where a call would cost more than the copy.
inline void copy_short(char* to, const char* from, size_t size) {
  if (size > 32) return void(std::memcpy(to, from, size));
  // Two overlapping copies cover every size between half of what they hold and all of it.
  const auto copy_ends = [&]<size_t kHalf>(std::integral_constant<size_t, kHalf>) {
    char head[kHalf], tail[kHalf];
    std::memcpy(head, from, kHalf);
    std::memcpy(tail, from + size - kHalf, kHalf);
    std::memcpy(to, head, kHalf);
    std::memcpy(to + size - kHalf, tail, kHalf);
  };
  if (size >= 16) return copy_ends(std::integral_constant<size_t, 16>());
  if (size >= 8) return copy_ends(std::integral_constant<size_t, 8>());
  if (size >= 4) return copy_ends(std::integral_constant<size_t, 4>());
  for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

/// One header line as seen by a reader. The views die at the next change of the map.
struct Header {
  HeaderId id;            ///< HeaderId::Unknown for names that are not interned
  std::string_view name;  ///< lower case; pseudo-headers start with ':'
  std::string_view value;
};

/// An ordered multimap of header lines in one block. Names are lower case; values are kept byte for byte.
/// Pseudo-headers of requests (:method :scheme :authority :path :protocol) are entries too and come first.
/// Lookups by id scan a 16-byte-per-line index behind a presence bitmap: absent known names cost O(1).
/// Cost: add is amortised O(1); set, remove O(lines).
class HeaderMap {
 public:
  explicit HeaderMap(base::BlockPool& pool) : pool_(&pool) {}
  ~HeaderMap();
  HeaderMap(HeaderMap&& other) noexcept;
  HeaderMap& operator=(HeaderMap&& other) noexcept;
  HeaderMap(const HeaderMap&) = delete;
  HeaderMap& operator=(const HeaderMap&) = delete;

  /// A deep copy (for retries and shadow requests).
  HeaderMap clone() const;

  // `value` and `name` may point into this map.
  void add(HeaderId id, std::string_view value) {
    WEFT_ASSERT(id != HeaderId::Unknown);
    const base::Slice keep = reserve(value.size(), 1);
    push(id, 0, header_name(id).size(), value);
  }
  void add(std::string_view name, std::string_view value);               ///< lower-cases and interns the name
  void add(HeaderId id, std::string_view name, std::string_view value);  ///< name already lower case and looked up
  /// Replaces all lines of that name by one, at the place of the first, or at the end.
  void set(HeaderId id, std::string_view value);
  void set(std::string_view name, std::string_view value);
  /// Appends `value` to the first line of that name behind a comma, or adds the line.
  void append(std::string_view name, std::string_view value);
  size_t remove(HeaderId id);  ///< returns lines removed
  size_t remove(std::string_view name);
  void remove_all(const HeaderIdSet& ids) {  ///< usually there is none of them: that costs a few instructions
    if (present_.meets(ids))
      remove_if([&](const Header& line) { return line.id != HeaderId::Unknown && ids.has(line.id); });
  }
  template <typename Predicate>
  size_t remove_if(Predicate predicate) {  ///< predicate(const Header&)
    size_t removed = 0;
    for (size_t i = 0; i < count_;) {
      if (predicate(at(i))) {
        erase(i);
        ++removed;
      } else {
        ++i;
      }
    }
    return removed;
  }
  void clear();

  bool has(HeaderId id) const { return present_.has(id); }
  /// First line of that name; nullopt when there is none (an empty value is not "none").
  std::optional<std::string_view> find(HeaderId id) const { return has(id) ? scan(id) : std::nullopt; }
  std::optional<std::string_view> find(std::string_view name) const;                         ///< any case
  std::string_view get(HeaderId id) const { return find(id).value_or(std::string_view()); }  ///< "" when absent
  std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view()); }
  size_t count(HeaderId id) const;

  size_t size() const { return count_; }  ///< lines, pseudo-headers included
  Header at(size_t i) const {
    const Entry& e = entry(i);
    return {e.id, name_of(e), text_of(e.value_offset, e.value_size)};
  }
  template <typename Visit>
  void for_each(Visit visit) const {  ///< visit(const Header&)
    for (size_t i = 0; i < count_; ++i) visit(at(i));
  }
  /// Sum of name and value lengths. Units: bytes.
  size_t bytes() const { return bytes_; }

  base::BlockPool& pool() const { return *pool_; }

 private:
  struct Entry {
    uint32_t name_offset;
    uint32_t value_offset;
    uint32_t value_size;
    uint16_t name_size;
    HeaderId id;
  };
  static_assert(sizeof(Entry) == 16);

  std::optional<std::string_view> scan(HeaderId id) const;
  /// Line number of the first of that name at or after `from`; count_ when there is none.
  size_t find_line(HeaderId id, std::string_view lower_case_name, size_t from = 0) const;
  size_t find_line(HeaderId known, size_t from = 0) const;
  void erase(size_t i);
  void replace_value(Entry& e, std::string_view value);
  /// Line i counts down from the last 16-byte boundary of the block.
  Entry& entry(size_t i) const {
    char* end = block_->data() + (block_->capacity & ~uint32_t{sizeof(Entry) - 1});
    return reinterpret_cast<Entry*>(end)[-1 - static_cast<ptrdiff_t>(i)];
  }
  char* text() const { return block_->data(); }
  std::string_view text_of(uint32_t offset, uint32_t size) const { return {block_->data() + offset, size}; }
  std::string_view name_of(const Entry& e) const {
    return e.id != HeaderId::Unknown ? header_name(e.id) : text_of(e.name_offset, e.name_size);
  }
  /// Makes room for `text_bytes` and `entries` more; returns the block that it replaced, which keeps old views alive.
  base::Slice reserve(size_t text_bytes, size_t entries) {
    const size_t needed = text_size_ + text_bytes + (count_ + entries + 1) * sizeof(Entry);
    if (block_ != nullptr && needed <= block_->capacity) [[likely]]
      return {};
    return grow(text_bytes, entries);
  }
  base::Slice grow(size_t text_bytes, size_t entries);
  uint32_t put(std::string_view value) {
    copy_short(text() + text_size_, value.data(), value.size());
    return std::exchange(text_size_, static_cast<uint32_t>(text_size_ + value.size()));
  }
  void push(HeaderId id, uint32_t name_offset, size_t name_size, std::string_view value) {
    const uint32_t value_offset = put(value);
    entry(count_++) = {name_offset, value_offset, static_cast<uint32_t>(value.size()), static_cast<uint16_t>(name_size),
                       id};
    bytes_ += name_size + value.size();
    // Unknown is never present: `has` must not find what has no name of its own.
    if (id != HeaderId::Unknown) present_.add(id);
  }
  void release();

  base::BlockPool* pool_;
  base::Block* block_ = nullptr;
  uint32_t text_size_ = 0;
  uint32_t count_ = 0;
  size_t bytes_ = 0;
  HeaderIdSet present_;
};

/// The head of a request.
class RequestHead : public HeaderMap {
 public:
  using HeaderMap::HeaderMap;
  Version version = Version::Http11;  ///< as received

  std::string_view method() const { return get(HeaderId::Method); }
  std::string_view scheme() const { return get(HeaderId::Scheme); }
  std::string_view authority() const { return get(HeaderId::Authority); }
  std::string_view path() const { return get(HeaderId::Path); }  ///< with query; "" for CONNECT
  std::string_view protocol() const {
    return get(HeaderId::Protocol);
  }  ///< extended CONNECT, or h1 upgrade: see is_upgrade
  /// HTTP/1.1 `Upgrade` that the codec validated (Connection: upgrade present), or extended CONNECT. The
  /// protocol asked for is in `upgrade` (h1) or `:protocol` (h2).
  bool is_upgrade() const;
  bool is_connect() const { return method() == "CONNECT" && !has(HeaderId::Protocol); }
};

/// The head of a response.
class ResponseHead : public HeaderMap {
 public:
  using HeaderMap::HeaderMap;
  Version version = Version::Http11;
  uint16_t status = 0;
};

}  // namespace weft::http
