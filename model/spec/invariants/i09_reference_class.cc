#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

void CheckShortReferences(sim::ObjectRef object, uint32_t wait_cnt, Ruling rule) {
  rule.Require(wait_cnt == 1, object, [&] {
    return "wait_cnt of " + Named(object) + " is " + N(wait_cnt) + " while no call is in progress";
  });
}

// A destroyer sleeps until short references are gone, so nobody keeps one across system calls.
class ReferenceClass final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->OnRest<&ReferenceClass::AtRest>(Only(Part::kIoas) | Only(Part::kHwpts) |
                                        Only(Part::kDevices));
  }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    for (const IoasView& ioas : now.ioas) {
      CheckShortReferences(IoasRef(ioas.id), ioas.wait_cnt, rule);
    }
    for (const HwptView& hwpt : now.hwpts) {
      CheckShortReferences(HwptRef(hwpt.id), hwpt.wait_cnt, rule);
    }
    for (const DeviceView& device : now.devices) {
      CheckShortReferences(DeviceRef(device.id), device.wait_cnt, rule);
    }
  }
};

}  // namespace

std::unique_ptr<Check> NewI09() { return std::make_unique<ReferenceClass>(); }

}  // namespace iommufd_check::spec
