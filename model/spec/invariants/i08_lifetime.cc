#include "model/spec/invariants/accessors.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class Lifetime final : public OfTasks<AccessorMap> {
 public:
  void Listen(Listeners* to) const override {
    to->On<&Lifetime::OnAccess>(Listeners::AccessOfTask{});
    to->On<&Lifetime::OnDomainFreed>(sim::Note::kDomainFreed);
    for (const sim::Splat splat : {sim::Splat::kUseAfterFree, sim::Splat::kForeignFrame,
                                   sim::Splat::kBadPageState, sim::Splat::kFreeLockedLock}) {
      to->On<&Lifetime::OnUse>(splat);
    }
    to->OnRest<&Lifetime::AtRest>(Only(Part::kDomains) | Only(Part::kRecords));
  }

 private:
  // Another task reaches the object too, so it might have been freed under this one.
  void OnAccess(const sim::Event& event, const Evidence&, Ruling rule) {
    Accessors& object = StateFor(event)[KeyOf(event.object)];
    if ((object.readers & ~TaskBit(event)) != 0) rule.Arm();
    object.readers |= TaskBit(event);
  }

  void OnDomainFreed(const sim::Event& event, const Evidence& seen, Ruling rule) {
    const uint16_t domain = event.object.number;
    rule.Require(!seen.account.preserved_domains.contains(domain), event.object, [&] {
      return "domain " + N(domain) + " is freed while its preservation names it";
    });
  }

  void OnUse(const sim::Event& event, const Evidence& seen, Ruling rule) {
    rule.Violate(event.object, seen.splat);
  }

  // What a domain names as its record is a record.
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) {
    for (const DomainView& domain : now.domains) {
      if (domain.preserved_state == 0) continue;
      rule.Require(LiveRecord(now, domain.preserved_state) != nullptr, DomainRef(domain.number),
                   [&] {
                     return "preserved_state of domain " + N(domain.number) + " points to " +
                            Hex(domain.preserved_state) + ", which is no live record";
                   });
    }
  }
};

}  // namespace

std::unique_ptr<Check> NewI08() { return std::make_unique<Lifetime>(); }

}  // namespace iommufd_check::spec
