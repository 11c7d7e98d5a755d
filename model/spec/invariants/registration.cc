// I02: the registered page-table pages are those that live records reach, no more and no less. I25:
// no live record points to what is deleted or gone.
#include <algorithm>
#include <set>

#include "model/spec/invariants/families.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

const std::pair<Pfn, mm::FrameOwner>* Registered(const Snapshot& now, Pfn pfn) {
  const auto it = std::find_if(now.registered.begin(), now.registered.end(),
                               [&](const auto& entry) { return entry.first == pfn; });
  return it == now.registered.end() ? nullptr : &*it;
}

void CheckExact(const Snapshot& now, Findings* f) {
  std::set<Pfn> expected;
  for (const DomainRecordView& record : now.domain_records) {
    if (!record.deleted) expected.insert(record.tables.begin(), record.tables.end());
  }
  if (expected.empty() && now.registered.empty()) return;
  f->Arm(Invariant::kI02);
  for (const auto& [pfn, owner] : now.registered) {
    if (owner == mm::FrameOwner::kFree) {
      return f->Violate(Invariant::kI02, kKhoRef, "free page " + Hex(pfn) + " is registered");
    }
    if (owner == mm::FrameOwner::kPageTable && expected.count(pfn) == 0) {
      return f->Violate(Invariant::kI02, kKhoRef,
                        "table " + Hex(pfn) + " is registered but no live record reaches it");
    }
  }
  for (const Pfn pfn : expected) {
    if (Registered(now, pfn) != nullptr) continue;
    return f->Violate(Invariant::kI02, kKhoRef,
                      "table " + Hex(pfn) + " of a recorded domain is not registered");
  }
}

// From a record to its top table: a page table, and not another one's memory by now.
void CheckTopTable(const Snapshot& now, const DomainRecordView& record, Findings* f) {
  const auto* page = Registered(now, mm::PfnOf(record.top_table));
  const bool table = page != nullptr && page->second == mm::FrameOwner::kPageTable;
  f->Require(Invariant::kI25, table, kFlbRef, [&] {
    return "the live record at " + Hex(record.address) + " names top table " +
           Hex(record.top_table) + ", which is " +
           (page == nullptr ? "not registered"
                            : "memory of owner " + std::string(Name(page->second)));
  });
}

// From iommufd's record to the core's: I10 counts those that are complete; a link to a deleted one
// is a graph that is not closed.
void CheckLinks(const Snapshot& now, const FileView& file, Findings* f) {
  for (size_t i = 0; i < file.records.size(); ++i) {
    const PhysAddr link = file.records[i].domain_data;
    const auto target =
        std::find_if(now.domain_records.begin(), now.domain_records.end(),
                     [&](const DomainRecordView& record) { return record.address == link; });
    if (target == now.domain_records.end()) continue;
    f->Require(Invariant::kI25, !target->deleted, IommufdRef(file.file.index), [&] {
      return "record " + N(i) + " of the iommufd names the deleted domain record at " + Hex(link);
    });
  }
}

}  // namespace

void CheckRegistration(const Snapshot& now, Findings* f) {
  CheckExact(now, f);
  for (const DomainRecordView& record : now.domain_records) {
    if (!record.deleted) CheckTopTable(now, record, f);
  }
  for (const SessionView& session : now.sessions) {
    for (const FileView& file : session.files) {
      if (IsIommufd(file)) CheckLinks(now, file, f);
    }
  }
}

}  // namespace iommufd_check::spec
