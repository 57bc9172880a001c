// Purpose: a move-only `void()` callable for control paths (post, offload): std::function copies, and
//          std::move_only_function is C++23.
// Owner:   owns what it captured.   Thread: runs once or more where its holder says.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace weft::base {

/// A type-erased, move-only callable. One allocation; not for the request path (see Delegate).
class Task {
 public:
  Task() = default;
  template <typename F>
    requires(!std::is_same_v<std::decay_t<F>, Task>)
  Task(F&& call) : body_(std::make_unique<Body<std::decay_t<F>>>(std::forward<F>(call))) {}

  void operator()() { body_->run(); }
  explicit operator bool() const { return body_ != nullptr; }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void run() = 0;
  };
  template <typename F>
  struct Body final : Base {
    template <typename G>
    explicit Body(G&& call) : call_(std::forward<G>(call)) {}
    void run() override { call_(); }
    F call_;
  };
  std::unique_ptr<Base> body_;
};

}  // namespace weft::base
