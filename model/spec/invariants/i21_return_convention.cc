#include "model/sim/errno.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

struct Failed {
  bool callee = false;  // a fault was injected
};

class ReturnConvention final : public PerCall<Failed> {
 public:
  void Listen(Listeners* to) const override {
    to->On<&ReturnConvention::OnFault>(sim::Primitive::kFail);
    to->On<&ReturnConvention::OnEnd>(sim::Primitive::kOpEnd);
    to->On<&ReturnConvention::OnBadPointer>(sim::Splat::kBadPointer);
  }

 private:
  void OnFault(const sim::Event& event, const Evidence&, Ruling rule) {
    CallOf(event).callee = true;
    rule.Arm();
  }
  void OnEnd(const sim::Event& event, const Evidence&, Ruling rule) {
    if (CallOf(event).callee && event.value >= 0) {
      rule.Violate(event.object, "a callee failed and the call reports success");
    }
  }
  void OnBadPointer(const sim::Event& event, const Evidence&, Ruling rule) {
    rule.Violate(event.object, "ERR_PTR(-" +
                                   std::string(sim::ErrnoName(static_cast<int>(event.value))) +
                                   ") passes a test for NULL and is dereferenced");
  }
};

}  // namespace

std::unique_ptr<Check> NewI21() { return std::make_unique<ReturnConvention>(); }

}  // namespace iommufd_check::spec
