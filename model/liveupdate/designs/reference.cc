#include "model/liveupdate/designs/reference.h"

#include <algorithm>

#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/iommufd/pages.h"
#include "model/liveupdate/designs/shared.h"
#include "model/liveupdate/designs/walk.h"
#include "model/liveupdate/kho.h"
#include "model/liveupdate/luo.h"
#include "model/liveupdate/memfd_luo.h"

namespace iommufd_check::liveupdate {

using iommufd::Context;
using iommufd::Hwpt;
using iommufd::HwptHandle;
using iommufd::IoasHandle;
using iommufd::ObjectKey;
using iommufd::ObjectType;
using mm::Iova;
namespace iopt = iommufd::iopt;

namespace {

// WRITE_ONCE under iova_rwsem W: a sleeper's condition reads it without the lock.
constexpr uint8_t kReadUnlocked = sim::kAccessMarked;

bool IsMarked(StepKernel& k, HwptHandle hwpt) { return Read(k, hwpt, &Hwpt::marked); }

int CheckMark(StepKernel& k, HwptHandle target, uint64_t token) {
  if (Read(k, k.ctx, &iommufd::Context::marks_frozen)) return -sim::kEBUSY;
  int error = 0;
  ForEachHwpt(k, k.ctx, [&](HwptHandle other) {
    if (other == target || !IsMarked(k, other)) return true;
    if (Read(k, other, &Hwpt::token) == token) error = -sim::kEADDRINUSE;
    return error == 0;
  });
  return error;
}

int Mark(StepKernel& k, uint32_t hwpt_id, uint64_t token) {
  if (const int lost = copy_from_user(k, Ref(k.ctx))) return lost;
  const sim::Scope scope(k, sim::Fn::kIommufdHwptLuSetPreserve);
  const ObjectKey key = GetObject(k, k.ctx, hwpt_id, ObjectType::kHwptPaging);
  if (key.null()) return -sim::kENOENT;
  const HwptHandle target = key.hwpt();
  mutex_lock(k, k.ctx, &Context::liveupdate_mutex);
  spin_lock(k, k.ctx, &Context::xa_lock);
  const int error = k.check_mark(target, token);
  if (error == 0) {
    Write(k, target, &Hwpt::marked, true);
    Write(k, target, &Hwpt::token, token);
  }
  spin_unlock(k, k.ctx, &Context::xa_lock);
  mutex_unlock(k, k.ctx, &Context::liveupdate_mutex);
  PutObject(k, k.ctx, key);
  return error;
}

size_t CountMarked(StepKernel& k, ContextHandle ctx) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuCountMarked, ctx);
  size_t n = 0;
  spin_lock(k, ctx, &Context::xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {
    if (IsMarked(k, hwpt)) ++n;
    return true;
  });
  spin_unlock(k, ctx, &Context::xa_lock);
  return n;
}

void Collect(StepKernel& k, ContextHandle ctx, size_t capacity, Hwpts* hwpts) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuCollect, ctx);
  spin_lock(k, ctx, &Context::xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {
    if (!IsMarked(k, hwpt)) return true;
    // `users` only: wait_cnt is for short references (I09). Zero means it is being destroyed.
    if (refcount_inc_not_zero(k, KeyOf(hwpt), &iommufd::Object::users)) hwpts->push_back(hwpt);
    return hwpts->size() < capacity;
  });
  spin_unlock(k, ctx, &Context::xa_lock);
}

void DropReferences(StepKernel& k, Hwpts* hwpts) {
  for (HwptHandle hwpt : *hwpts) {
    refcount_dec_and_test(k, KeyOf(hwpt), &iommufd::Object::users);
  }
  hwpts->clear();
}

