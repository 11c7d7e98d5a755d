#include "model/liveupdate/designs/reference.h"

#include <algorithm>

#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/iommufd/pages.h"
#include "model/liveupdate/designs/walk.h"
#include "model/liveupdate/kho.h"
#include "model/liveupdate/luo.h"
#include "model/liveupdate/memfd_luo.h"

namespace iommufd_check::liveupdate {

using iommufd::Hwpt;
using iommufd::HwptHandle;
using iommufd::IoasHandle;
using iommufd::ObjectKey;
using iommufd::ObjectType;
using mm::Iova;

namespace {

// WRITE_ONCE under iova_rwsem W: a sleeper's condition reads it without the lock.
constexpr uint8_t kReadUnlocked = sim::kAccessMarked;

bool IsMarked(Kernel& k, HwptHandle hwpt) { return Read(k, hwpt, &Hwpt::marked); }

}  // namespace

int Reference::CheckMark(Kernel& k, HwptHandle target, uint64_t token) {
  if (Read(k, k.ctx, &iommufd::Context::marks_frozen)) return -sim::kEBUSY;
  int error = 0;
  ForEachHwpt(k, k.ctx, [&](HwptHandle other) {
    if (other == target || !IsMarked(k, other)) return true;
    if (Read(k, other, &Hwpt::token) == token) error = -sim::kEADDRINUSE;
    return error == 0;
  });
  return error;
}

int Reference::Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) {
  if (const int lost = copy_from_user(k, Ref(k.ctx))) return lost;
  const sim::Scope scope(k.t, sim::Fn::kIommufdHwptLuSetPreserve);
  const ObjectKey key = GetObject(k, k.ctx, hwpt_id, ObjectType::kHwptPaging);
  if (key.null()) return -sim::kENOENT;
  const HwptHandle target = key.hwpt();
  mutex_lock(k.t, Get(k, k.ctx).liveupdate_mutex);
  spin_lock(k.t, Get(k, k.ctx).xa_lock);
  const int error = CheckMark(k, target, token);
  if (error == 0) {
    Write(k, target, &Hwpt::marked, true);
    Write(k, target, &Hwpt::token, token);
  }
  spin_unlock(k.t, Get(k, k.ctx).xa_lock);
  mutex_unlock(k.t, Get(k, k.ctx).liveupdate_mutex);
  PutObject(k, k.ctx, key);
  return error;
}

size_t Reference::CountMarked(Kernel& k, ContextHandle ctx) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuCountMarked, Ref(ctx));
  size_t n = 0;
  spin_lock(k.t, Get(k, ctx).xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {
    if (IsMarked(k, hwpt)) ++n;
    return true;
  });
  spin_unlock(k.t, Get(k, ctx).xa_lock);
  return n;
}

void Reference::Collect(Kernel& k, ContextHandle ctx, size_t capacity, Hwpts* hwpts) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuCollect, Ref(ctx));
  spin_lock(k.t, Get(k, ctx).xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {
    if (!IsMarked(k, hwpt)) return true;
    // `users` only: wait_cnt is for short references (I09). Zero means it is being destroyed.
    if (refcount_inc_not_zero(k, KeyOf(hwpt), &iommufd::Object::users)) hwpts->push_back(hwpt);
    return hwpts->size() < capacity;
  });
  spin_unlock(k.t, Get(k, ctx).xa_lock);
}

void Reference::DropReferences(Kernel& k, Hwpts& hwpts) {
  for (HwptHandle hwpt : hwpts) {
    refcount_dec_and_test(k, KeyOf(hwpt), &iommufd::Object::users);
  }
  hwpts.clear();
}

