// YAML by yaml-cpp's event parser, whose recursion is bounded; the tree is ours, so that depth, aliases and duplicate
// keys are judged while it grows.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/node/convert.h>
#include <yaml-cpp/node/node.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

#include "base/limits.h"
#include "xds/document.h"

namespace weft::xds {

namespace {

Mark mark_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

/// Stops the parser; the fault is recorded already.
struct Stop {};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, Faults& faults) : file_(file), faults_(faults) {}

  std::shared_ptr<const Node> root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = std::make_shared<Node>();
    node->mark = mark_of(mark);
    finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark_of(mark), "an alias inside its own anchor");
    expanded_ += found->second->size;
    if (expanded_ > base::kConfigAliasNodesMax) {
      stop(mark_of(mark), "aliases expand to more than " + std::to_string(base::kConfigAliasNodesMax) + " nodes");
    }
    attach(found->second, mark_of(mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = std::make_shared<Node>();
    node->mark = mark_of(mark);
    node->text = value;
    const bool is_plain = tag != "!" && tag != "tag:yaml.org,2002:str";
    node->kind = is_plain ? yaml_scalar_kind(value, node->boolean) : Node::Kind::Text;
    if (tag == "!ignore" && !frames_.empty() && is_key_next()) frames_.back().is_key_ignored = true;
    finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::Sequence, mark_of(mark), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::Map, mark_of(mark), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor;
    bool has_key = false;
    bool is_key_ignored = false;  ///< tagged !ignore, as Envoy allows for anchors
    std::string key;
    Mark key_mark;
    std::unordered_set<std::string> keys;
  };

  [[noreturn]] void stop(Mark mark, std::string message) {
    faults_.add({file_, mark, {}, std::move(message), false});
    throw Stop();
  }

  bool is_key_next() const { return frames_.back().node->kind == Node::Kind::Map && !frames_.back().has_key; }

  void open(Node::Kind kind, Mark mark, YAML::anchor_t anchor) {
    if (frames_.size() >= base::kConfigDepthMax)
      stop(mark, "nested deeper than " + std::to_string(base::kConfigDepthMax) + " levels");
    if (!frames_.empty() && is_key_next()) stop(mark, "a key must be a scalar");
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->mark = mark;
    frames_.push_back({std::move(node), anchor});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    finish(std::move(frame.node), frame.anchor);
  }

  void finish(std::shared_ptr<const Node> node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    const Mark mark = node->mark;
    attach(std::move(node), mark);
  }

  void attach(std::shared_ptr<const Node> node, Mark mark) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (is_key_next()) {
      frame.has_key = true;
      frame.key = node->text;
      frame.key_mark = mark;
      return;
    }
    frame.node->size += node->size;
    if (frame.node->kind == Node::Kind::Sequence) {
      frame.node->items.push_back(std::move(node));
      return;
    }
    frame.has_key = false;
    if (std::exchange(frame.is_key_ignored, false)) return;
    if (!frame.keys.insert(frame.key).second) {
      faults_.add({file_, frame.key_mark, {}, in_quotes(frame.key) + ": given twice", false});
      return;
    }
    frame.node->entries.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
  }

  const std::string& file_;
  Faults& faults_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, std::shared_ptr<const Node>> anchors_;
  std::shared_ptr<const Node> root_;
  size_t expanded_ = 0;
};

/// Reads from a view without copying it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

Node::Kind yaml_scalar_kind(const std::string& text, bool& boolean) {
  const YAML::Node node(text);
  if (YAML::convert<bool>::decode(node, boolean)) return Node::Kind::Bool;
  // Beyond 2^53 a double loses digits, so Envoy keeps the text; the text of a number field is read as a number again.
  constexpr int64_t kExact = int64_t{1} << 53;
  int64_t integer = 0;
  if (YAML::convert<int64_t>::decode(node, integer) && integer <= kExact && integer >= -kExact)
    return Node::Kind::Integer;
  return Node::Kind::Text;
}

std::shared_ptr<const Node> parse_yaml(std::string_view text, const std::string& file, Faults& faults) {
  if (text.size() > base::kConfigFileBytesMax) {
    faults.add({file, {}, {}, "larger than " + std::to_string(base::kConfigFileBytesMax) + " bytes", false});
    return nullptr;
  }
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  TreeBuilder builder(file, faults);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      faults.add({file, {}, {}, "the document is empty", false});
      return nullptr;
    }
    const auto root = builder.root();
    TreeBuilder next(file, faults);
    if (parser.HandleNextDocument(next)) {
      faults.add({file, next.root() ? next.root()->mark : Mark{}, {}, "a second document: only one is read", false});
    }
    return root;
  } catch (const Stop&) {
    return nullptr;
  } catch (const YAML::Exception& error) {
    faults.add({file, mark_of(error.mark), {}, error.msg, false});
    return nullptr;
  }
}

}  // namespace weft::xds
