// I08 and I18 at rest, I09, I24: who holds what, and what is held by whom.
#include <algorithm>
#include <vector>

#include "model/spec/invariants/families.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

// I08 at rest: what a domain names as its record is a record.
void CheckDangling(const Snapshot& now, Findings* f) {
  for (const DomainView& domain : now.domains) {
    if (domain.preserved_state == 0) continue;
    f->Require(Invariant::kI08, LiveRecord(now, domain.preserved_state) != nullptr,
               DomainRef(domain.number), [&] {
                 return "preserved_state of domain " + N(domain.number) + " points to " +
                        Hex(domain.preserved_state) + ", which is no live record";
               });
  }
}

// I18 at rest: no file in two places.
void CheckOwners(const Snapshot& now, Findings* f) {
  std::vector<mm::FileRef> seen;
  for (const SessionView& session : now.sessions) {
    for (const FileView& file : session.files) {
      const bool twice = std::find(seen.begin(), seen.end(), file.file) != seen.end();
      f->Require(Invariant::kI18, !twice, {sim::ObjectKind::kSession, session.number},
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
      return "ioas " + Id(ioas.id) + " has users " + N(ioas.users) + " and " + N(holders) +
             " holders";
    });
  }
  for (const HwptView& hwpt : now.hwpts) {
    uint32_t holders = 1 + (hwpt.preserved ? 1 : 0);
    for (const DeviceView& device : now.devices) holders += device.attached == hwpt.id ? 1 : 0;
    f->Require(Invariant::kI24, hwpt.users == holders, HwptRef(hwpt.id), [&] {
      return "hwpt " + Id(hwpt.id) + " has users " + N(hwpt.users) + " and " + N(holders) +
             " holders";
    });
  }
  for (const DeviceView& device : now.devices) {
    const uint32_t holders = 2 + (device.attached != 0 ? 1 : 0);
    f->Require(Invariant::kI24, device.users == holders,
               {sim::ObjectKind::kDevice, static_cast<uint16_t>(device.id)}, [&] {
                 return "device " + Id(device.id) + " has users " + N(device.users) + " and " +
                        N(holders) + " holders";
               });
  }
}

void CheckShortReference(sim::ObjectRef object, uint32_t wait_cnt, Findings* f) {
  f->Require(Invariant::kI09, wait_cnt == 1, object, [&] {
    return "wait_cnt of " + Named(object) + " is " + N(wait_cnt) + " while no call is in progress";
  });
}

// A destroyer sleeps until short references are gone, so nobody keeps one across system calls.
void CheckShortReferences(const Snapshot& now, Findings* f) {
  for (const IoasView& ioas : now.ioas) CheckShortReference(IoasRef(ioas.id), ioas.wait_cnt, f);
  for (const HwptView& hwpt : now.hwpts) CheckShortReference(HwptRef(hwpt.id), hwpt.wait_cnt, f);
  for (const DeviceView& device : now.devices) {
    CheckShortReference({sim::ObjectKind::kDevice, static_cast<uint16_t>(device.id)},
                        device.wait_cnt, f);
  }
}

void CheckOtherFiles(const Snapshot& now, Findings* f) {
  for (const MemfdView& memfd : now.memfds) {
    f->Require(Invariant::kI24, memfd.refs == memfd.holders, MemfdRef(memfd.number), [&] {
      return "the file of memfd " + N(memfd.number) + " has " + N(memfd.refs) + " references and " +
             N(memfd.holders) + " holders";
    });
  }
  for (const SessionView& session : now.sessions) {
    f->Require(Invariant::kI24, session.refs == session.fds,
               {sim::ObjectKind::kSession, session.number}, [&] {
                 return "the file of session " + N(session.number) + " has " + N(session.refs) +
                        " references and " + N(session.fds) + " holders";
               });
  }
}

// How many sessions preserve an iommufd of those that `counts` says.
template <class Counts>
uint32_t Preserved(const Snapshot& now, Counts counts) {
  uint32_t preserved = 0;
  for (const SessionView& session : now.sessions) {
    for (const FileView& file : session.files) {
      preserved += IsIommufd(file) && counts(file.file.index) ? 1 : 0;
    }
  }
  return preserved;
}

void CheckIommufd(const Snapshot& now, const IommufdView& iommufd, Findings* f) {
  uint32_t holders = iommufd.fds;
  for (const DeviceView& device : now.devices) {
    holders += uapi::IommufdOf(device.id) == iommufd.number ? 1 : 0;
  }
  holders += Preserved(now, [&](uint16_t index) { return index == iommufd.number; });
  f->Require(Invariant::kI24, iommufd.refs == holders, IommufdRef(iommufd.number), [&] {
    return "the file of iommufd " + N(iommufd.number) + " has " + N(iommufd.refs) +
           " references and " + N(holders) + " holders";
  });
}

void CheckFileCounts(const Snapshot& now, Findings* f) {
  const uint32_t preserved = Preserved(now, [](uint16_t) { return true; });
  f->Require(Invariant::kI24, now.flb_count == preserved && now.flb_present == (preserved > 0),
             kFlbRef, [&] {
               return "the FLB has count " + N(now.flb_count) + " for " + N(preserved) +
                      " preserved iommufd files";
             });
  for (const IommufdView& iommufd : now.iommufds) CheckIommufd(now, iommufd, f);
}

}  // namespace

void CheckReferences(const Snapshot& now, Findings* f) {
  CheckDangling(now, f);
  CheckOwners(now, f);
  CheckObjectUsers(now, f);
  CheckShortReferences(now, f);
  CheckFileCounts(now, f);
  CheckOtherFiles(now, f);
}

}  // namespace iommufd_check::spec
