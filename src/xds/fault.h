// Purpose: what is wrong with a configuration, collected so that all of it can be told at once.
// Thread:  any (values).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft::xds {

/// A place in a text, counted from 1; 0: unknown.
struct Mark {
  uint32_t line = 0, column = 0;
};

/// One fault: `file:line:column: path: message`; the message names the value and the rule it breaks.
struct Fault {
  std::string file;
  Mark mark;
  std::string path;  ///< "static_resources.listeners[0].name"; empty: the whole document
  std::string message;
  bool is_absence = false;  ///< something required is missing: dropped where the reader refused a part of the same path

  std::string to_string() const;
};

/// What is said of a field that translation does not read.
constexpr std::string_view kNotImplemented = "not implemented by Weft";

/// Every fault of one configuration, in the order found until sorted.
class Faults {
 public:
  void add(std::string path, std::string message) {
    list_.push_back({{}, {}, std::move(path), std::move(message), false});
  }
  void add(Fault fault) { list_.push_back(std::move(fault)); }
  bool is_empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }
  std::vector<Fault>& list() { return list_; }
  const std::vector<Fault>& list() const { return list_; }
  /// Drops repetitions, absences at or above the place of another fault (what was refused there is why it is missing),
  /// and everything at or below a field that is not implemented at all.
  void simplify();
  /// Puts them in the order of the texts.
  void sort();
  /// One line each.
  std::string to_string() const;

 private:
  std::vector<Fault> list_;
};

/// A place in a message while walking down: parts live on the walker's stack.
struct Place {
  const Place* parent = nullptr;
  std::string_view name;  ///< of a field
  int64_t index = -1;     ///< >= 0: an item of the repeated field `parent`
  bool is_key = false;    ///< `name` is a map key

  std::string to_string() const;
};

/// `text` in double quotes, cut after 60 characters, control characters escaped: for messages.
std::string in_quotes(std::string_view text);
/// ", did you mean \"x\"?" for the nearest of `candidates`, or nothing.
std::string suggestion(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace weft::xds
