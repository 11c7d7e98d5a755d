#include "model/iommufd/group.h"

#include <vector>

#include "model/sim/runtime.h"

namespace iommufd_check::iommufd {
namespace {

using Groups = std::vector<IgroupHandle>;

// LOCKS: groups xa_lock.
IgroupHandle GroupAt(Kernel& k, ContextHandle ctx, uint16_t endpoint) {
  return With(k, ctx, &Context::groups, [&](const Groups& groups) {
    return endpoint < groups.size() ? groups[endpoint] : IgroupHandle{};
  });
}

// LOCKS: groups xa_lock.
void StoreGroup(Kernel& k, ContextHandle ctx, uint16_t endpoint, IgroupHandle group) {
  Update(k, ctx, &Context::groups, [&](Groups& groups) {
    if (endpoint >= groups.size()) groups.resize(endpoint + 1u);
    groups[endpoint] = group;
    while (!groups.empty() && groups.back().null()) groups.pop_back();
  });
}

// iommufd_group_try_get. LOCKS: groups xa_lock, under which entries leave before they are freed.
bool TryGet(Kernel& k, IgroupHandle group) {
  return !group.null() && refcount_inc_not_zero(k, group, &Igroup::ref);
}

}  // namespace

int GetGroup(Kernel& k, ContextHandle ctx, uint16_t endpoint, IgroupHandle* out) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdGetGroup, iommu::EndpointRef(endpoint));
  spin_lock(k.t, Get(k, ctx).groups_xa_lock);
  *out = GroupAt(k, ctx, endpoint);
  const bool found = TryGet(k, *out);
  spin_unlock(k.t, Get(k, ctx).groups_xa_lock);
  if (found) return 0;

  if (const int error = fail(k.t, sim::FaultSite::kGroupAlloc, Ref(ctx))) return error;
  const IgroupHandle added = k.s.igroups.Create(Igroup{});
  Get(k, added).lock = k.t.runtime().locks().Create(sim::LockClass::kIgroupLock, Ref(added));
  spin_lock(k.t, Get(k, ctx).groups_xa_lock);
  const int full = fail(k.t, sim::FaultSite::kGroupSlot, Ref(ctx), sim::Gfp::kAtomic);
  *out = GroupAt(k, ctx, endpoint);
  const bool lost = full == 0 && TryGet(k, *out);  // somebody was faster
  if (full == 0 && !lost) StoreGroup(k, ctx, endpoint, added);
  spin_unlock(k.t, Get(k, ctx).groups_xa_lock);
  if (full != 0 || lost) PutGroup(k, ctx, added, endpoint);
  if (full == 0 && !lost) *out = added;
  return full;
}

void PutGroup(Kernel& k, ContextHandle ctx, IgroupHandle group, uint16_t endpoint) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdGroupRelease, Ref(group));
  if (!refcount_dec_and_test(k, group, &Igroup::ref)) return;
  spin_lock(k.t, Get(k, ctx).groups_xa_lock);  // xa_cmpxchg: another one may stand there by now
  if (GroupAt(k, ctx, endpoint) == group) StoreGroup(k, ctx, endpoint, {});
  spin_unlock(k.t, Get(k, ctx).groups_xa_lock);
  lock_destroy(k.t, Get(k, group).lock);
  k.t.Emit(sim::Note::kObjectFreed, Ref(group));
  k.s.igroups.Free(group);
}

}  // namespace iommufd_check::iommufd
