#include "model/iommufd/ioctl.h"

#include <initializer_list>
#include <utility>

#include "model/iommufd/io_pagetable.h"
#include "model/iommufd/object_table.h"
#include "model/iommufd/pages.h"
#include "model/sim/check.h"

namespace iommufd_check::iommufd {
namespace {

constexpr uint32_t kKnownFlags = kFixedIova | kWriteable | kReadable;

// The checks that IOAS_MAP, IOAS_MAP_FILE and IOAS_COPY share before an IOAS is looked up.
int CheckMapFlags(uint32_t flags, std::initializer_list<uint64_t> iovas_and_length) {
  if ((flags & ~kKnownFlags) != 0) return -sim::kEOPNOTSUPP;
  for (const uint64_t bytes : iovas_and_length) {
    if (bytes == mm::kMax) return -sim::kEOVERFLOW;
  }
  if ((flags & (kWriteable | kReadable)) == 0) return -sim::kEINVAL;
  return 0;
}

uint64_t PermissionsOf(uint32_t flags) {
  return ((flags & kReadable) != 0 ? iommu::kRead : 0) |
         ((flags & kWriteable) != 0 ? iommu::kWrite : 0);
}

// Maps the slices (references consumed) as the flags say, and answers the user.
int MapAndRespond(Kernel& k, IoasHandle ioas, Slices slices, uint32_t flags, uint64_t length,
                  uint64_t* iova) {
  MapRequest request;
  request.slices = std::move(slices);
  request.length = length;
  request.permissions = PermissionsOf(flags);
  request.fixed = (flags & kFixedIova) != 0;
  request.iova = *iova;
  const int error = MapPages(k, ioas, &request);
  if (error != 0) {
    PutSlices(k, &request.slices);
    return error;
  }
  *iova = request.iova;
  // The mapping stays when the answer cannot be written (uapi.md 4.5 step 12).
  return fail(k, sim::FaultSite::kCopyToUser, ioas);
}

uint64_t PageCount(const MapArguments& a) {
  return (a.source % mm::kPageSize + a.length + mm::kPageSize - 1) >> mm::kPageShift;
}

// All of new pages, as one area.
int MapWhole(Kernel& k, IoasHandle ioas, PagesHandle pages, MapArguments* a) {
  return MapAndRespond(k, ioas, {{pages, a->source % mm::kPageSize, a->length, {}}}, a->flags,
                       a->length, &a->iova);
}

int MapUser(Kernel& k, IoasHandle ioas, MapArguments* a) {
  if (a->source + a->length < a->source) return -sim::kEOVERFLOW;
  if (a->length == 0 || a->length > mm::kMax - mm::kPageSize) return -sim::kEINVAL;
  PagesShape pages;
  pages.type = PagesShape::Type::kUser;
  pages.user_address = a->source & ~(mm::kPageSize - 1);
  pages.npages = PageCount(*a);
  pages.writable = (a->flags & kWriteable) != 0;
  const PagesHandle h = AllocPages(k, pages);
  if (h.null()) return -sim::kENOMEM;
  return MapWhole(k, ioas, h, a);
}

int MapFile(Kernel& k, IoasHandle ioas, mm::MemfdHandle memfd, MapArguments* a) {
  if (a->length == 0) return -sim::kEINVAL;
  if (a->source + (a->length - 1) < a->source) return -sim::kEOVERFLOW;
  if (memfd.null()) return -sim::kEBADF;
  if (const int error = fail(k, sim::FaultSite::kFdLookup, memfd)) return error;
  if (a->length > mm::kMax - mm::kPageSize) return -sim::kEINVAL;
  PagesShape pages;
  pages.type = PagesShape::Type::kFile;
  pages.memfd = memfd;
  pages.first_page = a->source >> mm::kPageShift;
  pages.npages = PageCount(*a);
  pages.writable = (a->flags & kWriteable) != 0;
  const PagesHandle h = AllocPages(k, pages);
  if (h.null()) return -sim::kENOMEM;
  k.hooks.FilePagesAllocated(k, h);
  return MapWhole(k, ioas, h, a);
}

int MapCommon(Kernel& k, ContextHandle ctx, MapArguments* a, bool file, mm::MemfdHandle memfd) {
  if (const int lost = copy_from_user(k, Ref(ctx))) return lost;
  int error = CheckMapFlags(a->flags, {a->iova, a->length});
  if (error != 0) return error;
  const ObjectKey key = GetObject(k, ctx, a->ioas_id, ObjectType::kIoas);
  if (key.null()) return -sim::kENOENT;
  error = file ? MapFile(k, key.ioas(), memfd, a) : MapUser(k, key.ioas(), a);
  PutObject(k, ctx, key);
  return error;
}

// One pass over the table in ascending id order; true when something was destroyed.
bool DestroyPass(Kernel& k, ContextHandle ctx, bool* left) {
  bool destroyed = false;
  *left = false;
  for (uint32_t id = 1; id <= Read(k, ctx, &Context::objects).size(); ++id) {
    const ObjectKey key = Lookup(k, ctx, id);
    if (key.null()) continue;
    *left = true;
    if (refcount_read(k, key, &Object::users) != 1) continue;
    ObjectKey removed;
    if (RemoveObject(k, ctx, id, &removed) != 0) continue;  // leaked; the loop warns in the end
    Destroy(k, ctx, removed);
    destroyed = true;
  }
  return destroyed;
}

}  // namespace

void Destroy(Kernel& k, ContextHandle, IoasHandle h) {
  const sim::Scope scope(k, sim::Fn::kIommufdIoasDestroy, h);
  uint64_t unmapped = 0;
  const int error = UnmapRange(k, h, 0, mm::kMax, &unmapped);
  warn_on(k, error != 0 && error != -sim::kENOENT, h, sim::Condition::kUnmapFailed);
  ReleaseTable(k, h);
  lock_destroy(k, h, &Ioas::mutex);
  Emit(k, sim::Note::kObjectFreed, h);
  k.s.ioas.Free(h);
}

// iommufd_fops_release (objects.md section 6): a leaked reference ends it with a warning.
void Release(Kernel& k, ContextHandle ctx) {
  const sim::Scope scope(k, sim::Fn::kIommufdFopsRelease, ctx);
  bool left = true;
  while (DestroyPass(k, ctx, &left)) {
  }
  if (warn_on(k, left, ctx, sim::Condition::kObjectsLeft)) return;
  lock_destroy(k, ctx, &Context::liveupdate_mutex);
  lock_destroy(k, ctx, &Context::ioas_creation_lock);
  lock_destroy(k, ctx, &Context::groups_xa_lock);
  lock_destroy(k, ctx, &Context::xa_lock);
  k.s.contexts.Free(ctx);
}

int copy_from_user(Kernel& k, sim::ObjectRef file) {
  return fail(k, sim::FaultSite::kCopyFromUser, file);
}

int ioas_alloc(Kernel& k, ContextHandle ctx, uint32_t* id) {
  if (const int lost = copy_from_user(k, Ref(ctx))) return lost;
  const sim::Scope scope(k, sim::Fn::kIommufdIoasAllocIoctl);
  if (const int error = iommufd_object_alloc(k, Ref(ctx))) return error;
  const IoasHandle h = k.s.ioas.Create(Ioas{});
  ReserveId(k, ctx, KeyOf(h));
  lock_init(k, h, &Ioas::mutex, sim::LockClass::kIoasMutex);
  InitTable(k, h);
  if (const int error = fail(k, sim::FaultSite::kCopyToUser, h)) {
    AbortId(k, ctx, KeyOf(h));
    Destroy(k, ctx, h);
    return error;
  }
  *id = Get(k, h).object.id;
  // A change of process finds every IOAS that it has to change.
  down_read(k, ctx, &Context::ioas_creation_lock);
  Publish(k, ctx, KeyOf(h));
  up_read(k, ctx, &Context::ioas_creation_lock);
  return 0;
}

int ioas_map(Kernel& k, ContextHandle ctx, MapArguments* a) {
  return MapCommon(k, ctx, a, false, {});
}

int ioas_map_file(Kernel& k, ContextHandle ctx, mm::MemfdHandle memfd, MapArguments* a) {
  return MapCommon(k, ctx, a, true, memfd);
}

int ioas_copy(Kernel& k, ContextHandle ctx, CopyArguments* a) {
  if (const int lost = copy_from_user(k, Ref(ctx))) return lost;
  const sim::Scope scope(k, sim::Fn::kIommufdIoasCopy);
  int error = CheckMapFlags(a->flags, {a->length, a->src_iova, a->dst_iova});
  if (error != 0) return error;
  const ObjectKey src = GetObject(k, ctx, a->src_ioas_id, ObjectType::kIoas);
  if (src.null()) return -sim::kENOENT;
  Slices slices;
  error = GetSlices(k, src.ioas(), a->src_iova, a->length, &slices);
  PutObject(k, ctx, src);
  if (error != 0) return error;
  // From here on the pages are kept, and the source may go.
  const ObjectKey dst = GetObject(k, ctx, a->dst_ioas_id, ObjectType::kIoas);
  if (dst.null()) {
    PutSlices(k, &slices);
    return -sim::kENOENT;
  }
  error = MapAndRespond(k, dst.ioas(), std::move(slices), a->flags, a->length, &a->dst_iova);
  PutObject(k, ctx, dst);
  return error;
}

int ioas_unmap(Kernel& k, ContextHandle ctx, uint32_t ioas_id, uint64_t iova, uint64_t* length) {
  if (const int lost = copy_from_user(k, Ref(ctx))) return lost;
  const sim::Scope scope(k, sim::Fn::kIommufdIoasUnmap);
  const ObjectKey key = GetObject(k, ctx, ioas_id, ObjectType::kIoas);
  if (key.null()) return -sim::kENOENT;
  const bool all = iova == 0 && *length == mm::kMax;
  int error = 0;
  if (!all) {
    if (iova == mm::kMax || *length == mm::kMax) error = -sim::kEOVERFLOW;
    if (error == 0 && *length == 0) error = -sim::kEINVAL;
    if (error == 0 && iova + (*length - 1) < iova) error = -sim::kEOVERFLOW;
  }
  uint64_t unmapped = 0;
  if (error == 0) {
    const Iova last = all ? mm::kMax : iova + (*length - 1);
    error = UnmapRange(k, key.ioas(), iova, last, &unmapped);
  }
  if (error == 0 && !all && unmapped == 0) error = -sim::kENOENT;
  if (error == 0) {
    *length = unmapped;
    error = fail(k, sim::FaultSite::kCopyToUser, key);
  }
  PutObject(k, ctx, key);
  return error;
}

int iommufd_destroy(Kernel& k, ContextHandle ctx, uint32_t id) {
  if (const int lost = copy_from_user(k, Ref(ctx))) return lost;
  const sim::Scope scope(k, sim::Fn::kIommufdDestroy);
  ObjectKey removed;
  const int error = RemoveObject(k, ctx, id, &removed);
  if (error != 0) return error;
  Destroy(k, ctx, removed);
  return 0;
}

int close_iommufd(Kernel& k, ContextHandle ctx) {
  if (!close_fd(k, ctx)) return -sim::kEBADF;
  fput(k, ctx);
  return 0;
}

}  // namespace iommufd_check::iommufd
