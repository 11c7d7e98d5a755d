// I10 and I11: the records that are handed over, and the marks that they come from.
#include <set>

#include "model/spec/invariants/families.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {

void CheckMarks(const Snapshot& now, Findings* f) {
  for (size_t i = 0; i < now.hwpts.size(); ++i) {
    if (!now.hwpts[i].marked) continue;
    f->Arm(Invariant::kI11);
    for (size_t k = i + 1; k < now.hwpts.size(); ++k) {
      const bool together = uapi::IommufdOf(now.hwpts[i].id) == uapi::IommufdOf(now.hwpts[k].id);
      if (together && now.hwpts[k].marked && now.hwpts[k].token == now.hwpts[i].token) {
        f->Violate(Invariant::kI11, HwptRef(now.hwpts[k].id),
                   "hwpts " + Id(now.hwpts[i].id) + " and " + Id(now.hwpts[k].id) +
                       " are both marked with token " + N(now.hwpts[i].token));
      }
    }
  }
}

void CheckRecords(const Snapshot& now, const FileView& file, Findings* f) {
  const sim::ObjectRef iommufd = IommufdRef(file.file.index);
  f->Require(Invariant::kI10, file.nr_hwpts == file.records.size(), iommufd, [&] {
    return "the count says " + N(file.nr_hwpts) + " and " + N(file.records.size()) +
           " records fit the memory";
  });
  std::set<PhysAddr> named;
  for (size_t i = 0; i < file.records.size(); ++i) {
    const HwptRecordView& record = file.records[i];
    const bool complete =
        LiveRecord(now, record.domain_data) != nullptr && named.insert(record.domain_data).second;
    f->Require(Invariant::kI10, complete, iommufd, [&] {
      return "record " + N(i) + " of " + N(file.nr_hwpts) + " names domain record " +
             Hex(record.domain_data) + ", which is not a live one of its own";
    });
  }
  for (const HwptView& hwpt : now.hwpts) {
    if (uapi::IommufdOf(hwpt.id) != file.file.index) continue;
    const DomainView* domain = now.FindDomain(hwpt.domain);
    if (domain == nullptr || domain->preserved_state == 0) continue;
    f->Require(Invariant::kI10, named.count(domain->preserved_state) == 1, iommufd, [&] {
      return "hwpt " + Id(hwpt.id) + " is preserved and none of the " + N(file.records.size()) +
             " records names it";
    });
    for (const HwptRecordView& record : file.records) {
      if (record.domain_data != domain->preserved_state) continue;
      f->Require(Invariant::kI11, record.token == hwpt.token, HwptRef(hwpt.id), [&] {
        return "the record of hwpt " + Id(hwpt.id) + " carries token " + N(record.token) +
               " and the hwpt has token " + N(hwpt.token);
      });
    }
  }
}

}  // namespace iommufd_check::spec