// One area: sealed file memory of this session, each mapped page the one that was registered.
int Reference::CheckArea(Kernel& k, const PreserveArguments& arguments, iommufd::AreaHandle area) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuCheckArea, Ref(area));
  const iommufd::PagesHandle h = Read(k, area, &iommufd::Area::pages);
  // No map that inserted an area and no unmap that takes one apart is behind a closed gate.
  if (warn_on(k.t, h.null(), Ref(area), sim::Condition::kAreaUnfilled)) return -sim::kEBUSY;
  const iommufd::PagesShape pages = Read(k, h, &iommufd::Pages::shape);
  if (!pages.is_file()) return -sim::kEINVAL;
  uint64_t token = 0;
  uint64_t data = 0;
  int error = luo_get_token_outgoing(k, arguments.session, pages.memfd, &token, &data);
  if (error == 0) error = CheckSeals(k, pages.memfd, data);
  return error != 0 ? error : ComparePages(k, area, pages.memfd, data);
}

int Reference::CheckSeals(Kernel& k, mm::MemfdHandle memfd, PhysAddr data) {
  return memfd_luo_check_seals(k, memfd, data, mm::kSealsOfPreserved);
}

int Reference::ComparePages(Kernel& k, iommufd::AreaHandle area, mm::MemfdHandle memfd,
                            PhysAddr data) {
  const iommufd::PagesHandle h = Read(k, area, &iommufd::Area::pages);
  const iommufd::PagesShape shape = Read(k, h, &iommufd::Pages::shape);
  const std::vector<mm::PfnRun> runs = ReadPinnedRuns(k, area);
  uint64_t pinned = 0;
  for (const mm::PfnRun& run : runs) pinned += run.count;
  const iommufd::AreaShape& slice = ShapeOf(k, area);
  if (pinned != slice.npages()) return -sim::kEINVAL;  // it has warned
  return memfd_luo_check_pages(k, memfd, data, shape.first_page + slice.first_index, runs);
}

int Reference::CheckPages(Kernel& k, const PreserveArguments& arguments, IoasHandle ioas) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuCheckPages, Ref(k, ioas));
  lockdep_assert_held(k.t, Get(k, ioas).iopt.iova_rwsem);
  for (iommufd::AreaHandle area : Read(k, ioas, iommufd::iopt::areas)) {
    const int error = CheckArea(k, arguments, area);
    if (error != 0) return error;
  }
  return 0;
}

int Reference::Validate(Kernel& k, const PreserveArguments& arguments, IoasHandle ioas) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuValidate, Ref(k, ioas));
  down_read(k.t, Get(k, ioas).iopt.iova_rwsem);
  const int error = CheckPages(k, arguments, ioas);
  up_read(k.t, Get(k, ioas).iopt.iova_rwsem);
  return error;
}

bool Reference::WaitForMaps(Kernel& k, IoasHandle ioas) {
  return wait_event_timeout(k.t, Ref(k, ioas), [&] {
    k.t.Access(sim::Primitive::kRead, Ref(k, ioas), sim::Field::kIoptFilling, sim::kAccessMarked);
    return Get(k, ioas).iopt.filling.Peek() == 0;
  });
}

int Reference::CloseGate(Kernel& k, const Gate& gate) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuFreezeIoas, Ref(k, gate.ioas));
  for (;;) {
    down_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    const bool at_rest = Read(k, gate.ioas, iommufd::iopt::filling) == 0;
    if (at_rest) {
      SetImmutable(k, gate.ioas, Read(k, gate.ioas, iommufd::iopt::immutable) + gate.domains);
    }
    up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    up_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    if (at_rest) return 0;
    // Another map may come before the locks are taken again; then it is waited for too.
    if (!WaitForMaps(k, gate.ioas)) return -sim::kEBUSY;
  }
}

int Reference::Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) {
  int error = CloseGate(k, gate);
  if (error != 0) return error;
  error = Validate(k, arguments, gate.ioas);
  if (error != 0) Thaw(k, gate);
  return error;
}

