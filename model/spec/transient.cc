// Answers that are documented only while another call is on its way (linearize.h).
//
// Every rule admits an answer without an effect, so each is a miss that is accepted; none is wider
// than its source.
#include <algorithm>

#include "model/sim/errno.h"
#include "model/spec/oracle/linearize.h"

namespace iommufd_check::spec::oracle {
namespace {

using Kind = Call::Kind;

bool IsMap(Kind kind) { return uapi::SpecOf(kind).Has(uapi::kAddsAreas); }

// A session may be released by whoever drops it last: its close, or a preserve that holds it
// (luo_kho.md section 3, release).
bool MayRelease(const Call& call) {
  return call.kind == Kind::kLuoCloseSession || call.kind == Kind::kLuoPreserve;
}

bool Names(const Call& call, uint32_t id) {
  const auto arguments = uapi::SpecOf(call.kind).arguments;
  const bool names = std::any_of(arguments.begin(), arguments.end(),
                                 [](const auto& spec) { return uapi::IsId(spec.kind); });
  return names && (call.id == id || call.id2 == id);
}

// objects.md section 4: a short reference, or one that is about to be dropped, makes users exceed
// 1. Detach and unbind drop that of the HWPT after the lock; preserve and release those of marked
// HWPTs; a HWPT that goes drops that of its IOAS.
bool HoldsObject(const Call& other, uint32_t id) {
  return Names(other, id) || MayRelease(other) || other.kind == Kind::kDeviceDetach ||
         other.kind == Kind::kDeviceUnbind || other.kind == Kind::kDeviceAttach ||
         other.kind == Kind::kDestroy || other.kind == Kind::kHwptAlloc;
}

// io_pagetable.md section 5 step 1: an area without pages is being built or torn down: EBUSY.
// designs.md, gates: an IOAS is immutable on the way of a preserve that fails too: EBUSY.
bool MapOrUnmapBusy(const Call& call, const Call& other) {
  if (MayRelease(other)) return true;
  const bool changes = IsMap(other.kind) || other.kind == Kind::kUnmap;
  return call.kind == Kind::kUnmap && changes && other.id == call.id;
}

bool Busy(const Call& call, const Call& other) {
  switch (call.kind) {
    case Kind::kDestroy:
      return HoldsObject(other, call.id);
    case Kind::kMap:
    case Kind::kMapFile:
    case Kind::kIoasCopy:
    case Kind::kUnmap:
      return MapOrUnmapBusy(call, other);
    case Kind::kLuoPreserve:
      // luo_kho.md section 3: the global id set holds a file from before its handler runs until
      // after its unpreserve.
      return MayRelease(other);
    case Kind::kLuMark:
      return MayRelease(other);  // marks are frozen from the first pass to the end of unpreserve
    case Kind::kDeviceBind:      // DMA ownership is claimed first and released last (objects.md 7)
      return other.kind == Kind::kDeviceUnbind ||
             (other.kind == Kind::kDeviceBind && other.index == call.index);
    case Kind::kMemfdSeal:  // F_SEAL_WRITE waits for pins (luo_kho.md section 7)
      return IsMap(other.kind) || other.kind == Kind::kUnmap || other.kind == Kind::kHwptAlloc ||
             other.kind == Kind::kDestroy || other.kind == Kind::kCloseIommufd ||
             other.kind == Kind::kDeviceUnbind || MayRelease(other);
    default:
      return false;
  }
}

// objects.md section 7, unbind: lookups fail from before the id is free; the driver's reference is
// gone before that.
bool Absent(const Call& call, const Call& other) {
  return other.kind == Kind::kDeviceUnbind && Names(call, other.id);
}

// objects.md section 3: an object is found once it is published, and that comes last: a HWPT has
// had its domain in the IOAS before, a device its owner.
bool NotPublishedYet(const PastCall& one, const PastCall& other) {
  const bool shows = other.call.kind == Kind::kHwptAlloc || other.call.kind == Kind::kDeviceBind;
  const uint32_t made = other.reply.created_id;
  return shows && other.reply.result == 0 && made != 0 && Names(one.call, made);
}

// objects.md section 11: a HWPT that fails late had its domain in the IOAS, with its alignment and
// its need for pages.
bool DomainCameAndWent(const PastCall& one, const PastCall& other) {
  return IsMap(one.call.kind) && other.call.kind == Kind::kHwptAlloc && other.reply.result < 0 &&
         other.call.id2 == one.call.id;
}

// Two iommufds share devices, memfds and sessions, and nothing else.
bool Unrelated(const Call& one, const Call& other) {
  return OnIommufd(one.kind) && OnIommufd(other.kind) && one.iommufd != other.iommufd &&
         one.kind != Kind::kDeviceBind;
}

bool Admits(const PastCall& one, const PastCall& other) {
  if (Unrelated(one.call, other.call)) return false;
  switch (-one.reply.result) {
    case sim::kEBUSY:
      return Busy(one.call, other.call);
    case sim::kENOENT:
      return Absent(one.call, other.call) || NotPublishedYet(one, other);
    case sim::kEEXIST:  // luo_kho.md section 3: a session is listed until its release is finished
      return one.call.kind == Kind::kLuoCreateSession &&
             (MayRelease(other.call) ||
              (other.call.kind == Kind::kLuoCreateSession && other.call.name == one.call.name));
    case sim::kEINVAL:  // hwpt_alloc's answer for an id that is not there
      if (one.call.kind == Kind::kHwptAlloc && NotPublishedYet(one, other)) return true;
      return DomainCameAndWent(one, other);
    case sim::kEFAULT:
      return DomainCameAndWent(one, other);
    default:
      return false;
  }
}

// It gives an object of the iommufd an id, or takes one away.
bool TakesId(Kind kind) {
  const uapi::OperationSpec& spec = uapi::SpecOf(kind);
  const bool ends = spec.Has(uapi::kEnds) && uapi::IsId(spec.arguments.front().kind);
  return ends || uapi::Accepts(uapi::ArgumentKind::kObject, spec.result);
}

}  // namespace

bool Transient(const std::vector<PastCall>& calls, size_t i) {
  if (calls[i].reply.result >= 0 || calls[i].failed) return false;
  for (size_t k = 0; k < calls.size(); ++k) {
    if (k != i && calls[i].Overlaps(calls[k]) && Admits(calls[i], calls[k])) return true;
  }
  return false;
}

uint32_t HeldByOthers(const std::vector<PastCall>& calls, size_t i) {
  const bool session = calls[i].call.kind == Kind::kLuoCreateSession;
  uint32_t held = 0;
  for (size_t k = 0; k < calls.size(); ++k) {
    if (k == i || !calls[i].Overlaps(calls[k])) continue;
    const Call& other = calls[k].call;
    const bool holds =
        session ? other.kind == Kind::kLuoCreateSession || MayRelease(other) : TakesId(other.kind);
    held += holds ? 1 : 0;
  }
  return held;
}

}  // namespace iommufd_check::spec::oracle
