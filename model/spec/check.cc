#include "model/spec/check.h"

namespace iommufd_check::spec {

Checks NewChecks() {
  return {{
#define X(id, ...) New##id(),
#include "model/spec/invariants.def"
#undef X
  }};
}

const Listeners& Listeners::All() {
  static const Listeners all = [] {
    Listeners listeners;
    const Checks checks = NewChecks();
    for (size_t i = 0; i < checks.size(); ++i) {
      listeners.listening_ = static_cast<Invariant>(i);
      checks[i]->Listen(&listeners);
      if (checks[i]->RemembersCalls()) listeners.per_call_.push_back(listeners.listening_);
    }
    return listeners;
  }();
  return all;
}

}  // namespace iommufd_check::spec
