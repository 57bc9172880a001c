// JSON by nlohmann's event parser, which keeps no stack of its own per level but bits; the reading iterator remembers
// where each token began, because the parser does not tell.
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/limits.h"
#include "xds/document.h"

namespace weft::xds {

namespace {

/// What has been read so far: where we are, and where the last token began.
struct Progress {
  Mark here{1, 0};
  Mark token{1, 1};
  bool is_in_string = false, is_escaped = false, is_in_word = false;

  void on_byte(char byte) {
    if (byte == '\n') {
      ++here.line;
      here.column = 0;
    } else {
      ++here.column;
    }
    if (is_in_string) {
      is_in_string = is_escaped || byte != '"';
      is_escaped = !is_escaped && byte == '\\';
      return;
    }
    const bool is_space = byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
    const bool is_structure = byte == ',' || byte == ':' || byte == ']' || byte == '}';
    if (byte == '"' || byte == '[' || byte == '{') {
      token = here;
      is_in_string = byte == '"';
      is_in_word = false;
    } else if (is_space || is_structure) {
      is_in_word = false;
    } else if (!is_in_word) {
      token = here;
      is_in_word = true;
    }
  }
};

class TrackingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackingIterator(const char* at, Progress* progress) : at_(at), progress_(progress) {}
  reference operator*() const { return *at_; }
  TrackingIterator& operator++() {
    progress_->on_byte(*at_++);
    return *this;
  }
  TrackingIterator operator++(int) {
    TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const TrackingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Progress* progress_;
};

class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  TreeBuilder(const std::string& file, const Progress& progress, Faults& faults)
      : file_(file), progress_(progress), faults_(faults) {}

  std::shared_ptr<const Node> root() const { return root_; }

  bool null() override { return scalar(Node::Kind::Null, {}); }
  bool boolean(bool value) override { return scalar(Node::Kind::Bool, value ? "true" : "false", value); }
  bool number_integer(number_integer_t value) override { return scalar(Node::Kind::Integer, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(Node::Kind::Integer, std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return scalar(Node::Kind::Real, text); }
  bool string(string_t& text) override { return scalar(Node::Kind::Text, text); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Node::Kind::Map); }
  bool start_array(std::size_t) override { return open(Node::Kind::Sequence); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& text) override {
    frames_.back().key = text;
    frames_.back().key_mark = progress_.token;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …": the place is said by the
    // mark.
    std::string_view text = error.what();
    if (const size_t at = text.find(": "); at != std::string_view::npos) text.remove_prefix(at + 2);
    faults_.add({file_, progress_.here, {}, std::string(text), false});
    return false;
  }

 private:
  struct Frame {
    std::shared_ptr<Node> node;
    std::string key;
    Mark key_mark;
    std::unordered_set<std::string> keys;
  };

  bool scalar(Node::Kind kind, std::string text, bool boolean = false) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->boolean = boolean;
    node->mark = progress_.token;
    node->text = std::move(text);
    return attach(std::move(node));
  }

  bool open(Node::Kind kind) {
    if (frames_.size() >= base::kConfigDepthMax) {
      faults_.add({file_,
                   progress_.token,
                   {},
                   "nested deeper than " + std::to_string(base::kConfigDepthMax) + " levels",
                   false});
      return false;
    }
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->mark = progress_.token;
    frames_.push_back({std::move(node)});
    return true;
  }

  bool close() {
    const auto node = std::move(frames_.back().node);
    frames_.pop_back();
    return attach(node);
  }

  bool attach(std::shared_ptr<const Node> node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return true;
    }
    Frame& frame = frames_.back();
    frame.node->size += node->size;
    if (frame.node->kind == Node::Kind::Sequence) {
      frame.node->items.push_back(std::move(node));
    } else if (!frame.keys.insert(frame.key).second) {
      faults_.add({file_, frame.key_mark, {}, in_quotes(frame.key) + ": given twice", false});
    } else {
      frame.node->entries.push_back({frame.key, frame.key_mark, std::move(node)});
    }
    return true;
  }

  const std::string& file_;
  const Progress& progress_;
  Faults& faults_;
  std::vector<Frame> frames_;
  std::shared_ptr<const Node> root_;
};

}  // namespace

std::shared_ptr<const Node> parse_json(std::string_view text, const std::string& file, Faults& faults) {
  if (text.size() > base::kConfigFileBytesMax) {
    faults.add({file, {}, {}, "larger than " + std::to_string(base::kConfigFileBytesMax) + " bytes", false});
    return nullptr;
  }
  Progress progress;
  TreeBuilder builder(file, progress, faults);
  const bool is_parsed = nlohmann::json::sax_parse(TrackingIterator(text.data(), &progress),
                                                   TrackingIterator(text.data() + text.size(), &progress), &builder);
  return is_parsed ? builder.root() : nullptr;
}

}  // namespace weft::xds
