// Purpose: membership without allocation: an object carries its own links, and leaves any list in O(1).
// Thread:  the owner's.   Owner: the list borrows; a node unlinks itself when it is destroyed.
#pragma once

#include <cstddef>

#include "base/assert.h"

namespace weft::base {

/// A link to inherit from. The tag lets one object be on several lists.
template <typename Tag = void>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool is_linked() const { return next_ != nullptr; }

  void unlink() {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;

  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

/// A doubly linked list of borrowed objects that derive from ListNode<Tag>.
template <typename T, typename Tag = void>
class IntrusiveList {
  using Node = ListNode<Tag>;

 public:
  IntrusiveList() { root_.next_ = root_.previous_ = &root_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!is_empty()) pop_front();
    root_.next_ = root_.previous_ = nullptr;
  }

  bool is_empty() const { return root_.next_ == &root_; }
  T* front() { return is_empty() ? nullptr : object(root_.next_); }
  T* back() { return is_empty() ? nullptr : object(root_.previous_); }

  void push_back(T& item) { link(item, root_.previous_, &root_); }
  void push_front(T& item) { link(item, &root_, root_.next_); }

  T* pop_front() {
    T* item = front();
    if (item != nullptr) static_cast<Node*>(item)->unlink();
    return item;
  }

  /// Moves every item of `other` to the end of this list. O(1).
  void take_all(IntrusiveList& other) {
    if (other.is_empty()) return;
    Node* first = other.root_.next_;
    Node* last = other.root_.previous_;
    other.root_.next_ = other.root_.previous_ = &other.root_;
    first->previous_ = root_.previous_;
    root_.previous_->next_ = first;
    last->next_ = &root_;
    root_.previous_ = last;
  }

  /// Calls `visit(T&)` for each item; the visitor may unlink the item it is given, no other.
  template <typename Visit>
  void for_each(Visit visit) {
    for (Node* n = root_.next_; n != &root_;) {
      Node* next = n->next_;
      visit(*object(n));
      n = next;
    }
  }

  /// Number of items. O(n).
  size_t count() const {
    size_t n = 0;
    for (const Node* p = root_.next_; p != &root_; p = p->next_) ++n;
    return n;
  }

 private:
  static T* object(Node* n) { return static_cast<T*>(n); }

  void link(T& item, Node* before, Node* after) {
    Node* n = static_cast<Node*>(&item);
    WEFT_ASSERT(!n->is_linked());
    n->previous_ = before;
    n->next_ = after;
    before->next_ = n;
    after->previous_ = n;
  }

  Node root_;
};

}  // namespace weft::base
