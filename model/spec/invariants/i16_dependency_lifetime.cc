#include "model/spec/invariants/preserved_leaves.h"

namespace iommufd_check::spec {
namespace {

class DependencyLifetime final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->OnRest<&DependencyLifetime::AtRest>(kOfPreservedLeaves);
  }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    ForEachPreservedLeaf(now, [&](const PreservedLeaf& at) {
      if (at.memfd == nullptr) return;
      const uint16_t number = at.area->memfd;
      const MemfdView* memfd = now.FindMemfd(number);
      rule.Require(memfd != nullptr && memfd->frozen, MemfdRef(number), [&] {
        return "memfd " + N(number) + " is not frozen while a preserved domain maps it";
      });
    });
  }
};

}  // namespace

std::unique_ptr<Check> NewI16() { return std::make_unique<DependencyLifetime>(); }

}  // namespace iommufd_check::spec
