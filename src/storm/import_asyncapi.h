// Purpose: a first board from AsyncAPI documents: what happens, and what a document cannot say as questions.
// Thread:  any.   Source: AsyncAPI 2.0–2.6 and 3.x, as JSON.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::storm {

struct AsyncapiFile {
  std::string name;  ///< as it is called in messages
  std::string content;
};

struct Imported {
  std::string board;                 ///< parses without faults
  std::vector<std::string> unknown;  ///< what the documents do not say; on the board as comments
};

/// Messages that are sent or received become events, with the fields of their payloads; requests that are answered
/// become comments, for commands come later. Errors: InvalidArgument with the file's name where one is no JSON, no
/// AsyncAPI or of another version; LimitExceeded above base::kBoardBytesMax; NotFound where there is no message in any
/// of them.
base::Result<Imported> import_asyncapi(std::span<const AsyncapiFile> files);

}  // namespace weft::storm
