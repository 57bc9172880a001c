// Purpose: a YAML or JSON text as a tree of nodes that know where they stand, before any schema is applied.
//          YAML scalars are typed as Envoy types them (YAML 1.1: a bare y, yes or on is a boolean; a fraction stays
//          text).
// Thread:  any.   Owner: the caller; nodes are shared where YAML aliases share them.
// Errors:  every syntax fault is collected in `Faults` with line and column; size, depth and alias expansion are
// bounded
//          by base/limits.h (kConfigFileBytesMax, kConfigDepthMax, kConfigAliasNodesMax).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xds/fault.h"

namespace weft::xds {

struct Node {
  enum class Kind : uint8_t { Null, Bool, Integer, Real, Text, Sequence, Map };
  struct Entry {
    std::string key;
    Mark mark;  ///< of the key
    std::shared_ptr<const Node> value;
  };

  Kind kind = Kind::Null;
  bool boolean = false;
  Mark mark;
  size_t size = 1;   ///< nodes in this tree with every alias expanded
  std::string text;  ///< the scalar as written (strings: without quotes and escapes)
  std::vector<std::shared_ptr<const Node>> items;
  std::vector<Entry> entries;  ///< in the order of the text; keys are unique

  /// The value of `key`, or null. Cost: O(entries).
  const Entry* find(std::string_view key) const;
};

/// Parses one document. `file` names it in faults. Null when it could not be parsed at all; otherwise what was
/// readable, beside the faults added (duplicate keys).
std::shared_ptr<const Node> parse_yaml(std::string_view text, const std::string& file, Faults& faults);
std::shared_ptr<const Node> parse_json(std::string_view text, const std::string& file, Faults& faults);

/// How Envoy types a plain YAML scalar.
Node::Kind yaml_scalar_kind(const std::string& text, bool& boolean);

/// Where the parts of a message stand in the texts it was merged from: later documents extend and override earlier
/// ones.
class Sources {
 public:
  void add(std::string file, std::shared_ptr<const Node> root);
  /// Fills file and mark of a fault from its path: the place itself, else its nearest parent that is written down.
  void locate(Fault& fault) const;

 private:
  struct Source {
    std::string file;
    std::shared_ptr<const Node> root;
  };
  std::vector<Source> sources_;
};

}  // namespace weft::xds
