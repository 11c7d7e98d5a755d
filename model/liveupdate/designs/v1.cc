#include "model/liveupdate/designs/v1.h"

#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/walk.h"
#include "model/liveupdate/kho.h"
#include "model/liveupdate/luo.h"

namespace iommufd_check::liveupdate {

using iommufd::Hwpt;
using iommufd::HwptHandle;
using iommufd::IoasHandle;
using iommufd::ObjectKey;
using iommufd::ObjectType;

// MARK. The token is 32 bits wide in this revision's uapi.
int V1::Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) {
  if (const int lost = copy_from_user(k, Ref(k.ctx))) return lost;
  const sim::Scope scope(k.t, sim::Fn::kIommufdHwptLuSetPreserve);
  const auto token32 = static_cast<uint32_t>(token);
  const ObjectKey key = GetObject(k, k.ctx, hwpt_id, ObjectType::kHwptPaging);  // 1
  if (key.null()) return -sim::kENOENT;
  const HwptHandle target = key.hwpt();
  int error = 0;
  spin_lock(k.t, Get(k, k.ctx).xa_lock);         // 2
  ForEachHwpt(k, k.ctx, [&](HwptHandle other) {  // 3: the target itself is skipped
    if (other == target || !Read(k, other, &Hwpt::bits).lu_preserve) return true;
    if (Read(k, other, &Hwpt::token) == token32) error = -sim::kEADDRINUSE;
    return error == 0;
  });
  if (error == 0) {                                         // 4
    iommufd::HwptBits bits = Read(k, target, &Hwpt::bits);  // a bit-field: the word is stored whole
    bits.lu_preserve = true;
    Write(k, target, &Hwpt::bits, bits);
    Write(k, target, &Hwpt::token, token32);
  }
  spin_unlock(k.t, Get(k, k.ctx).xa_lock);  // 5
  PutObject(k, k.ctx, key);
  return error;
}

int V1::Preserve(Kernel& k, PreserveArguments* arguments) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLiveupdatePreserve, Ref(arguments->ctx));
  const ContextHandle ctx = arguments->ctx;
  iommufd::iommufd_get_file(k, ctx);   // 1
  int rc = Save(k, *arguments, 0, 0);  // 2
  if (rc >= 0) {
    const int nr = rc;
    const uint64_t size = kIommufdR3.SizeFor(static_cast<uint64_t>(nr));
    const PhysAddr memory =
        kho_alloc_preserve(k, size, mm::FrameOwner::kIommufdSer, Ref(ctx));  // 3
    if (memory == 0) {  // `!mem`: the real convention is ERR_PTR
      rc = -sim::kENOMEM;
    } else {
      store(k, memory, kIommufdR3.nr_hwpts.offset, kIommufdR3.nr_hwpts.bytes,
            static_cast<uint64_t>(nr), Ref(ctx));  // 4
      rc = Save(k, *arguments, memory, nr);        // 5
      if (rc < 0) {
        kho_unpreserve_free(k, memory, Ref(ctx));
      } else {
        arguments->serialized_data = memory;  // 6
      }
    }
  }
  if (rc < 0) SetIoasMutable(k, ctx);
  iommufd::iommufd_put_file(k, ctx);
  return rc < 0 ? rc : 0;
}

int V1::Save(Kernel& k, const PreserveArguments& arguments, PhysAddr memory, int capacity) {
  const sim::Scope scope(k.t, sim::Fn::kSaveHwpts, Ref(arguments.ctx));
  const ContextHandle ctx = arguments.ctx;
  std::vector<HwptHandle> hwpts;
  if (memory != 0) {
    if (const int error = fail(k.t, sim::FaultSite::kKcalloc, Ref(ctx))) return error;
  }
  spin_lock(k.t, Get(k, ctx).xa_lock);  // 2a
  const int count = SaveLocked(k, arguments, memory, capacity, &hwpts);
  spin_unlock(k.t, Get(k, ctx).xa_lock);  // 2f
  if (count < 0 || memory == 0) return count;

  if (warn_on(k.t, count != capacity, Ref(ctx), sim::Condition::kCountDiffers)) {
    return -sim::kEFAULT;
  }
  for (size_t i = 0; i < hwpts.size(); ++i) {  // raw pointers, no lock, no reference
    PhysAddr record = 0;
    const int error = iommu_domain_preserve(k, Read(k, hwpts[i], &Hwpt::domain), core_, &record);
    if (error != 0) return error;  // domains before this one stay preserved
    const uint64_t at = kIommufdR3.array + i * kIommufdR3.stride;
    store(k, memory, at + kIommufdR3.domain_data.offset, kIommufdR3.domain_data.bytes, record,
          Ref(ctx));
  }
  return count;
}

