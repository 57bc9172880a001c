#include "xds/validate.h"

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <validate/validate.pb.h>

#include <algorithm>
#include <set>

#include "xds/reader.h"
#include "xds/validate_scalar.h"

namespace weft::xds {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using validate::FieldRules;

class Validator {
 public:
  explicit Validator(Faults& faults) : faults_(faults) {}

  void check(const Message& message, const Place& place) {
    const Descriptor& type = *message.GetDescriptor();
    if (type.options().GetExtension(validate::disabled)) return;
    if (type.full_name() == "google.protobuf.Any")
      return check_payload(static_cast<const google::protobuf::Any&>(message), place);
    if (type.file()->package() == "google.protobuf") return;
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
      const auto& oneof = *type.oneof_decl(i);
      if (!oneof.options().GetExtension(validate::required) || reflection.HasOneof(message, &oneof)) continue;
      std::vector<std::string> names;
      for (int j = 0; j < oneof.field_count(); ++j) names.push_back(oneof.field(j)->name());
      absent(place, fmt::format("one of {} is required", fmt::join(names, ", ")));
    }
    for (int i = 0; i < type.field_count(); ++i) check_field(message, *type.field(i), place);
  }

 private:
  void refuse(const Place& place, std::string message) { faults_.add(place.to_string(), std::move(message)); }
  void absent(const Place& place, std::string message) {
    faults_.add({{}, {}, place.to_string(), std::move(message), true});
  }

  void check_payload(const google::protobuf::Any& any, const Place& place) {
    const std::unique_ptr<Message> payload = new_message_of_type(any.type_url());
    if (payload && payload->ParsePartialFromString(any.value())) check(*payload, place);
  }

  void check_field(const Message& message, const FieldDescriptor& field, const Place& above) {
    const FieldRules& rules = field.options().GetExtension(validate::rules);
    const Place place{&above, field.name()};
    if (field.is_map()) return check_map(message, field, rules.map(), place);
    if (field.is_repeated()) return check_repeated(message, field, rules.repeated(), place);
    const bool is_set = message.GetReflection()->HasField(message, &field);
    if (!is_set && field.has_presence()) {
      if (field.real_containing_oneof()) return;  // its rules hold where it is the one chosen
      const bool is_required = rules.message().required() || rules.duration().required() || rules.any().required() ||
                               rules.timestamp().required();
      if (is_required) absent(place, "is required");
      return;
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return check_message(message.GetReflection()->GetMessage(message, &field), rules, place);
    }
    if (std::string problem = broken_rule(message, field, -1, rules); !problem.empty()) {
      is_set ? refuse(place, std::move(problem)) : absent(place, std::move(problem));
    }
  }

  void check_message(const Message& value, const FieldRules& rules, const Place& place) {
    if (rules.message().skip()) return;
    const Descriptor& type = *value.GetDescriptor();
    if (type.file()->name() == "google/protobuf/wrappers.proto") {
      if (std::string problem = broken_rule(value, *type.field(0), -1, rules); !problem.empty())
        refuse(place, std::move(problem));
    } else if (type.full_name() == "google.protobuf.Duration") {
      const std::string problem =
          broken_duration_rule(static_cast<const google::protobuf::Duration&>(value), rules.duration());
      if (!problem.empty()) refuse(place, problem);
    } else {
      if (rules.has_any()) check_any_type(static_cast<const google::protobuf::Any&>(value), rules.any(), place);
      check(value, place);
    }
  }

  void check_any_type(const google::protobuf::Any& any, const validate::AnyRules& rules, const Place& place) {
    const auto holds = [&](const auto& list) {
      return std::find(list.begin(), list.end(), any.type_url()) != list.end();
    };
    if (!rules.in().empty() && !holds(rules.in()))
      refuse(place, fmt::format("{}: must be one of {}", in_quotes(any.type_url()), fmt::join(rules.in(), ", ")));
    if (holds(rules.not_in()))
      refuse(place, fmt::format("{}: must be none of {}", in_quotes(any.type_url()), fmt::join(rules.not_in(), ", ")));
  }

  void check_repeated(const Message& message, const FieldDescriptor& field, const validate::RepeatedRules& rules,
                      const Place& place) {
    const Reflection& reflection = *message.GetReflection();
    const int count = reflection.FieldSize(message, &field);
    const auto size = static_cast<uint64_t>(count);
    if (size < rules.min_items())
      absent(place, fmt::format("must have at least {} item{}", rules.min_items(), rules.min_items() == 1 ? "" : "s"));
    if (rules.has_max_items() && size > rules.max_items())
      refuse(place, fmt::format("{} items: must have at most {}", size, rules.max_items()));
    std::set<std::string> seen;
    for (int i = 0; i < count; ++i) {
      const Place item{&place, {}, i};
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        check_message(reflection.GetRepeatedMessage(message, &field, i), rules.items(), item);
        continue;
      }
      if (std::string problem = broken_rule(message, field, i, rules.items()); !problem.empty())
        refuse(item, std::move(problem));
      if (rules.unique() && !seen.insert(shown_scalar(message, field, i)).second)
        refuse(item, shown_scalar(message, field, i) + ": given twice");
    }
  }

  void check_map(const Message& message, const FieldDescriptor& field, const validate::MapRules& rules,
                 const Place& place) {
    const Reflection& reflection = *message.GetReflection();
    const int count = reflection.FieldSize(message, &field);
    const auto size = static_cast<uint64_t>(count);
    if (size < rules.min_pairs()) absent(place, fmt::format("must have at least {} entries", rules.min_pairs()));
    if (rules.has_max_pairs() && size > rules.max_pairs())
      refuse(place, fmt::format("{} entries: must have at most {}", size, rules.max_pairs()));
    for (int i = 0; i < count; ++i) {
      const Message& pair = reflection.GetRepeatedMessage(message, &field, i);
      const FieldDescriptor& key = *pair.GetDescriptor()->map_key();
      const FieldDescriptor& value = *pair.GetDescriptor()->map_value();
      const std::string name = key.cpp_type() == FieldDescriptor::CPPTYPE_STRING
                                   ? pair.GetReflection()->GetString(pair, &key)
                                   : shown_scalar(pair, key, -1);
      const Place here{&place, name, -1, true};
      if (std::string problem = broken_rule(pair, key, -1, rules.keys()); !problem.empty())
        refuse(here, "key " + problem);
      if (value.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        check_message(pair.GetReflection()->GetMessage(pair, &value), rules.values(), here);
      } else if (std::string problem = broken_rule(pair, value, -1, rules.values()); !problem.empty()) {
        refuse(here, std::move(problem));
      }
    }
  }

  Faults& faults_;
};

}  // namespace

void validate_rules(const Message& message, const Place& place, Faults& faults) {
  Validator(faults).check(message, place);
}

}  // namespace weft::xds