void Reference::Thaw(Kernel& k, const Gate& gate) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuThawIoas, Ref(k, gate.ioas));
  down_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
  down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
  SetImmutable(k, gate.ioas, Read(k, gate.ioas, iommufd::iopt::immutable) - gate.domains);
  up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
  up_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
}

void Reference::ThawRest(Kernel& k, const Hwpts& hwpts, size_t first) {
  for (size_t i = first; i < hwpts.size(); ++i) Thaw(k, {Read(k, hwpts[i], &Hwpt::ioas), 1});
}

// Each IOAS once, in the order of its first HWPT, for all of its HWPTs; none on error.
int Reference::FreezeAll(Kernel& k, const PreserveArguments& arguments, const Hwpts& hwpts) {
  std::vector<Gate> gates;
  for (HwptHandle hwpt : hwpts) {
    const IoasHandle ioas = Read(k, hwpt, &Hwpt::ioas);
    const auto same = [&](const Gate& gate) { return gate.ioas == ioas; };
    const auto found = std::find_if(gates.begin(), gates.end(), same);
    if (found == gates.end()) {
      gates.push_back({ioas, 1});
    } else {
      ++found->domains;
    }
  }
  for (size_t i = 0; i < gates.size(); ++i) {
    const int error = Freeze(k, arguments, gates[i]);
    if (error == 0) continue;
    while (i > 0) Thaw(k, gates[--i]);
    return error;
  }
  return 0;
}

PhysAddr Reference::AllocRecords(Kernel& k, ContextHandle ctx, size_t records) {
  const PhysAddr memory =
      kho_alloc_preserve(k, kIommufdR6.SizeFor(records), mm::FrameOwner::kIommufdSer, Ref(ctx));
  if (!IsErr(memory)) {
    store(k, memory, kIommufdR6.nr_hwpts.offset, kIommufdR6.nr_hwpts.bytes, records, Ref(ctx));
  }
  return memory;
}

void Reference::FreeRecords(Kernel& k, ContextHandle ctx, PhysAddr memory) {
  kho_unpreserve_free(k, memory, Ref(ctx));
}

void Reference::WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                            PhysAddr domain_record) {
  const uint64_t at = kIommufdR6.array + index * kIommufdR6.stride;
  store(k, memory, at + kIommufdR6.token.offset, kIommufdR6.token.bytes, token, Ref(k.ctx));
  store(k, memory, at + kIommufdR6.domain_data.offset, kIommufdR6.domain_data.bytes, domain_record,
        Ref(k.ctx));
}

int Reference::PreserveOne(Kernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuPreserveHwpt, Ref(k, hwpt));
  PhysAddr record = 0;
  const int error = PreserveDomain(k, hwpt, &record);
  if (error != 0) return error;
  WriteRecord(k, memory, index, Read(k, hwpt, &Hwpt::token), record);
  Write(k, hwpt, &Hwpt::preserved, true);
  return 0;
}

int Reference::PreserveDomain(Kernel& k, HwptHandle hwpt, PhysAddr* record) {
  return iommu_domain_preserve(k, Read(k, hwpt, &Hwpt::domain), core_, record);
}

void Reference::UnpreserveOne(Kernel& k, HwptHandle hwpt) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuUnpreserveHwpt, Ref(k, hwpt));
  Write(k, hwpt, &Hwpt::preserved, false);
  iommu_domain_unpreserve(k, Read(k, hwpt, &Hwpt::domain), core_);
  Thaw(k, {Read(k, hwpt, &Hwpt::ioas), 1});
}

void Reference::Rollback(Kernel& k, const Hwpts& hwpts, size_t preserved) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLuRollback);
  while (preserved > 0) UnpreserveOne(k, hwpts[--preserved]);
}

int Reference::PreserveInto(Kernel& k, const Hwpts& hwpts, PhysAddr memory) {
  for (size_t i = 0; i < hwpts.size(); ++i) {
    const int error = PreserveOne(k, hwpts[i], memory, i);
    if (error == 0) continue;
    Rollback(k, hwpts, i);
    ThawRest(k, hwpts, i);
    return error;
  }
  return 0;
}

