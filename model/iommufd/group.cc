#include "model/iommufd/group.h"

#include <vector>

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
  const sim::Scope scope(k, sim::Fn::kIommufdGetGroup, iommu::EndpointRef(endpoint));
  spin_lock(k, ctx, &Context::groups_xa_lock);
  *out = GroupAt(k, ctx, endpoint);
  const bool found = TryGet(k, *out);
  spin_unlock(k, ctx, &Context::groups_xa_lock);
  if (found) return 0;

  if (const int error = fail(k, sim::FaultSite::kGroupAlloc, ctx)) return error;
  const IgroupHandle added = k.s.igroups.Create(Igroup{});
  lock_init(k, added, &Igroup::lock, sim::LockClass::kIgroupLock);
  spin_lock(k, ctx, &Context::groups_xa_lock);
  const int full = fail(k, sim::FaultSite::kGroupSlot, ctx, sim::Gfp::kAtomic);
  *out = GroupAt(k, ctx, endpoint);
  const bool lost = full == 0 && TryGet(k, *out);  // somebody was faster
  if (full == 0 && !lost) StoreGroup(k, ctx, endpoint, added);
  spin_unlock(k, ctx, &Context::groups_xa_lock);
  if (full != 0 || lost) PutGroup(k, ctx, added, endpoint);
  if (full == 0 && !lost) *out = added;
  return full;
}

void PutGroup(Kernel& k, ContextHandle ctx, IgroupHandle group, uint16_t endpoint) {
  const sim::Scope scope(k, sim::Fn::kIommufdGroupRelease, group);
  if (!refcount_dec_and_test(k, group, &Igroup::ref)) return;
  spin_lock(k, ctx, &Context::groups_xa_lock);  // xa_cmpxchg: another one may stand there by now
  if (GroupAt(k, ctx, endpoint) == group) StoreGroup(k, ctx, endpoint, {});
  spin_unlock(k, ctx, &Context::groups_xa_lock);
  lock_destroy(k, group, &Igroup::lock);
  Emit(k, sim::Note::kObjectFreed, group);
  k.s.igroups.Free(group);
}

}  // namespace iommufd_check::iommufd
