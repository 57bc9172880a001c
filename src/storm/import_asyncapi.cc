#include "storm/import_asyncapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/limits.h"
#include "storm/import_board.h"
#include "storm/import_schema.h"

namespace weft::storm {

namespace {

// In a structured CloudEvent the fields are those of `data`.
const Json& data_of(const SchemaReader& reader, const Json& payload) {
  const Json& properties = member(reader.resolve(payload), "properties");
  const bool is_envelope = member(properties, "specversion").is_object() && member(properties, "source").is_object();
  return is_envelope && member(properties, "data").is_object() ? member(properties, "data") : payload;
}

class Importer {
 public:
  base::Status read(const AsyncapiFile& file) {
    const auto refuse = [&](base::ErrorCode code, std::string_view what) {
      return base::Error(code, fmt::format("{}: {}", file.name, what));
    };
    if (file.content.size() > base::kBoardBytesMax)
      return refuse(base::ErrorCode::LimitExceeded, fmt::format("longer than {} bytes", base::kBoardBytesMax));
    const Json document = Json::parse(file.content, nullptr, false);
    if (document.is_discarded())
      return refuse(base::ErrorCode::InvalidArgument,
                    "is not JSON; an AsyncAPI document in YAML has to be converted first");
    const std::string version = text_member(document, "asyncapi");
    if (version.empty())
      return refuse(base::ErrorCode::InvalidArgument, "is no AsyncAPI document: it has no \"asyncapi\"");
    if (!version.starts_with("2.") && !version.starts_with("3."))
      return refuse(base::ErrorCode::InvalidArgument,
                    fmt::format("AsyncAPI {}: 2.x and 3.x can be read", one_line(version)));

    SchemaReader reader(document, file.name, found_.records, found_.notes);
    found_.applications.push_back({one_line(text_member(member(document, "info"), "title")), {}});
    version.starts_with("2.") ? read_2(document, reader) : read_3(document, reader);
    if (found_.title.empty()) found_.title = found_.applications.back().title;
    if (found_.board.empty()) found_.board = text_member(member(document, "info"), "x-weft-board");
    return {};
  }

  base::Result<Imported> finish() {
    if (found_.events.empty())
      return base::Error(base::ErrorCode::NotFound,
                         commands_.empty() ? "no message is sent or received: there is no event to begin with"
                                           : "only requests that are answered: there is no event to begin with");
    Imported out;
    out.unknown = unknown_of(found_);
    out.board = board_of(found_, out.unknown);
    return out;
  }

 private:
  // A message that has no name is called by its key, its channel or its operation, in this order.
  FoundEvent event_of(const Json& reference, std::string name, SchemaReader& reader) {
    std::string key;
    const Json& message = reader.resolve(reference, &key);
    if (!key.empty()) name = key;
    for (const char* each : {"messageId", "name"})
      if (const std::string given = text_member(message, each); !given.empty()) name = given;
    FoundEvent event;
    event.name = board_name(one_line(name));
    event.text = one_line(text_member(message, "summary"));
    const Json& payload = member(message, "payload");
    const Json& schema = member(payload, "schema").is_object() && !text_member(payload, "schemaFormat").empty()
                             ? member(payload, "schema")
                             : payload;
    const std::string format = text_member(message, "schemaFormat") + text_member(payload, "schemaFormat");
    const bool is_readable =
        format.empty() || format.find("json") != std::string::npos || format.find("aai") != std::string::npos;
    if (is_readable) event.fields = reader.fields_of(data_of(reader, schema), event.name);
    else found_.notes.push_back(fmt::format("{}: its payload is {}", event.name, one_line(format)));
    read_extensions(message, event);
    return event;
  }

  // What a document has from a board.
  static void read_extensions(const Json& message, FoundEvent& event) {
    const auto names = [&](const char* key, std::vector<std::string>& out) {
      if (const Json& list = member(message, key); list.is_array())
        for (const Json& each : list)
          if (each.is_string()) out.push_back(board_name(one_line(each.get<std::string>())));
    };
    if (const std::string key = one_line(text_member(message, "x-weft-key")); !key.empty()) event.key = board_name(key);
    names("x-weft-refs", event.refs);
    names("x-weft-from", event.from);
    event.is_pivotal = member(message, "x-weft-pivotal") == true;
  }

