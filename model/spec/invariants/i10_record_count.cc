#include <set>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

struct Allocation {
  int64_t capacity = -1;  // bytes of records that the preserve allocated; -1: none yet
};

// The addresses that the file's records name, each a live record of its own.
std::set<PhysAddr> CheckNamed(const Snapshot& now, const FileView& file, Ruling rule) {
  std::set<PhysAddr> named;
  for (size_t i = 0; i < file.records.size(); ++i) {
    const PhysAddr address = file.records[i].domain_data;
    const bool complete = LiveRecord(now, address) != nullptr && named.insert(address).second;
    rule.Require(complete, IommufdRef(file.file.index), [&] {
      return "record " + N(i) + " of " + N(file.nr_hwpts) + " names domain record " + Hex(address) +
             ", which is not a live one of its own";
    });
  }
  return named;
}

void CheckFile(const Snapshot& now, const FileView& file, Ruling rule) {
  const sim::ObjectRef iommufd = IommufdRef(file.file.index);
  rule.Require(file.nr_hwpts == file.records.size(), iommufd, [&] {
    return "the count says " + N(file.nr_hwpts) + " and " + N(file.records.size()) +
           " records fit the memory";
  });
  const std::set<PhysAddr> named = CheckNamed(now, file, rule);
  for (const HwptView& hwpt : now.hwpts) {
    if (uapi::IommufdOf(hwpt.id) != file.file.index) continue;
    const DomainView* domain = now.FindDomain(hwpt.domain);
    if (domain == nullptr || domain->preserved_state == 0) continue;
    rule.Require(named.contains(domain->preserved_state), iommufd, [&] {
      return "hwpt " + Id(hwpt.id) + " is preserved and none of the " + N(file.records.size()) +
             " records names it";
    });
  }
}

class RecordCount final : public PerCall<Allocation> {
 public:
  void Listen(Listeners* to) const override {
    to->On<&RecordCount::OnPreserve>(sim::Note::kPreserveBegin);
    to->On<&RecordCount::OnPreserve>(sim::Note::kPreserveEnd);
    to->On<&RecordCount::OnCapacity>(sim::Note::kRecordCapacity);
    to->On<&RecordCount::OnStore>(sim::Note::kRecordStore);
    to->OnRest<&RecordCount::AtRest>(Only(Part::kSessions) | Only(Part::kHwpts) |
                                     Only(Part::kDomains) | Only(Part::kRecords));
  }

 private:
  void OnPreserve(const sim::Event& event, const Evidence&, Ruling) { CallOf(event) = {}; }
  void OnCapacity(const sim::Event& event, const Evidence&, Ruling) {
    CallOf(event).capacity = event.value;
  }
  void OnStore(const sim::Event& event, const Evidence&, Ruling rule) {
    const int64_t capacity = CallOf(event).capacity;
    rule.Require(event.value <= capacity, event.object, [&] {
      return "a record is stored up to byte " + std::to_string(event.value) +
             " of an allocation of " + std::to_string(capacity);
    });
  }
  void AtRest(const Snapshot& now, const Evidence&, Ruling rule) {
    ForEachPreservedIommufd(now, [&](const FileView& file) { CheckFile(now, file, rule); });
  }
};

}  // namespace

std::unique_ptr<Check> NewI10() { return std::make_unique<RecordCount>(); }

}  // namespace iommufd_check::spec
