#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class ImmutabilityCoverage final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&ImmutabilityCoverage::OnRegistered>(sim::Note::kKhoAdd);
    to->On<&ImmutabilityCoverage::OnMayChange>(sim::Note::kImmutableClear);
  }

 private:
  void OnRegistered(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    if (event.object.kind != sim::ObjectKind::kDomain) return;
    const uint16_t ioas = seen.account.IoasOf(event.object.number);
    rule.Require(seen.account.IsImmutable(ioas), event.object, [&] {
      return "table " + Hex(static_cast<uint64_t>(event.value)) + " of domain " +
             N(event.object.number) + " is registered while ioas " + Id(ioas) + " may change";
    });
  }

  void OnMayChange(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const uint16_t ioas = event.object.number;
    for (const auto& [domain, of_ioas] : seen.account.domain_ioas) {
      if (of_ioas != ioas) continue;
      rule.Require(!seen.account.HasRegistered(domain), event.object, [&, number = domain] {
        return "ioas " + Id(ioas) + " may change again while tables of domain " + N(number) +
               " are registered";
      });
    }
  }
};

}  // namespace

std::unique_ptr<Check> NewI01() { return std::make_unique<ImmutabilityCoverage>(); }

}  // namespace iommufd_check::spec
