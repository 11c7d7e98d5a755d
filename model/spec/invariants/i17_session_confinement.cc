#include "model/spec/invariants/preserved_leaves.h"

namespace iommufd_check::spec {
namespace {

class SessionConfinement final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->OnRest<&SessionConfinement::AtRest>(kOfPreservedLeaves);
  }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    ForEachPreservedLeaf(now, [&](const PreservedLeaf& at) {
      if (at.memfd == nullptr) return;
      const uint16_t number = at.area->memfd;
      const auto place = static_cast<size_t>(at.memfd - at.session.files.data());
      rule.Require(place < at.iommufd, MemfdRef(number), [&] {
        return "memfd " + N(number) + " is file " + N(place) +
               " of the session, behind the iommufd that depends on it";
      });
    });
  }
};

}  // namespace

std::unique_ptr<Check> NewI17() { return std::make_unique<SessionConfinement>(); }

}  // namespace iommufd_check::spec
