// Purpose: HTTP messages in one flat, version-neutral form that both codecs parse into and serialise from.
// Thread:  one worker.   Owner: the stream that received the message, or whoever builds one.
// Source:  HAProxy's HTX (one contiguous block: text from the front, index from the back).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/slice.h"
#include "http/header_id.h"

namespace weft::http {

enum class Version : uint8_t { Http10, Http11, Http2 };
std::string_view to_string(Version version);  ///< "HTTP/1.1"

/// One header line as seen by a reader. The views die at the next change of the map.
struct Header {
  HeaderId id;             ///< HeaderId::Unknown for names that are not interned
  std::string_view name;   ///< lower case; pseudo-headers start with ':'
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
  void add(HeaderId id, std::string_view value);
  void add(std::string_view name, std::string_view value);  ///< lower-cases and interns the name
  void add(HeaderId id, std::string_view name, std::string_view value);  ///< name already lower case and looked up
  /// Replaces all lines of that name by one, at the place of the first, or at the end.
  void set(HeaderId id, std::string_view value);
  void set(std::string_view name, std::string_view value);
  /// Appends `value` to the first line of that name behind a comma, or adds the line.
  void append(std::string_view name, std::string_view value);
  size_t remove(HeaderId id);             ///< returns lines removed
  size_t remove(std::string_view name);
  template <typename Predicate>
  size_t remove_if(Predicate predicate) {  ///< predicate(const Header&)
    size_t removed = 0;
    for (size_t i = 0; i < count_;) {
      if (predicate(at(i))) { erase(i); ++removed; } else { ++i; }
    }
    return removed;
  }
  void clear();

  bool has(HeaderId id) const {
    return (present_[static_cast<size_t>(id) >> 6] >> (static_cast<size_t>(id) & 63)) & 1;
  }
  /// First line of that name; nullopt when there is none (an empty value is not "none").
  std::optional<std::string_view> find(HeaderId id) const { return has(id) ? scan(id) : std::nullopt; }
  std::optional<std::string_view> find(std::string_view name) const;  ///< any case
  std::string_view get(HeaderId id) const { return find(id).value_or(std::string_view()); }  ///< "" when absent
  std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view()); }
  size_t count(HeaderId id) const;

  size_t size() const { return count_; }  ///< lines, pseudo-headers included
  Header at(size_t i) const;
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
  bool is_named(const Entry& e, HeaderId id, std::string_view lower_case_name) const;
  void erase(size_t i);
  void replace_value(Entry& e, std::string_view value);
  Entry& entry(size_t i) const;
  char* text() const { return block_->data(); }
  std::string_view text_of(uint32_t offset, uint32_t size) const { return {block_->data() + offset, size}; }
  std::string_view name_of(const Entry& e) const;
  /// Makes room for `text_bytes` and `entries` more; returns the block that it replaced, which keeps old views alive.
  base::Slice reserve(size_t text_bytes, size_t entries);
  uint32_t put(std::string_view text);
  void push(HeaderId id, uint32_t name_offset, size_t name_size, std::string_view value);
  void release();

  base::BlockPool* pool_;
  base::Block* block_ = nullptr;
  uint32_t text_size_ = 0;
  uint32_t count_ = 0;
  size_t bytes_ = 0;
  uint64_t present_[kHeaderIdWords] = {};
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
  std::string_view protocol() const { return get(HeaderId::Protocol); }  ///< extended CONNECT, or h1 upgrade: see is_upgrade
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