int V1::SaveLocked(Kernel& k, const PreserveArguments& arguments, PhysAddr memory, int capacity,
                   std::vector<HwptHandle>* hwpts) {
  const ContextHandle ctx = arguments.ctx;
  int error = 0;
  int n = 0;
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {
    if (!Read(k, hwpt, &Hwpt::bits).lu_preserve) return true;
    const IoasHandle ioas = Read(k, hwpt, &Hwpt::ioas);
    mutex_lock(k.t, Get(k, ioas).mutex);  // 2b: sleeping locks under the spinlock
    down_write(k.t, Get(k, ioas).iopt.domains_rwsem);
    down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
    SetImmutable(k, ioas, 1);
    up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
    up_write(k.t, Get(k, ioas).iopt.domains_rwsem);
    mutex_unlock(k.t, Get(k, ioas).mutex);
    if (Read(k, hwpt, &Hwpt::domain).null()) {  // 2c: after the flag was set
      error = -sim::kEINVAL;
    } else if (memory == 0) {
      error = CheckPagesPreserved(k, arguments, ioas);  // 2d
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

// check_iopt_pages_preserved: walks the tree without iova_rwsem and trusts area->pages.
int V1::CheckPagesPreserved(Kernel& k, const PreserveArguments& arguments, IoasHandle ioas) {
  const sim::Scope scope(k.t, sim::Fn::kCheckIoptPagesPreserved, Ref(k, ioas));
  lockdep_assert_held(k.t, Get(k, ioas).iopt.iova_rwsem);
  for (size_t i = 0;; ++i) {
    const std::vector<iommufd::AreaHandle> areas = Read(k, ioas, iommufd::iopt::areas);
    if (i >= areas.size()) return 0;
    const iommufd::AreaHandle area = areas[i];
    const iommufd::PagesHandle h = Read(k, area, &iommufd::Area::pages);
    if (h.null()) k.t.Oops(sim::Splat::kNullAreaPages, Ref(area));
    const iommufd::PagesShape pages = Read(k, h, &iommufd::Pages::shape);
    if (!pages.is_file()) return -sim::kEINVAL;
    const uint32_t seals = Read(k, h, &iommufd::Pages::seals);
    if ((seals & mm::kSealsOfPreserved) != mm::kSealsOfPreserved) return -sim::kEINVAL;
    uint64_t token = 0;
    uint64_t data = 0;
    const int error = luo_get_token_outgoing(k, arguments.session, pages.memfd, &token, &data);
    if (error != 0) return error;
  }
}

void V1::SetIoasMutable(Kernel& k, ContextHandle ctx) {
  const sim::Scope scope(k.t, sim::Fn::kSetIoasMutable, Ref(ctx));
  spin_lock(k.t, Get(k, ctx).xa_lock);
  ForEachIoas(k, ctx, [&](IoasHandle ioas) {       // every IOAS, set by us or not; no IOAS lock
    SetImmutable(k, ioas, 0, sim::kAccessMarked);  // WRITE_ONCE
    return true;
  });
  spin_unlock(k.t, Get(k, ctx).xa_lock);
}

void V1::Unpreserve(Kernel& k, const PreserveArguments& arguments) {
  const sim::Scope scope(k.t, sim::Fn::kIommufdLiveupdateUnpreserve, Ref(arguments.ctx));
  const ContextHandle ctx = arguments.ctx;
  iommufd::iommufd_get_file(k, ctx);
  spin_lock(k.t, Get(k, ctx).xa_lock);
  ForEachHwpt(k, ctx, [&](HwptHandle hwpt) {  // all marked ones, preserved or not
    if (!Read(k, hwpt, &Hwpt::bits).lu_preserve) return true;
    const iommu::DomainHandle domain = Read(k, hwpt, &Hwpt::domain);
    if (!domain.null()) iommu_domain_unpreserve(k, domain, core_);
    return true;
  });
  spin_unlock(k.t, Get(k, ctx).xa_lock);
  const PhysAddr memory = arguments.serialized_data;
  kho_unpreserve_free(k, memory, Ref(ctx));
  SetIoasMutable(k, ctx);
  iommufd::iommufd_put_file(k, ctx);
}

// Gates: B-MAP step 2 and B-UNMAP answer EBUSY; iopt_abort_area warns.
int V1::MapInsert(iommufd::Kernel& k, IoasHandle ioas) { return TestImmutable(k, ioas); }
int V1::Unmap(iommufd::Kernel& k, IoasHandle ioas) { return TestImmutable(k, ioas); }

void V1::AbortArea(iommufd::Kernel& k, IoasHandle ioas) {
  const sim::Scope scope(k.t, sim::Fn::kIoptAbortArea, Ref(k, ioas));
  warn_on(k.t, Read(k, ioas, iommufd::iopt::immutable) != 0, Ref(k, ioas),
          sim::Condition::kImmutable);
}

// The seals are read once, at map time, before anything is pinned.
void V1::FilePagesAllocated(iommufd::Kernel& k, iommufd::PagesHandle pages) {
  const mm::MemfdHandle memfd = Read(k, pages, &iommufd::Pages::shape).memfd;
  mm::View files{k.t, k.mm};
  const uint32_t seals = Read(files, memfd, &mm::Memfd::state, sim::kAccessMarked).seals;
  Write(k, pages, &iommufd::Pages::seals, seals);
}

}  // namespace iommufd_check::liveupdate
