// Purpose: a board as contracts and documents that other tools read.
// Thread:  any.   Source: AsyncAPI 3.0.0, JSON Schema 2020-12, EventCatalog's content.config.ts, Knative's EventType
// v1beta2.
#pragma once

#include <string>
#include <vector>

#include "storm/graph.h"

namespace weft::storm {

struct ExportedFile {
  std::string path;  ///< relative, with '/'; of letters, digits, '_', '-' and '.' otherwise
  std::string content;
};
using ExportedFiles = std::vector<ExportedFile>;

// Whole documents end with a newline. The same board gives the same bytes. Cost: O(board).

/// One document of everything: what is sent, received and asked for.
std::string export_asyncapi(const Graph& graph);
/// CONTEXT.json for each context: its own events as `send`, what its policies and views take as `receive`. A board
/// without contexts gives one file, named after the board.
ExportedFiles export_asyncapi_contexts(const Graph& graph);

/// One schema with a definition of each event, command and view.
std::string export_jsonschema(const Graph& graph);
/// CONTEXT.json for each context, complete in itself; what comes from a system of no context has that system's file.
ExportedFiles export_jsonschema_contexts(const Graph& graph);

/// The folder of an EventCatalog: domains, services, events, commands, flows and the language.
ExportedFiles export_eventcatalog(const Graph& graph);

/// A timeline and glossary for people.
std::string export_markdown(const Graph& graph);

/// Knative EventType resources, one for each event.
std::string export_cloudevents(const Graph& graph);
ExportedFiles export_cloudevents_files(const Graph& graph);

}  // namespace weft::storm
