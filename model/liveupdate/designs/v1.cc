#include "model/liveupdate/designs/v1.h"

#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/shared.h"
#include "model/liveupdate/designs/walk.h"
#include "model/liveupdate/kho.h"
#include "model/liveupdate/luo.h"

namespace iommufd_check::liveupdate {

using iommufd::Context;
using iommufd::Hwpt;
using iommufd::HwptHandle;
using iommufd::Ioas;
using iommufd::IoasHandle;
using iommufd::ObjectKey;
using iommufd::ObjectType;
namespace iopt = iommufd::iopt;

namespace {

// 3: the target itself is skipped.
int CheckMark(StepKernel& k, HwptHandle target, uint64_t token) {
  int error = 0;
  ForEachHwpt(k, k.ctx, [&](HwptHandle other) {
    if (other == target || !Read(k, other, &Hwpt::bits).lu_preserve) return true;
    if (Read(k, other, &Hwpt::token) == token) error = -sim::kEADDRINUSE;
    return error == 0;
  });
  return error;
}

// MARK. The token is 32 bits wide in this revision's uapi.
int Mark(StepKernel& k, uint32_t hwpt_id, uint64_t token) {
  if (const int lost = copy_from_user(k, Ref(k.ctx))) return lost;
  const sim::Scope scope(k, sim::Fn::kIommufdHwptLuSetPreserve);
  const auto token32 = static_cast<uint32_t>(token);
  const ObjectKey key = GetObject(k, k.ctx, hwpt_id, ObjectType::kHwptPaging);  // 1
  if (key.null()) return -sim::kENOENT;
  const HwptHandle target = key.hwpt();
  spin_lock(k, k.ctx, &Context::xa_lock);  // 2
  const int error = k.check_mark(target, token32);
  if (error == 0) {                                         // 4
    iommufd::HwptBits bits = Read(k, target, &Hwpt::bits);  // a bit-field: the word is stored whole
    bits.lu_preserve = true;
    Write(k, target, &Hwpt::bits, bits);
    Write(k, target, &Hwpt::token, token32);
  }
  spin_unlock(k, k.ctx, &Context::xa_lock);  // 5
  PutObject(k, k.ctx, key);
  return error;
}

PhysAddr AllocRecords(StepKernel& k, ContextHandle ctx, size_t records) {
  const uint64_t size = kIommufdR3.SizeFor(records);
  const PhysAddr memory = kho_alloc_preserve(k, size, mm::FrameOwner::kIommufdSer, Ref(ctx));  // 3
  if (memory == 0) return ErrPtr(-sim::kENOMEM);  // `!mem`: the real convention is ERR_PTR
  store(k, memory, kIommufdR3.nr_hwpts.offset, kIommufdR3.nr_hwpts.bytes, records, Ref(ctx));  // 4
  return memory;
}

int Preserve(StepKernel& k, PreserveArguments* arguments) {
  const sim::Scope scope(k, sim::Fn::kIommufdLiveupdatePreserve, arguments->ctx);
  const ContextHandle ctx = arguments->ctx;
  get_file(k, ctx);                   // 1
  int rc = k.save(*arguments, 0, 0);  // 2
  if (rc >= 0) {
    const int nr = rc;
    const PhysAddr memory = k.alloc_records(ctx, static_cast<size_t>(nr));
    rc = IsErr(memory) ? PtrErr(memory) : k.save(*arguments, memory, nr);  // 5
    if (rc >= 0) {
      arguments->serialized_data = memory;  // 6
    } else if (!IsErr(memory)) {
      k.free_records(ctx, memory);
    }
  }
  if (rc < 0) k.set_ioas_mutable(ctx);
  fput(k, ctx);
  return rc < 0 ? rc : 0;
}

int Save(StepKernel& k, const PreserveArguments& arguments, PhysAddr memory, int capacity) {
  const sim::Scope scope(k, sim::Fn::kSaveHwpts, arguments.ctx);
  const ContextHandle ctx = arguments.ctx;
  Hwpts hwpts;
  if (memory != 0) {
    if (const int error = fail(k, sim::FaultSite::kKcalloc, ctx)) return error;
  }
  spin_lock(k, ctx, &Context::xa_lock);  // 2a
  const int count = k.save_locked(arguments, memory, capacity, &hwpts);
  spin_unlock(k, ctx, &Context::xa_lock);  // 2f
  if (count < 0 || memory == 0) return count;

  if (warn_on(k, count != capacity, ctx, sim::Condition::kCountDiffers)) {
    return -sim::kEFAULT;
  }
  const int error = k.preserve_into(hwpts, memory);
  return error != 0 ? error : count;
}

// 5, last part: raw pointers, no lock, no reference.
int PreserveInto(StepKernel& k, const Hwpts& hwpts, PhysAddr memory) {
  for (size_t i = 0; i < hwpts.size(); ++i) {
    const int error = k.preserve_one(hwpts[i], memory, i);
    if (error == 0) continue;
    k.rollback(hwpts, i);
    return error;
  }
  return 0;
}

int PreserveOne(StepKernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) {
  PhysAddr record = 0;
  const int error = k.preserve_domain(hwpt, &record);
  if (error != 0) return error;
  const uint64_t at = kIommufdR3.array + index * kIommufdR3.stride;
  store(k, memory, at + kIommufdR3.domain_data.offset, kIommufdR3.domain_data.bytes, record,
        Ref(k.ctx));
  return 0;
}

// This revision has none: the domains before the failing one stay preserved.
void Rollback(StepKernel&, const Hwpts&, size_t) {}

int CloseGate(StepKernel& k, const Gate& gate) {
  mutex_lock(k, gate.ioas, &Ioas::mutex);
  down_write(k, gate.ioas, iopt::domains_rwsem);
  down_write(k, gate.ioas, iopt::iova_rwsem);
  SetImmutable(k, gate.ioas, 1);
  up_write(k, gate.ioas, iopt::iova_rwsem);
  up_write(k, gate.ioas, iopt::domains_rwsem);
  mutex_unlock(k, gate.ioas, &Ioas::mutex);
  return 0;
}

int SaveLocked(StepKernel& k, const PreserveArguments& arguments, PhysAddr memory, int capacity,
               Hwpts* hwpts) {
  const ContextHandle ctx = arguments.ctx;
  int error = 0;
  int n = 0;
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {
    if (!Read(k, hwpt, &Hwpt::bits).lu_preserve) return true;
    const IoasHandle ioas = Read(k, hwpt, &Hwpt::ioas);
    k.close_gate(Gate{ioas, 1});                // 2b: sleeping locks under the spinlock
    if (Read(k, hwpt, &Hwpt::domain).null()) {  // 2c: after the flag was set
      error = -sim::kEINVAL;
    } else if (memory == 0) {
      error = k.check_pages(arguments, ioas);  // 2d
    } else {
      const uint64_t at =
          kIommufdR3.array + static_cast<uint64_t>(n) * kIommufdR3.stride;  // no bound
      store(k, memory, at + kIommufdR3.token.offset, kIommufdR3.token.bytes,
            Read(k, hwpt, &Hwpt::token), Ref(ctx));
      store(k, memory, at + kIommufdR3.reclaimed.offset, kIommufdR3.reclaimed.bytes, 0, Ref(ctx));
      // hwpts[n] of kcalloc(capacity): KASAN reports, and the store goes where it goes.
      if (n >= capacity) k.t.Report(sim::Splat::kOutOfBounds, Ref(ctx), n);
      hwpts->push_back(hwpt);
    }
    ++n;  // 2e
    return error == 0;
  });
  return error != 0 ? error : n;
}

// check_iopt_pages_preserved: walks the tree without iova_rwsem.
int CheckPages(StepKernel& k, const PreserveArguments& arguments, IoasHandle ioas) {
  const sim::Scope scope(k, sim::Fn::kCheckIoptPagesPreserved, ioas);
  lockdep_assert_held(k, ioas, iopt::iova_rwsem);
  for (size_t i = 0;; ++i) {
    const std::vector<iommufd::AreaHandle> areas = Read(k, ioas, iopt::areas);
    if (i >= areas.size()) return 0;
    const int error = k.check_area(arguments, areas[i]);
    if (error != 0) return error;
  }
}

// Its body, which trusts area->pages.
int CheckArea(StepKernel& k, const PreserveArguments& arguments, iommufd::AreaHandle area) {
  const iommufd::PagesHandle h = Read(k, area, &iommufd::Area::pages);
  if (h.null()) Oops(k, sim::Splat::kNullAreaPages, area);
  const iommufd::PagesShape pages = Read(k, h, &iommufd::Pages::shape);
  if (!pages.is_file()) return -sim::kEINVAL;
  const uint32_t seals = Read(k, h, &iommufd::Pages::seals);
  if ((seals & mm::kSealsOfPreserved) != mm::kSealsOfPreserved) return -sim::kEINVAL;
  uint64_t token = 0;
  uint64_t data = 0;
  return luo_get_token_outgoing(k, arguments.session, pages.memfd, &token, &data);
}

void SetIoasMutable(StepKernel& k, ContextHandle ctx) {
  const sim::Scope scope(k, sim::Fn::kSetIoasMutable, ctx);
  spin_lock(k, ctx, &Context::xa_lock);
  ForEachIoas(k, ctx, [&](IoasHandle ioas) {       // every IOAS, set by us or not; no IOAS lock
    SetImmutable(k, ioas, 0, sim::kAccessMarked);  // WRITE_ONCE
    return true;
  });
  spin_unlock(k, ctx, &Context::xa_lock);
}

void UnpreserveOne(StepKernel& k, HwptHandle hwpt) {
  const iommu::DomainHandle domain = Read(k, hwpt, &Hwpt::domain);
  if (!domain.null()) iommu_domain_unpreserve(k, domain, k.core);
}

void Unpreserve(StepKernel& k, const PreserveArguments& arguments) {
  const sim::Scope scope(k, sim::Fn::kIommufdLiveupdateUnpreserve, arguments.ctx);
  const ContextHandle ctx = arguments.ctx;
  get_file(k, ctx);
  spin_lock(k, ctx, &Context::xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {  // all marked ones, preserved or not
    if (!Read(k, hwpt, &Hwpt::bits).lu_preserve) return true;
    k.unpreserve_one(hwpt);
    return true;
  });
  spin_unlock(k, ctx, &Context::xa_lock);
  k.free_records(ctx, arguments.serialized_data);
  k.set_ioas_mutable(ctx);
  fput(k, ctx);
}

// Gates: B-MAP step 2 and B-UNMAP answer EBUSY; iopt_abort_area warns.
void AbortArea(StepKernel& k, IoasHandle ioas) {
  const sim::Scope scope(k, sim::Fn::kIoptAbortArea, ioas);
  warn_on(k, Read(k, ioas, iopt::immutable) != 0, ioas, sim::Condition::kImmutable);
}

// The seals are read once, at map time, before anything is pinned.
void FilePagesAllocated(StepKernel& k, iommufd::PagesHandle pages) {
  const mm::MemfdHandle memfd = Read(k, pages, &iommufd::Pages::shape).memfd;
  const uint32_t seals = Read(k, memfd, &mm::Memfd::state, sim::kAccessMarked).seals;
  Write(k, pages, &iommufd::Pages::seals, seals);
}

// designs.md section 5 (MARK, PRESERVE steps 2 and 2d) and section 10, row R3.
constexpr uapi::Contract kContract = {
    .token_bits = 32,
    .mark_while_preserved = uapi::Contract::MarkWhilePreserved::kAccepted,
    .destroy_preserved = uapi::Contract::DestroyPreserved::kAccepted,
    .empty_preserve = uapi::Contract::EmptyPreserve::kAccepted,
    .abi = uapi::Contract::Abi::kR3,
    .area_check = uapi::Contract::AreaCheck::kSealsFirst};

constexpr Facts kFacts = {
    .name = "v1",
    .summary = "R3, [PATCH 00/14] of 2026-02-03: two passes under xa_lock, flag per IOAS",
    .iommufd_layout = &kIommufdR3,
    .domain_layout = &kDomainR3,
    .contract = kContract,
    .core = {.record = kDomainR3, .gets = FlbGets::kUncounted}};

constexpr Steps kSteps = {.mark = Mark,
                          .preserve = Preserve,
                          .unpreserve = Unpreserve,
                          .map_insert = RefuseWhileImmutable,
                          .unmap = RefuseWhileImmutable,
                          .abort_area = AbortArea,
                          .file_pages_allocated = FilePagesAllocated,
                          .check_mark = CheckMark,
                          .save = Save,
                          .save_locked = SaveLocked,
                          .close_gate = CloseGate,
                          .set_ioas_mutable = SetIoasMutable,
                          .check_pages = CheckPages,
                          .check_area = CheckArea,
                          .alloc_records = AllocRecords,
                          .free_records = FreeRecords,
                          .preserve_into = PreserveInto,
                          .preserve_one = PreserveOne,
                          .preserve_domain = PreserveDomain,
                          .unpreserve_one = UnpreserveOne,
                          .rollback = Rollback};

}  // namespace

const Revision& V1() {
  static const Revision v1(kFacts, kSteps);
  return v1;
}

const Revision& V1On72() {
  static const Revision v1 =
      V1().Named("v1-7.2")
          .With(&Facts::summary, "v1 on the LUO of Linux 7.2, which counts each get of the FLB")
          .With(&Facts::core, {.record = kDomainR3, .gets = FlbGets::kNeverPut});
  return v1;
}

}  // namespace iommufd_check::liveupdate
