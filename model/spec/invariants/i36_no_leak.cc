#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class NoLeak final : public Check {
 public:
  void Listen(Listeners* to) const override { to->On<&NoLeak::OnExit>(); }

 private:
  void OnExit(const Exited& exited, const Evidence&, Ruling rule) const {
    rule.Require(!exited.left.has_value(), {}, [&] { return "not as at boot: " + *exited.left; });
  }
};

}  // namespace

std::unique_ptr<Check> NewI36() { return std::make_unique<NoLeak>(); }

}  // namespace iommufd_check::spec
