#include "storm/testing/boards.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace weft::storm {

std::vector<std::string> board_names() { return {"techtalks", "shop", "hospital", "library", "bank", "game"}; }

std::string board_text(const std::string& name) {
  const std::string path =
      name == "techtalks" ? "examples/techtalks/techtalks.board" : "tests/storm/" + name + ".board";
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Document parsed(const std::string& text) {
  base::Result<Document> document = parse(text, "test.board");
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : Document();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_NE(text.find(from), std::string::npos) << from;
  for (size_t at = 0; !from.empty() && (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace weft::storm