  // The same name with other fields is another event, and gets a number.
  void add(FoundEvent event) {
    const std::string wanted = event.name, fields = fields_text(event.fields);
    for (size_t number = 2; by_name_.contains(event.name); ++number) {
      FoundEvent& known = found_.events[by_name_.at(event.name)];
      const std::string there = fields_text(known.fields);
      if (there.empty() || fields.empty() || there == fields) {
        if (there.empty()) known.fields = std::move(event.fields);
        if (known.text.empty()) known.text = std::move(event.text);
        known.is_sent = known.is_sent || event.is_sent;
        if (event.is_sent) found_.applications.back().sends.push_back(known.name);
        return;
      }
      event.name = fmt::format("{}{}", wanted, number);
    }
    if (event.name != wanted)
      found_.notes.push_back(fmt::format("{}: another message is called {} too, with other fields: are they one event?",
                                         event.name, wanted));
    if (event.is_sent) found_.applications.back().sends.push_back(event.name);
    for (const std::string& system : event.from) found_.systems.insert(system);
    by_name_.emplace(event.name, found_.events.size());
    found_.events.push_back(std::move(event));
  }

  void add_command(const Json& reference, const std::string& fallback, SchemaReader& reader) {
    const FoundEvent command = event_of(reference, fallback, reader);
    const std::string fields = fields_text(command.fields);
    if (commands_.insert(command.name).second)
      found_.notes.push_back(fmt::format("{}: a request that is answered: command {}{}{}, once the events stand",
                                         command.name, command.name, fields.empty() ? "" : " fields ", fields));
  }

  // ---- AsyncAPI 3: operations point at channels, channels hold messages ----

  void read_3(const Json& document, SchemaReader& reader) {
    std::set<const Json*> used;
    if (const Json& operations = member(document, "operations"); operations.is_object())
      for (const auto& [id, operation] : operations.items())
        read_operation(id, reader.resolve(operation), reader, used);
    const Json& channels = member(document, "channels");
    if (!channels.is_object()) return;
    for (const auto& [id, channel] : channels.items())
      if (!used.contains(&reader.resolve(channel))) read_channel(id, reader.resolve(channel), false, false, reader);
  }

  void read_operation(const std::string& id, const Json& operation, SchemaReader& reader, std::set<const Json*>& used) {
    std::string channel_id = id;
    const Json& channel = reader.resolve(member(operation, "channel"), &channel_id);
    const bool is_request = member(operation, "reply").is_object() || member(operation, "x-weft-command").is_string();
    const bool is_sent = text_member(operation, "action") == "send";
    used.insert(&channel);
    if (const Json& answers = member(member(operation, "reply"), "channel"); answers.is_object())
      used.insert(&reader.resolve(answers));
    const Json& messages = member(operation, "messages");
    if (!messages.is_array() || messages.empty()) return read_channel(channel_id, channel, is_sent, is_request, reader);
    for (const Json& message : messages) read_message(message, channel_id, channel, is_sent, is_request, reader);
  }

  void read_channel(const std::string& id, const Json& channel, bool is_sent, bool is_request, SchemaReader& reader) {
    const Json& messages = member(channel, "messages");
    if (!messages.is_object()) return;
    for (const auto& [key, message] : messages.items())
      read_message(message, messages.size() == 1 && key == "message" ? id : key, channel, is_sent, is_request, reader);
  }

  void read_message(const Json& message, const std::string& name, const Json& channel, bool is_sent, bool is_request,
                    SchemaReader& reader) {
    if (is_request) return add_command(message, name, reader);
    FoundEvent event = event_of(message, name, reader);
    event.is_sent = is_sent;
    event.address = one_line(text_member(channel, "address"));
    add(std::move(event));
  }

  // ---- AsyncAPI 2: a channel's `publish` is what the application takes, `subscribe` what it sends ----

  void read_2(const Json& document, SchemaReader& reader) {
    const Json& channels = member(document, "channels");
    if (!channels.is_object()) return;
    for (const auto& [address, reference] : channels.items()) {
      const Json& channel = reader.resolve(reference);
      for (const char* action : {"subscribe", "publish"}) {
        const Json& operation = member(channel, action);
        const Json& message = member(operation, "message");
        const std::string id = text_member(operation, "operationId"), name = address.empty() ? id : address;
        const Json& several = member(message, "oneOf");
        const auto take = [&](const Json& each) {
          FoundEvent event = event_of(each, name, reader);
          event.is_sent = std::string_view(action) == "subscribe";
          event.address = one_line(address);
          add(std::move(event));
        };
        if (several.is_array()) std::ranges::for_each(several, take);
        else if (message.is_object()) take(message);
      }
    }
  }

  Found found_;
  std::map<std::string, size_t> by_name_;
  std::set<std::string> commands_;
};

}  // namespace

base::Result<Imported> import_asyncapi(std::span<const AsyncapiFile> files) {
  Importer importer;
  for (const AsyncapiFile& file : files)
    if (const base::Status read = importer.read(file); !read) return read.error();
  return importer.finish();
}

}  // namespace weft::storm
