// Purpose: a bound member function in two words: no allocation, no virtual table, trivially copied.
//          For timers and deferred calls, of which a request arms several.
// Owner:   borrows the object; the holder must be cancelled before the object goes.
#pragma once

#include <utility>

namespace weft::base {

template <typename Signature>
class Delegate;

/// Calls one member function of one borrowed object. Empty when default-constructed.
///
///     Delegate<void()> d = Delegate<void()>::bind<&Exchange::on_timeout>(*this);
template <typename R, typename... Args>
class Delegate<R(Args...)> {
 public:
  Delegate() = default;

  template <auto Method, typename T>
  static Delegate bind(T& object) {
    Delegate d;
    d.object_ = &object;
    d.call_ = [](void* o, Args... args) -> R { return (static_cast<T*>(o)->*Method)(std::forward<Args>(args)...); };
    return d;
  }

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  void* object_ = nullptr;
  R (*call_)(void*, Args...) = nullptr;
};

}  // namespace weft::base
