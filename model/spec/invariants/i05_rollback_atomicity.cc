#include <algorithm>
#include <string>
#include <utility>

#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

// What live update owns of one snapshot, as (name, value) pairs in a fixed order.
using Owned = std::vector<std::pair<std::string, uint64_t>>;

// Whose part of the state is compared.
struct Scope {
  bool iommufd = true;  // immutability, domains, records, the FLB
  bool memfds = true;   // frozen, folios, files of sessions
};

// What the others may change is theirs. A preserve may also release a session that was closed
// while it held it.
Scope ScopeOf(const Snapshot& before, const std::vector<Call>& others) {
  const bool all_open = std::all_of(before.sessions.begin(), before.sessions.end(),
                                    [](const SessionView& session) { return session.fds == 1; });
  Scope scope;
  for (const Call& other : others) {
    const bool closes = other.kind == Call::Kind::kLuoCloseSession;
    const bool preserves = other.kind == Call::Kind::kLuoPreserve;
    if (!closes && !preserves) continue;
    scope.memfds = false;
    const bool memfd = preserves && other.file.kind == mm::FileRef::Kind::kMemfd;
    if (!memfd || !all_open) scope.iommufd = false;
  }
  return scope;
}

void AddIommufd(const Snapshot& snapshot, const Snapshot& other, Owned* owned) {
  for (const IoasView& ioas : snapshot.ioas) {
    if (other.FindIoas(ioas.id) == nullptr) continue;
    owned->emplace_back("ioas " + Id(ioas.id) + " immutable", ioas.immutable);
  }
  for (const HwptView& hwpt : snapshot.hwpts) {
    const HwptView* same = other.FindHwpt(hwpt.id);
    if (same == nullptr || same->domain != hwpt.domain) continue;  // gone, or its id is another's
    const DomainView* domain = snapshot.FindDomain(hwpt.domain);
    owned->emplace_back("hwpt " + Id(hwpt.id) + " preserved", hwpt.preserved ? 1 : 0);
    owned->emplace_back("domain " + N(hwpt.domain) + " preserved_state",
                        domain == nullptr ? 0 : domain->preserved_state);
  }
  uint64_t live = 0;
  for (const DomainRecordView& record : snapshot.domain_records) live += record.deleted ? 0 : 1;
  owned->emplace_back("live domain records", live);
  owned->emplace_back("flb count", snapshot.flb_count);
  owned->emplace_back("flb object", snapshot.flb_present ? 1 : 0);
}

void AddMemfds(const Snapshot& snapshot, const Snapshot& other, Owned* owned) {
  for (const MemfdView& memfd : snapshot.memfds) {
    owned->emplace_back("memfd " + N(memfd.number) + " frozen", memfd.frozen ? 1 : 0);
  }
  for (const SessionView& session : snapshot.sessions) {
    if (other.FindSession(session.number) == nullptr) continue;
    owned->emplace_back("session " + N(session.number) + " files", session.files.size());
  }
}

Owned OwnedBy(const Snapshot& snapshot, const Snapshot& other, const Scope& scope) {
  Owned owned;
  if (scope.iommufd) AddIommufd(snapshot, other, &owned);
  if (scope.memfds) AddMemfds(snapshot, other, &owned);
  return owned;
}

// "ioas 1 immutable 0x1, it was 0x0"; empty: none.
std::string OwnedDifference(const FailedPreserve& failed, const Scope& scope) {
  const Owned old_state = OwnedBy(failed.before, failed.after, scope);
  const Owned new_state = OwnedBy(failed.after, failed.before, scope);
  for (size_t i = 0; i < old_state.size() && i < new_state.size(); ++i) {
    if (old_state[i] == new_state[i]) continue;
    return new_state[i].first + " " + Hex(new_state[i].second) + ", it was " +
           Hex(old_state[i].second);
  }
  return "";
}

// The first registered page of `one` that `other` lacks, of those in the scope; 0: none.
Pfn OnlyIn(const Snapshot& one, const Snapshot& other, const Scope& scope) {
  for (const auto& [pfn, owner] : one.registered) {
    const bool memfd = owner == mm::FrameOwner::kMemfdData || owner == mm::FrameOwner::kMemfdSer;
    if ((memfd ? scope.memfds : scope.iommufd) && !other.IsRegistered(pfn)) return pfn;
  }
  return 0;
}

// Lives and counts of all objects, when nobody else could have changed them.
std::string CompareObjects(const Snapshot& before, const Snapshot& after) {
  for (const IoasView& ioas : before.ioas) {
    const IoasView* now = after.FindIoas(ioas.id);
    if (now == nullptr) return "ioas " + Id(ioas.id) + " is gone";
    if (now->users != ioas.users) return "users of ioas " + Id(ioas.id) + " changed";
    if (!(now->areas == ioas.areas)) return "areas of ioas " + Id(ioas.id) + " changed";
  }
  for (const HwptView& hwpt : before.hwpts) {
    const HwptView* now = after.FindHwpt(hwpt.id);
    if (now == nullptr) return "hwpt " + Id(hwpt.id) + " is gone";
    if (!(*now == hwpt)) return "counters, mark or token of hwpt " + Id(hwpt.id) + " changed";
  }
  if (!(before.devices == after.devices)) return "a device changed";
  if (!(before.iommufds == after.iommufds)) return "references on an iommufd changed";
  for (const MemfdView& memfd : before.memfds) {
    const MemfdView* now = after.FindMemfd(memfd.number);
    if (now == nullptr) return "memfd " + N(memfd.number) + " is gone";
    if (now->refs != memfd.refs) return "references on memfd " + N(memfd.number) + " changed";
    if (now->size != memfd.size || now->seals != memfd.seals) {
      return "size or seals of memfd " + N(memfd.number) + " changed";
    }
  }
  return "";
}

// What one of the others may change is not compared; with none, everything that live update and
// iommufd count is.
class RollbackAtomicity final : public Check {
 public:
  void Listen(Listeners* to) const override { to->On<&RollbackAtomicity::OnFailure>(); }

 private:
  void OnFailure(const FailedPreserve& failed, const Evidence&, Ruling rule) const {
    const Scope scope = ScopeOf(failed.before, failed.others);
    if (!scope.iommufd && !scope.memfds) return;
    rule.Arm();
    if (const std::string left = OwnedDifference(failed, scope); !left.empty()) {
      return rule.Violate({}, "the failed preserve leaves " + left);
    }
    if (const Pfn pfn = OnlyIn(failed.after, failed.before, scope); pfn != 0) {
      return rule.Violate(kKhoRef, "the failed preserve leaves page " + Hex(pfn) + " registered");
    }
    if (const Pfn pfn = OnlyIn(failed.before, failed.after, scope); pfn != 0) {
      return rule.Violate(kKhoRef, "the failed preserve unregistered page " + Hex(pfn));
    }
    if (!failed.others.empty()) return;
    const std::string difference = CompareObjects(failed.before, failed.after);
    if (!difference.empty()) rule.Violate({}, "after the failed preserve " + difference);
  }
};

}  // namespace

std::unique_ptr<Check> NewI05() { return std::make_unique<RollbackAtomicity>(); }

}  // namespace iommufd_check::spec
