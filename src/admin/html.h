// Purpose: the admin's home page: every endpoint with a link or, where it changes something, a form that posts.
// Thread:  the admin thread's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::admin {

/// `text` with < > & " ' as entities.
std::string escape_html(std::string_view text);

class HomePage {
 public:
  HomePage();
  void begin_endpoint(std::string_view path, std::string_view help, bool is_changing);
  void add_parameter(std::string_view name, std::string_view help, const std::vector<std::string_view>& choices,
                     bool is_flag);
  void end_endpoint();
  std::string finish();

 private:
  std::string out_, help_;
};

}  // namespace weft::admin