void Reference::Finish(Kernel& k, ContextHandle ctx, PhysAddr, size_t) {
  Write(k, ctx, &iommufd::Context::marks_frozen, true);
}

int Reference::PreserveCollected(Kernel& k, PreserveArguments* arguments, const Hwpts& hwpts) {
  if (hwpts.empty()) return -sim::kEINVAL;
  const int error = FreezeAll(k, *arguments, hwpts);
  return error != 0 ? error : PreserveFrozen(k, arguments, hwpts);
}

int Reference::PreserveFrozen(Kernel& k, PreserveArguments* arguments, const Hwpts& hwpts) {
  const PhysAddr memory = AllocRecords(k, arguments->ctx, hwpts.size());
  if (IsErr(memory)) {
    ThawRest(k, hwpts, 0);
    return PtrErr(memory);
  }
  const int error = PreserveInto(k, hwpts, memory);
  if (error != 0) {
    FreeRecords(k, arguments->ctx, memory);
    return error;
  }
  Finish(k, arguments->ctx, memory, hwpts.size());
  arguments->serialized_data = memory;
  return 0;
}

int Reference::Preserve(Kernel& k, PreserveArguments* arguments) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLiveupdatePreserve, Ref(arguments->ctx));
  const ContextHandle ctx = arguments->ctx;
  mutex_lock(k.t, Get(k, ctx).liveupdate_mutex);
  const size_t capacity = CountMarked(k, ctx);
  Hwpts hwpts;
  int error = fail(k.t, sim::FaultSite::kKcalloc, Ref(ctx));
  if (error == 0) {
    Collect(k, ctx, capacity, &hwpts);
    error = PreserveCollected(k, arguments, hwpts);
    if (error != 0) DropReferences(k, hwpts);
  }
  mutex_unlock(k.t, Get(k, ctx).liveupdate_mutex);
  return error;
}

void Reference::Unpreserve(Kernel& k, const PreserveArguments& arguments) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLiveupdateUnpreserve, Ref(arguments.ctx));
  const ContextHandle ctx = arguments.ctx;
  mutex_lock(k.t, Get(k, ctx).liveupdate_mutex);
  Hwpts hwpts;
  spin_lock(k.t, Get(k, ctx).xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {  // ours: each holds our reference
    if (Read(k, hwpt, &Hwpt::preserved)) hwpts.push_back(hwpt);
    return true;
  });
  spin_unlock(k.t, Get(k, ctx).xa_lock);
  Rollback(k, hwpts, hwpts.size());
  FreeRecords(k, ctx, arguments.serialized_data);
  Write(k, ctx, &iommufd::Context::marks_frozen, false);
  DropReferences(k, hwpts);
  mutex_unlock(k.t, Get(k, ctx).liveupdate_mutex);
}

int Reference::MapInsert(iommufd::Kernel& k, IoasHandle ioas) { return TestImmutable(k, ioas); }
int Reference::Unmap(iommufd::Kernel& k, IoasHandle ioas) { return TestImmutable(k, ioas); }

void Reference::AreaInserted(iommufd::Kernel& k, IoasHandle ioas) {
  Update(k, ioas, iommufd::iopt::filling, [](uint32_t& filling) { ++filling; }, kReadUnlocked);
}

void Reference::AreaSettled(iommufd::Kernel& k, IoasHandle ioas) {
  const uint32_t left = Update(
      k, ioas, iommufd::iopt::filling, [](uint32_t& filling) { return --filling; }, kReadUnlocked);
  if (left == 0) WakeWaiters(k, ioas);
}

void Reference::WakeWaiters(iommufd::Kernel& k, IoasHandle ioas) { wake_up_all(k.t, Ref(k, ioas)); }

}  // namespace iommufd_check::liveupdate
