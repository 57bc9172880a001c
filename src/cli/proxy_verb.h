// Purpose: `weft proxy`: the data plane, with Envoy's options where they mean the same.
// Thread:  the main thread.
#pragma once

namespace CLI {
class App;
}

namespace weft::cli {

/// Adds the verb. When it was chosen and has run, `status` is the exit status.
void add_proxy_verb(CLI::App& app, int& status);

}  // namespace weft::cli