// One area: sealed file memory of this session, each mapped page the one that was registered.
int CheckArea(StepKernel& k, const PreserveArguments& arguments, iommufd::AreaHandle area) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuCheckArea, area);
  const iommufd::PagesHandle h = Read(k, area, &iommufd::Area::pages);
  // No map that inserted an area and no unmap that takes one apart is behind a closed gate.
  if (warn_on(k, h.null(), area, sim::Condition::kAreaUnfilled)) return -sim::kEBUSY;
  const iommufd::PagesShape pages = Read(k, h, &iommufd::Pages::shape);
  if (!pages.is_file()) return -sim::kEINVAL;
  uint64_t token = 0;
  uint64_t data = 0;
  int error = luo_get_token_outgoing(k, arguments.session, pages.memfd, &token, &data);
  if (error == 0) error = k.check_seals(pages.memfd, data);
  return error != 0 ? error : k.compare_pages(area, pages.memfd, data);
}

int CheckSeals(StepKernel& k, mm::MemfdHandle memfd, PhysAddr data) {
  return memfd_luo_check_seals(k, memfd, data, mm::kSealsOfPreserved);
}

int ComparePages(StepKernel& k, iommufd::AreaHandle area, mm::MemfdHandle memfd, PhysAddr data) {
  const iommufd::PagesHandle h = Read(k, area, &iommufd::Area::pages);
  const iommufd::PagesShape shape = Read(k, h, &iommufd::Pages::shape);
  const std::vector<mm::PfnRun> runs = ReadPinnedRuns(k, area);
  uint64_t pinned = 0;
  for (const mm::PfnRun& run : runs) pinned += run.count;
  const iommufd::AreaShape& slice = ShapeOf(k, area);
  if (pinned != slice.npages()) return -sim::kEINVAL;  // it has warned
  return memfd_luo_check_pages(k, memfd, data, shape.first_page + slice.first_index, runs);
}

int CheckPages(StepKernel& k, const PreserveArguments& arguments, IoasHandle ioas) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuCheckPages, ioas);
  lockdep_assert_held(k, ioas, iopt::iova_rwsem);
  for (iommufd::AreaHandle area : Read(k, ioas, iopt::areas)) {
    const int error = k.check_area(arguments, area);
    if (error != 0) return error;
  }
  return 0;
}

int Validate(StepKernel& k, const PreserveArguments& arguments, IoasHandle ioas) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuValidate, ioas);
  down_read(k, ioas, iopt::iova_rwsem);
  const int error = k.check_pages(arguments, ioas);
  up_read(k, ioas, iopt::iova_rwsem);
  return error;
}

bool WaitForMaps(StepKernel& k, IoasHandle ioas) {
  return wait_event_timeout(k, ioas, [&] {
    k.t.Access(sim::Primitive::kRead, Ref(k, ioas), sim::Field::kIoptFilling, sim::kAccessMarked);
    return Get(k, ioas).iopt.filling.Peek() == 0;
  });
}

int CloseGate(StepKernel& k, const Gate& gate) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuFreezeIoas, gate.ioas);
  for (;;) {
    down_write(k, gate.ioas, iopt::domains_rwsem);
    down_write(k, gate.ioas, iopt::iova_rwsem);
    const bool at_rest = Read(k, gate.ioas, iopt::filling) == 0;
    if (at_rest) {
      SetImmutable(k, gate.ioas, Read(k, gate.ioas, iopt::immutable) + gate.domains);
    }
    up_write(k, gate.ioas, iopt::iova_rwsem);
    up_write(k, gate.ioas, iopt::domains_rwsem);
    if (at_rest) return 0;
    // Another map may come before the locks are taken again; then it is waited for too.
    if (!k.wait_for_maps(gate.ioas)) return -sim::kEBUSY;
  }
}

int Freeze(StepKernel& k, const PreserveArguments& arguments, const Gate& gate) {
  int error = k.close_gate(gate);
  if (error != 0) return error;
  error = k.validate(arguments, gate.ioas);
  if (error != 0) k.thaw(gate);
  return error;
}

void Thaw(StepKernel& k, const Gate& gate) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuThawIoas, gate.ioas);
  down_write(k, gate.ioas, iopt::domains_rwsem);
  down_write(k, gate.ioas, iopt::iova_rwsem);
  SetImmutable(k, gate.ioas, Read(k, gate.ioas, iopt::immutable) - gate.domains);
  up_write(k, gate.ioas, iopt::iova_rwsem);
  up_write(k, gate.ioas, iopt::domains_rwsem);
}

