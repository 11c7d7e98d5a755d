#include <algorithm>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

uint32_t PreservedHwpts(const Snapshot& now, uint32_t ioas) {
  uint32_t preserved = 0;
  for (const HwptView& hwpt : now.hwpts) {
    const DomainView* domain = hwpt.ioas == ioas ? now.FindDomain(hwpt.domain) : nullptr;
    if (domain != nullptr && domain->preserved_state != 0) ++preserved;
  }
  return preserved;
}

class ImmutabilityCount final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&ImmutabilityCount::OnMayChange>(sim::Note::kImmutableClear);
    to->OnRest<&ImmutabilityCount::AtRest>(Only(Part::kIoas) | Only(Part::kHwpts) |
                                           Only(Part::kDomains));
  }

 private:
  void OnMayChange(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const uint16_t ioas = event.object.number;
    for (const auto& [domain, of_ioas] : seen.account.domain_ioas) {
      if (of_ioas != ioas) continue;
      const bool preserved = seen.account.preserved_domains.contains(domain);
      rule.Require(!preserved, event.object, [&, number = domain] {
        return "ioas " + Id(ioas) + " may change again while domain " + N(number) + " is preserved";
      });
    }
  }

  // Designs with a flag hold 1 for any number of preserved HWPTs; no design may hold more than
  // them.
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    for (const IoasView& ioas : now.ioas) {
      const uint32_t preserved = PreservedHwpts(now, ioas.id);
      rule.Require((ioas.immutable != 0) == (preserved != 0), IoasRef(ioas.id), [&] {
        return "ioas " + Id(ioas.id) +
               (preserved != 0 ? " has a preserved hwpt and may change"
                               : " has no preserved hwpt and is immutable");
      });
      rule.Require(ioas.immutable <= std::max(preserved, 1u), IoasRef(ioas.id), [&] {
        return "ioas " + Id(ioas.id) + " is immutable " + N(ioas.immutable) + " times for " +
               N(preserved) + " preserved hwpts";
      });
    }
  }
};

}  // namespace

std::unique_ptr<Check> NewI07() { return std::make_unique<ImmutabilityCount>(); }

}  // namespace iommufd_check::spec
