#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

void CheckMarks(const Snapshot& now, Ruling rule) {
  for (size_t i = 0; i < now.hwpts.size(); ++i) {
    const HwptView& one = now.hwpts[i];
    if (!one.marked) continue;
    rule.Arm();
    for (size_t k = i + 1; k < now.hwpts.size(); ++k) {
      const HwptView& other = now.hwpts[k];
      const bool together = uapi::IommufdOf(one.id) == uapi::IommufdOf(other.id);
      if (!together || !other.marked || other.token != one.token) continue;
      rule.Violate(HwptRef(other.id), "hwpts " + Id(one.id) + " and " + Id(other.id) +
                                          " are both marked with token " + N(one.token));
    }
  }
}

void CheckRecords(const Snapshot& now, const FileView& file, Ruling rule) {
  for (const HwptView& hwpt : now.hwpts) {
    if (uapi::IommufdOf(hwpt.id) != file.file.index) continue;
    const DomainView* domain = now.FindDomain(hwpt.domain);
    if (domain == nullptr || domain->preserved_state == 0) continue;
    for (const HwptRecordView& record : file.records) {
      if (record.domain_data != domain->preserved_state) continue;
      rule.Require(record.token == hwpt.token, HwptRef(hwpt.id), [&] {
        return "the record of hwpt " + Id(hwpt.id) + " carries token " + N(record.token) +
               " and the hwpt has token " + N(hwpt.token);
      });
    }
  }
}

class TokenUniqueness final : public Check {
 public:
  void Listen(Listeners* to) const override {
    to->OnRest<&TokenUniqueness::AtRest>(Only(Part::kSessions) | Only(Part::kHwpts) |
                                         Only(Part::kDomains));
  }

 private:
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) const {
    CheckMarks(now, rule);
    ForEachPreservedIommufd(now, [&](const FileView& file) { CheckRecords(now, file, rule); });
  }
};

}  // namespace

std::unique_ptr<Check> NewI11() { return std::make_unique<TokenUniqueness>(); }

}  // namespace iommufd_check::spec