void ThawRest(StepKernel& k, const Hwpts& hwpts, size_t first) {
  for (size_t i = first; i < hwpts.size(); ++i) k.thaw(Gate{Read(k, hwpts[i], &Hwpt::ioas), 1});
}

// Each IOAS once, in the order of its first HWPT, for all of its HWPTs; none on error.
int FreezeAll(StepKernel& k, const PreserveArguments& arguments, const Hwpts& hwpts) {
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
    const int error = k.freeze(arguments, gates[i]);
    if (error == 0) continue;
    while (i > 0) k.thaw(gates[--i]);
    return error;
  }
  return 0;
}

PhysAddr AllocRecords(StepKernel& k, ContextHandle ctx, size_t records) {
  const PhysAddr memory =
      kho_alloc_preserve(k, kIommufdR6.SizeFor(records), mm::FrameOwner::kIommufdSer, Ref(ctx));
  if (!IsErr(memory)) {
    store(k, memory, kIommufdR6.nr_hwpts.offset, kIommufdR6.nr_hwpts.bytes, records, Ref(ctx));
  }
  return memory;
}

void WriteRecord(StepKernel& k, PhysAddr memory, size_t index, uint64_t token,
                 PhysAddr domain_record) {
  const uint64_t at = kIommufdR6.array + index * kIommufdR6.stride;
  store(k, memory, at + kIommufdR6.token.offset, kIommufdR6.token.bytes, token, Ref(k.ctx));
  store(k, memory, at + kIommufdR6.domain_data.offset, kIommufdR6.domain_data.bytes, domain_record,
        Ref(k.ctx));
}

int PreserveOne(StepKernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuPreserveHwpt, hwpt);
  PhysAddr record = 0;
  const int error = k.preserve_domain(hwpt, &record);
  if (error != 0) return error;
  k.write_record(memory, index, Read(k, hwpt, &Hwpt::token), record);
  Write(k, hwpt, &Hwpt::preserved, true);
  return 0;
}

void UnpreserveOne(StepKernel& k, HwptHandle hwpt) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuUnpreserveHwpt, hwpt);
  Write(k, hwpt, &Hwpt::preserved, false);
  iommu_domain_unpreserve(k, Read(k, hwpt, &Hwpt::domain), k.core);
  k.thaw(Gate{Read(k, hwpt, &Hwpt::ioas), 1});
}

void Rollback(StepKernel& k, const Hwpts& hwpts, size_t preserved) {
  const sim::Scope scope(k, sim::Fn::kIommufdLuRollback);
  while (preserved > 0) k.unpreserve_one(hwpts[--preserved]);
}

int PreserveInto(StepKernel& k, const Hwpts& hwpts, PhysAddr memory) {
  for (size_t i = 0; i < hwpts.size(); ++i) {
    const int error = k.preserve_one(hwpts[i], memory, i);
    if (error == 0) continue;
    k.rollback(hwpts, i);
    k.thaw_rest(hwpts, i);
    return error;
  }
  return 0;
}

void Finish(StepKernel& k, ContextHandle ctx, PhysAddr, size_t) {
  Write(k, ctx, &iommufd::Context::marks_frozen, true);
}

int PreserveFrozen(StepKernel& k, PreserveArguments* arguments, const Hwpts& hwpts) {
  const PhysAddr memory = k.alloc_records(arguments->ctx, hwpts.size());
  if (IsErr(memory)) {
    k.thaw_rest(hwpts, 0);
    return PtrErr(memory);
  }
  const int error = k.preserve_into(hwpts, memory);
  if (error != 0) {
    k.free_records(arguments->ctx, memory);
    return error;
  }
  k.finish(arguments->ctx, memory, hwpts.size());
  arguments->serialized_data = memory;
  return 0;
}

int PreserveCollected(StepKernel& k, PreserveArguments* arguments, const Hwpts& hwpts) {
  if (hwpts.empty()) return -sim::kEINVAL;
  const int error = k.freeze_all(*arguments, hwpts);
  return error != 0 ? error : PreserveFrozen(k, arguments, hwpts);
}

