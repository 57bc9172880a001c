// Purpose: reads a configuration message and remembers what was read: what is set and never read is refused by its
// path,
//          and what has been read when set is the table of supported fields. So neither can lie.
//          Fields are named as in the .proto files and found by reflection, so translation needs no generated header.
// Thread:  any, one at a time.   Owner: a Tracker owns every View's node; views borrow.
// Errors:  a field name that the type does not have is a bug and asserts; faults in the configuration go to `Faults`.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "xds/fault.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
class Struct;
}  // namespace google::protobuf

namespace weft::xds {

class Tracker;

/// A message, or the absence of one (every read then gives the default). Copyable; borrows from its Tracker.
class View {
 public:
  View() = default;

  bool is_present() const { return node_ != nullptr; }
  explicit operator bool() const { return is_present(); }
  /// "envoy.config.route.v3.Route"; empty where absent.
  std::string_view type() const;
  /// The path of this message, or of one of its fields.
  std::string path(std::string_view field = {}) const;

  /// Whether a message field, a oneof member or an optional is present; a list or map not empty; a scalar not the
  /// default.
  bool has(std::string_view field) const;
  /// The same without taking it as read, for fields that are to be refused.
  bool holds(std::string_view field) const;

  View message(std::string_view field) const;
  std::vector<View> messages(std::string_view field) const;
  /// The message packed in the Any `field`; absent where there is none. Its type() tells which.
  View payload(std::string_view field) const;
  /// The values of a map<string, message> by key; an Any is unpacked.
  std::vector<std::pair<std::string, View>> map(std::string_view field) const;
  /// A Struct, which is read as a whole; null where absent.
  const google::protobuf::Struct* structure(std::string_view field) const;

  std::string text(std::string_view field) const;
  std::vector<std::string> texts(std::string_view field) const;
  bool flag(std::string_view field) const;
  /// uint32, int32, enum numbers.
  int64_t number(std::string_view field) const;
  std::vector<int64_t> numbers(std::string_view field) const;
  double real(std::string_view field) const;
  /// The name of an enum's value ("STRICT_DNS").
  std::string choice(std::string_view field) const;

  /// The wrapped value of a BoolValue, UInt32Value, DoubleValue …; nothing where absent.
  std::optional<bool> wrapped_flag(std::string_view field) const;
  std::optional<uint64_t> wrapped_number(std::string_view field) const;
  std::optional<double> wrapped_real(std::string_view field) const;
  /// Never negative: validate_rules() says what is wrong with such a one, here it is absent.
  std::optional<base::Duration> duration(std::string_view field) const;

  /// Takes a field, with all below it, as read: it changes nothing that Weft does, and `reason` says why (for the
  /// table).
  void accept(std::string_view field, std::string_view reason) const;
  /// Takes the whole message as read, and every one below it (after a fault that explains it).
  void accept_all() const;

  void fault(std::string_view field, std::string message) const;
  void fault(std::string message) const { fault({}, std::move(message)); }
  /// The same, for something required that is missing.
  void absent(std::string_view field, std::string message) const;
  /// How many faults the whole configuration has so far.
  size_t fault_count() const;

  /// The bytes of this message, map entries in order.
  std::string serialized() const;
  const google::protobuf::Message* raw() const;

 private:
  friend class Tracker;
  struct Node;
  explicit View(Node* node) : node_(node) {}
  const google::protobuf::FieldDescriptor* read(std::string_view field) const;
  View child(const google::protobuf::Message& message, int field, int64_t item, std::string segment) const;
  View unpacked(const google::protobuf::Message& any, int field, int64_t item, std::string segment) const;

  Node* node_ = nullptr;
};

class Tracker {
 public:
  /// `root` must outlive the tracker. `root_path` is what paths begin with; empty for a bootstrap.
  Tracker(const google::protobuf::Message& root, Faults& faults, std::string root_path = {});
  ~Tracker();
  Tracker(const Tracker&) = delete;

  View root();
  /// Adds "not implemented by Weft" for every field that is set and was never read. Call once, after translation.
  void refuse_unread();

  /// "envoy.config.route.v3.Route.match" → "" or the reason given to `accept`: what was set and read.
  std::map<std::string, std::string> supported() const;
  /// What translation would have read, had it been set: a file that sets all of it shows that all of it is accepted.
  std::set<std::string> asked() const;

 private:
  friend class View;
  void refuse_unread(View::Node& node);

  Faults& faults_;
  std::unordered_map<const google::protobuf::FieldDescriptor*, std::string> supported_;
  std::unordered_set<const google::protobuf::FieldDescriptor*> asked_;
  std::unique_ptr<View::Node> root_;
};

}  // namespace weft::xds
