#include <algorithm>
#include <set>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

class ExactRegistration final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->On<&ExactRegistration::OnFree>(sim::Note::kFrameFree);
    to->OnRest<&ExactRegistration::AtRest>(Only(Part::kRegistered) | Only(Part::kRecords));
  }

 private:
  void OnFree(const sim::Event& event, const Evidence& seen, Ruling rule) const {
    const auto& registered = seen.account.registered;
    const auto pfn = static_cast<uint64_t>(event.value);
    if (registered.empty()) return;
    rule.Require(!registered.contains(pfn), event.object, [&] {
      return "page " + Hex(pfn) + " is freed while it is registered for " +
             Named(registered.at(pfn));
    });
  }

  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    std::set<Pfn> expected;
    for (const DomainRecordView& record : now.domain_records) {
      if (!record.deleted) expected.insert(record.tables.begin(), record.tables.end());
    }
    if (expected.empty() && now.registered.empty()) return;
    rule.Arm();
    for (const auto& [pfn, owner] : now.registered) {
      if (owner == mm::FrameOwner::kFree) {
        return rule.Violate(kKhoRef, "free page " + Hex(pfn) + " is registered");
      }
      if (owner == mm::FrameOwner::kPageTable && !expected.contains(pfn)) {
        return rule.Violate(kKhoRef,
                            "table " + Hex(pfn) + " is registered but no live record reaches it");
      }
    }
    for (const Pfn pfn : expected) {
      if (now.IsRegistered(pfn)) continue;
      return rule.Violate(kKhoRef, "table " + Hex(pfn) + " of a recorded domain is not registered");
    }
  }
};

}  // namespace

std::unique_ptr<Check> NewI02() { return std::make_unique<ExactRegistration>(); }

}  // namespace iommufd_check::spec
