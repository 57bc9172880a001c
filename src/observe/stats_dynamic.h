// Purpose: a group's counters with run-time names: an index that only the worker uses, and a list that any thread may
//          walk while the worker adds to its front. Private to this folder.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <unordered_map>

#include "observe/stats.h"

namespace weft::observe {

struct StatGroup::Dynamic {
  struct Node {
    std::string name;
    Counter counter;
    Node* next;
  };
  std::unordered_map<std::string_view, Node*> index;
  std::atomic<Node*> first{nullptr};
  Counter overflow;

  ~Dynamic();
  Counter& find_or_add(std::string_view name);
};

}  // namespace weft::observe
