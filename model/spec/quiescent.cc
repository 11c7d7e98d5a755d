#include "model/spec/quiescent.h"

#include <algorithm>
#include <set>

namespace iommufd_check::spec {
namespace {

using sim::ObjectKind;
using sim::ObjectRef;

ObjectRef Domain(uint16_t number) { return {ObjectKind::kDomain, number}; }
ObjectRef HwptRef(uint32_t id) { return {ObjectKind::kHwpt, static_cast<uint16_t>(id)}; }
ObjectRef IoasRef(uint32_t id) { return {ObjectKind::kIoas, static_cast<uint16_t>(id)}; }
constexpr ObjectRef kKho{ObjectKind::kKho, 0};
constexpr ObjectRef kFlb{ObjectKind::kFlb, 0};

std::string N(uint64_t value) { return std::to_string(value); }

const DomainRecordView* LiveRecord(const Snapshot& now, PhysAddr address) {
  for (const DomainRecordView& record : now.domain_records) {
    if (record.address == address && !record.deleted) return &record;
  }
  return nullptr;
}

// I02: union of the tables of domains with a live record == registered page-table pages.
void CheckRegistration(const Snapshot& now, Findings* f) {
  std::set<Pfn> expected;
  for (const DomainView& domain : now.domains) {
    const DomainRecordView* record =
        domain.preserved_state == 0 ? nullptr : LiveRecord(now, domain.preserved_state);
    if (record == nullptr || mm::PfnOf(record->top_table) != domain.top) continue;
    expected.insert(domain.tables.begin(), domain.tables.end());
  }
  if (expected.empty() && now.registered.empty()) return;
  f->Arm(Invariant::kI02);
  for (const auto& [pfn, owner] : now.registered) {
    if (owner == mm::FrameOwner::kFree) {
      return f->Violate(Invariant::kI02, kKho, "free page " + Hex(pfn) + " is registered");
    }
    if (owner == mm::FrameOwner::kPageTable && expected.erase(pfn) == 0) {
      return f->Violate(Invariant::kI02, kKho,
                        "table " + Hex(pfn) + " is registered but no live record reaches it");
    }
  }
  if (!expected.empty()) {
    f->Violate(Invariant::kI02, kKho,
               "table " + Hex(*expected.begin()) + " of a recorded domain is not registered");
  }
}

uint32_t PreservedHwpts(const Snapshot& now, uint32_t ioas) {
  uint32_t preserved = 0;
  for (const HwptView& hwpt : now.hwpts) {
    const DomainView* domain = hwpt.ioas == ioas ? now.FindDomain(hwpt.domain) : nullptr;
    if (domain != nullptr && domain->preserved_state != 0) ++preserved;
  }
  return preserved;
}

// Designs with a flag hold 1 for any number of preserved HWPTs; no design may hold more than them.
void CheckImmutability(const Snapshot& now, Findings* f) {
  for (const IoasView& ioas : now.ioas) {
    const uint32_t preserved = PreservedHwpts(now, ioas.id);
    f->Require(Invariant::kI07, (ioas.immutable != 0) == (preserved != 0), IoasRef(ioas.id), [&] {
      return "ioas " + N(ioas.id) + (preserved != 0 ? " has a preserved hwpt and may change"
                                                    : " has no preserved hwpt and is immutable");
    });
    f->Require(Invariant::kI07, ioas.immutable <= std::max(preserved, 1u), IoasRef(ioas.id), [&] {
      return "ioas " + N(ioas.id) + " is immutable " + N(ioas.immutable) + " times for " +
             N(preserved) + " preserved hwpts";
    });
  }
}

// I08 at rest: what a domain names as its record is a record.
void CheckDangling(const Snapshot& now, Findings* f) {
  for (const DomainView& domain : now.domains) {
    if (domain.preserved_state == 0) continue;
    f->Require(Invariant::kI08, LiveRecord(now, domain.preserved_state) != nullptr,
               Domain(domain.number), [&] {
                 return "preserved_state of domain " + N(domain.number) + " points to " +
                        Hex(domain.preserved_state) + ", which is no live record";
               });
  }
}

void CheckTokens(const Snapshot& now, Findings* f) {
  for (size_t i = 0; i < now.hwpts.size(); ++i) {
    if (!now.hwpts[i].marked) continue;
    f->Arm(Invariant::kI11);
    for (size_t k = i + 1; k < now.hwpts.size(); ++k) {
      if (now.hwpts[k].marked && now.hwpts[k].token == now.hwpts[i].token) {
        f->Violate(Invariant::kI11, HwptRef(now.hwpts[k].id),
                   "hwpts " + N(now.hwpts[i].id) + " and " + N(now.hwpts[k].id) +
                       " are both marked with token " + N(now.hwpts[i].token));
      }
    }
  }
}

// I18 at rest: no file in two places.
void CheckOwners(const Snapshot& now, Findings* f) {
  std::vector<mm::FileRef> seen;
  for (const SessionView& session : now.sessions) {
    for (const FileView& file : session.files) {
      const bool twice = std::find(seen.begin(), seen.end(), file.file) != seen.end();
      f->Require(Invariant::kI18, !twice, {ObjectKind::kSession, session.number},
                 [&] { return "a file is preserved twice, again with token " + N(file.token); });
      seen.push_back(file.file);
    }
  }
}

void CheckObjectUsers(const Snapshot& now, Findings* f) {
  for (const IoasView& ioas : now.ioas) {
    uint32_t holders = 1;
    for (const HwptView& hwpt : now.hwpts) holders += hwpt.ioas == ioas.id ? 1 : 0;
    f->Require(Invariant::kI24, ioas.users == holders, IoasRef(ioas.id), [&] {
      return "ioas " + N(ioas.id) + " has users " + N(ioas.users) + " and " + N(holders) +
             " holders";
    });
  }
  for (const HwptView& hwpt : now.hwpts) {
    uint32_t holders = 1 + (hwpt.preserved ? 1 : 0);
    for (const DeviceView& device : now.devices) holders += device.attached == hwpt.id ? 1 : 0;
    f->Require(Invariant::kI24, hwpt.users == holders && hwpt.wait_cnt == 1, HwptRef(hwpt.id), [&] {
      return "hwpt " + N(hwpt.id) + " has users " + N(hwpt.users) + " and " + N(holders) +
             " holders, wait_cnt " + N(hwpt.wait_cnt);
    });
  }
  for (const DeviceView& device : now.devices) {
    const uint32_t holders = 2 + (device.attached != 0 ? 1 : 0);
    f->Require(Invariant::kI24, device.users == holders,
               {ObjectKind::kDevice, static_cast<uint16_t>(device.id)}, [&] {
                 return "device " + N(device.id) + " has users " + N(device.users) + " and " +
                        N(holders) + " holders";
               });
  }
}

void CheckFileCounts(const Snapshot& now, Findings* f) {
  uint32_t preserved = 0;
  for (const SessionView& session : now.sessions) {
    for (const FileView& file : session.files) {
      preserved += file.file.kind == mm::FileRef::Kind::kIommufd ? 1 : 0;
    }
  }
  f->Require(Invariant::kI24, now.flb_count == preserved && now.flb_present == (preserved > 0),
             kFlb, [&] {
               return "the FLB has count " + N(now.flb_count) + " for " + N(preserved) +
                      " preserved iommufd files";
             });
  if (!now.iommufd_open) return;
  const uint32_t holders =
      now.iommufd_fds + static_cast<uint32_t>(now.devices.size()) + preserved;
  f->Require(Invariant::kI24, now.iommufd_refs == holders, {ObjectKind::kIommufd, 0}, [&] {
    return "the iommufd file has " + N(now.iommufd_refs) + " references and " + N(holders) +
           " holders";
  });
}

// --- end of preserve ---------------------------------------------------------------------------

const AreaView* AreaAt(const IoasView& ioas, Iova iova) {
  for (const AreaView& area : ioas.areas) {
    if (area.first <= iova && iova <= area.last) return &area;
  }
  return nullptr;
}

const FileView* MemfdIn(const SessionView& session, uint16_t memfd) {
  for (const FileView& file : session.files) {
    if (file.file == mm::FileRef{mm::FileRef::Kind::kMemfd, memfd}) return &file;
  }
  return nullptr;
}

Pfn PageAt(const std::vector<std::pair<uint32_t, Pfn>>& pages, uint64_t index) {
  for (const auto& [i, pfn] : pages) {
    if (i == index) return pfn;
  }
  return 0;
}

// I14 and I15 for one leaf of a preserved domain.
void CheckLeaf(const Snapshot& now, const SessionView& session, const IoasView& ioas,
               const DomainView& domain, const LeafView& leaf, Findings* f) {
  const AreaView* area = AreaAt(ioas, leaf.iova);
  const FileView* file =
      area != nullptr && area->is_file ? MemfdIn(session, area->memfd) : nullptr;
  const uint64_t index =
      area == nullptr ? 0 : area->source_page + ((leaf.iova - area->first) >> mm::kPageShift);
  const bool covered = file != nullptr && PageAt(file->serialized_pages, index) == leaf.pfn &&
                       now.IsRegistered(leaf.pfn);
  f->Require(Invariant::kI14, covered, Domain(domain.number), [&] {
    return "iova " + Hex(leaf.iova) + " maps page " + Hex(leaf.pfn) +
           ", which no memfd of the session hands over at that offset";
  });
  if (file == nullptr) return;
  const bool sealed =
      (file->serialized_seals & mm::kSealsOfPreserved) == mm::kSealsOfPreserved;
  f->Require(Invariant::kI15, sealed, {ObjectKind::kMemfd, area->memfd}, [&] {
    return "memfd " + N(area->memfd) + " is handed over with seals " + Hex(file->serialized_seals) +
           ", without those relied upon";
  });
  const MemfdView* memfd = now.FindMemfd(area->memfd);
  f->Require(Invariant::kI15, memfd != nullptr && PageAt(memfd->pages, index) == leaf.pfn,
             {ObjectKind::kMemfd, area->memfd}, [&] {
               return "page " + N(index) + " of memfd " + N(area->memfd) +
                      " is no longer the one mapped at iova " + Hex(leaf.iova);
             });
}

void CheckRecords(const Snapshot& now, const FileView& file, Findings* f) {
  constexpr ObjectRef kCtx{ObjectKind::kIommufd, 0};
  f->Require(Invariant::kI10, file.nr_hwpts == file.records.size(), kCtx, [&] {
    return "the count says " + N(file.nr_hwpts) + " and " + N(file.records.size()) +
           " records fit the memory";
  });
  std::set<PhysAddr> named;
  for (size_t i = 0; i < file.records.size(); ++i) {
    const HwptRecordView& record = file.records[i];
    const bool complete = LiveRecord(now, record.domain_data) != nullptr &&
                          named.insert(record.domain_data).second;
    f->Require(Invariant::kI10, complete, kCtx, [&] {
      return "record " + N(i) + " of " + N(file.nr_hwpts) + " names domain record " +
             Hex(record.domain_data) + ", which is not a live one of its own";
    });
  }
  for (const HwptView& hwpt : now.hwpts) {
    const DomainView* domain = now.FindDomain(hwpt.domain);
    if (domain == nullptr || domain->preserved_state == 0) continue;
    f->Require(Invariant::kI10, named.count(domain->preserved_state) == 1, kCtx, [&] {
      return "hwpt " + N(hwpt.id) + " is preserved and none of the " + N(file.records.size()) +
             " records names it";
    });
    for (const HwptRecordView& record : file.records) {
      if (record.domain_data != domain->preserved_state) continue;
      f->Require(Invariant::kI11, record.token == hwpt.token, HwptRef(hwpt.id), [&] {
        return "the record of hwpt " + N(hwpt.id) + " carries token " + N(record.token) +
               " and the hwpt has token " + N(hwpt.token);
      });
    }
  }
}

// --- rollback ----------------------------------------------------------------------------------

// What live update owns of one snapshot, as (name, value) pairs in a fixed order.
using Owned = std::vector<std::pair<std::string, uint64_t>>;

Owned OwnedBy(const Snapshot& snapshot, const Snapshot& other) {
  Owned owned;
  for (const IoasView& ioas : snapshot.ioas) {
    if (other.FindIoas(ioas.id) == nullptr) continue;
    owned.emplace_back("ioas " + N(ioas.id) + " immutable", ioas.immutable);
  }
  for (const HwptView& hwpt : snapshot.hwpts) {
    if (other.FindHwpt(hwpt.id) == nullptr) continue;
    const DomainView* domain = snapshot.FindDomain(hwpt.domain);
    owned.emplace_back("hwpt " + N(hwpt.id) + " preserved", hwpt.preserved ? 1 : 0);
    owned.emplace_back("domain " + N(hwpt.domain) + " preserved_state",
                       domain == nullptr ? 0 : domain->preserved_state);
  }
  uint64_t live = 0;
  for (const DomainRecordView& record : snapshot.domain_records) live += record.deleted ? 0 : 1;
  owned.emplace_back("live domain records", live);
  owned.emplace_back("flb count", snapshot.flb_count);
  return owned;
}

// The first registered page of `one` that `other` lacks, of those that belong to iommufd; 0: none.
Pfn OnlyIn(const Snapshot& one, const Snapshot& other) {
  for (const auto& [pfn, owner] : one.registered) {
    if (owner != mm::FrameOwner::kMemfdData && owner != mm::FrameOwner::kMemfdSer &&
        !other.IsRegistered(pfn)) {
      return pfn;
    }
  }
  return 0;
}

// Lives and counts of all objects, when nobody else could have changed them.
std::string CompareObjects(const Snapshot& before, const Snapshot& after) {
  for (const IoasView& ioas : before.ioas) {
    const IoasView* now = after.FindIoas(ioas.id);
    if (now == nullptr) return "ioas " + N(ioas.id) + " is gone";
    if (now->users != ioas.users) return "users of ioas " + N(ioas.id) + " changed";
    if (!(now->areas == ioas.areas)) return "areas of ioas " + N(ioas.id) + " changed";
  }
  for (const HwptView& hwpt : before.hwpts) {
    const HwptView* now = after.FindHwpt(hwpt.id);
    if (now == nullptr) return "hwpt " + N(hwpt.id) + " is gone";
    if (!(*now == hwpt)) return "counters, mark or token of hwpt " + N(hwpt.id) + " changed";
  }
  if (!(before.devices == after.devices)) return "a device changed";
  if (before.iommufd_refs != after.iommufd_refs) return "references on the iommufd changed";
  return "";
}

}  // namespace

void CheckQuiescent(const Snapshot& now, Findings* findings) {
  CheckRegistration(now, findings);
  CheckImmutability(now, findings);
  CheckDangling(now, findings);
  CheckTokens(now, findings);
  CheckOwners(now, findings);
  CheckObjectUsers(now, findings);
  CheckFileCounts(now, findings);
  CheckPreserved(now, findings);
}

void CheckPreserved(const Snapshot& now, Findings* findings) {
  for (const SessionView& session : now.sessions) {
    for (const FileView& file : session.files) {
      if (file.file.kind != mm::FileRef::Kind::kIommufd) continue;
      CheckRecords(now, file, findings);
      for (const DomainView& domain : now.domains) {
        const IoasView* ioas = now.FindIoas(domain.ioas);
        if (domain.preserved_state == 0 || ioas == nullptr) continue;
        for (const LeafView& leaf : domain.leaves) {
          CheckLeaf(now, session, *ioas, domain, leaf, findings);
        }
      }
    }
  }
}

void CheckRollback(const Snapshot& before, const Snapshot& after, bool alone,
                   Findings* findings) {
  findings->Arm(Invariant::kI05);
  const Owned old_state = OwnedBy(before, after);
  const Owned new_state = OwnedBy(after, before);
  for (size_t i = 0; i < old_state.size() && i < new_state.size(); ++i) {
    if (old_state[i] == new_state[i]) continue;
    findings->Violate(Invariant::kI05, {},
                      "the failed preserve leaves " + new_state[i].first + " " +
                          Hex(new_state[i].second) + ", it was " + Hex(old_state[i].second));
    return;
  }
  if (const Pfn pfn = OnlyIn(after, before); pfn != 0) {
    findings->Violate(Invariant::kI05, kKho,
                      "the failed preserve leaves page " + Hex(pfn) + " registered");
    return;
  }
  if (const Pfn pfn = OnlyIn(before, after); pfn != 0) {
    findings->Violate(Invariant::kI05, kKho,
                      "the failed preserve unregistered page " + Hex(pfn));
    return;
  }
  if (!alone) return;
  const std::string difference = CompareObjects(before, after);
  if (!difference.empty()) {
    findings->Violate(Invariant::kI05, {}, "after the failed preserve " + difference);
  }
}

}  // namespace iommufd_check::spec