int Preserve(StepKernel& k, PreserveArguments* arguments) {
  const sim::Scope scope(k, sim::Fn::kIommufdLiveupdatePreserve, arguments->ctx);
  const ContextHandle ctx = arguments->ctx;
  mutex_lock(k, ctx, &Context::liveupdate_mutex);
  const size_t capacity = k.count_marked(ctx);
  Hwpts hwpts;
  int error = fail(k, sim::FaultSite::kKcalloc, ctx);
  if (error == 0) {
    k.collect(ctx, capacity, &hwpts);
    error = PreserveCollected(k, arguments, hwpts);
    if (error != 0) k.drop_references(&hwpts);
  }
  mutex_unlock(k, ctx, &Context::liveupdate_mutex);
  return error;
}

void Unpreserve(StepKernel& k, const PreserveArguments& arguments) {
  const sim::Scope scope(k, sim::Fn::kIommufdLiveupdateUnpreserve, arguments.ctx);
  const ContextHandle ctx = arguments.ctx;
  mutex_lock(k, ctx, &Context::liveupdate_mutex);
  Hwpts hwpts;
  spin_lock(k, ctx, &Context::xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {  // ours: each holds our reference
    if (Read(k, hwpt, &Hwpt::preserved)) hwpts.push_back(hwpt);
    return true;
  });
  spin_unlock(k, ctx, &Context::xa_lock);
  k.rollback(hwpts, hwpts.size());
  k.free_records(ctx, arguments.serialized_data);
  Write(k, ctx, &iommufd::Context::marks_frozen, false);
  k.drop_references(&hwpts);
  mutex_unlock(k, ctx, &Context::liveupdate_mutex);
}

void AreaInserted(StepKernel& k, IoasHandle ioas) {
  Update(k, ioas, iopt::filling, [](uint32_t& filling) { ++filling; }, kReadUnlocked);
}

void AreaSettled(StepKernel& k, IoasHandle ioas) {
  const uint32_t left =
      Update(k, ioas, iopt::filling, [](uint32_t& filling) { return --filling; }, kReadUnlocked);
  if (left == 0) k.wake_waiters(ioas);
}

void WakeWaiters(StepKernel& k, IoasHandle ioas) { wake_up_all(k, ioas); }

constexpr Facts kFacts = {
    .name = "reference",
    .summary = "our answer: references, counted immutability, checks before effects, full rollback",
    .core = {kDomainR7, FlbGets::kPaired, true, true}};

constexpr Steps kSteps = {.mark = Mark,
                          .preserve = Preserve,
                          .unpreserve = Unpreserve,
                          .map_insert = RefuseWhileImmutable,
                          .area_inserted = AreaInserted,
                          .area_settled = AreaSettled,
                          .unmap = RefuseWhileImmutable,
                          .check_mark = CheckMark,
                          .count_marked = CountMarked,
                          .collect = Collect,
                          .drop_references = DropReferences,
                          .freeze_all = FreezeAll,
                          .freeze = Freeze,
                          .close_gate = CloseGate,
                          .wait_for_maps = WaitForMaps,
                          .wake_waiters = WakeWaiters,
                          .thaw = Thaw,
                          .thaw_rest = ThawRest,
                          .validate = Validate,
                          .check_pages = CheckPages,
                          .check_area = CheckArea,
                          .check_seals = CheckSeals,
                          .compare_pages = ComparePages,
                          .alloc_records = AllocRecords,
                          .free_records = FreeRecords,
                          .write_record = WriteRecord,
                          .preserve_into = PreserveInto,
                          .preserve_one = PreserveOne,
                          .preserve_domain = PreserveDomain,
                          .unpreserve_one = UnpreserveOne,
                          .rollback = Rollback,
                          .finish = Finish};

}  // namespace

const Revision& Reference() {
  static const Revision reference(kFacts, kSteps);
  return reference;
}

}  // namespace iommufd_check::liveupdate
