#include "fuzz/targets/random_design.h"

#include <algorithm>

#include "model/iommufd/device.h"
#include "model/iommufd/io_pagetable.h"
#include "model/iommufd/ioctl.h"
#include "model/iommufd/object_table.h"
#include "model/iommufd/pages.h"
#include "model/liveupdate/iommu_core.h"
#include "model/liveupdate/kho.h"
#include "model/liveupdate/luo.h"
#include "model/liveupdate/memfd_luo.h"

namespace iommufd_check::cli {

using iommufd::ObjectKey;
using iommufd::ObjectType;
using liveupdate::Kernel;
using mm::Pfn;
using mm::PhysAddr;
using sim::ObjectRef;

// What the steps of one call work on.
struct RandomDesign::Registers {
  // Some memory that is somebody's: the first frames are those of memfds, tables and records.
  std::array<PhysAddr, 4> address{0, mm::AddressOf(mm::kFirstPfn), mm::AddressOf(mm::kFirstPfn + 4),
                                  mm::AddressOf(mm::kFirstPfn + 9)};
  ObjectKey key;
  std::vector<Pfn> pinned;
  liveupdate::SessionHandle session;
  int error = 0;  // what the hook answers
};

namespace {

constexpr int kMostNested = 3;

// Mostly what there is, so that a table goes on for a while; now and then what there is not.
bool Wild(uint8_t b) { return b >= 240; }

template <class T>
sim::Handle<T> HandleOf(uint8_t a, uint8_t b) {
  return {static_cast<uint16_t>(a % (Wild(b) ? 64 : 2)), static_cast<uint16_t>(b >= 248 ? 1 : 0)};
}
iommu::DomainHandle DomainOf(uint8_t a, uint8_t b) { return HandleOf<iommu::Domain>(a, b); }
iommufd::IoasHandle IoasOf(uint8_t a, uint8_t b) { return HandleOf<iommufd::Ioas>(a, b); }
iommufd::AreaHandle AreaOf(uint8_t a, uint8_t b) { return HandleOf<iommufd::Area>(a, b); }
iommufd::PagesHandle PagesOf(uint8_t a, uint8_t b) { return HandleOf<iommufd::Pages>(a, b); }
mm::MemfdHandle MemfdOf(uint8_t a, uint8_t b) { return HandleOf<mm::Memfd>(a, b); }
sim::LockId LockOf(uint8_t a, uint8_t b) {
  return {static_cast<uint16_t>(a % (Wild(b) ? 64 : 18)), static_cast<uint16_t>(b >= 248 ? 1 : 0)};
}

// A record's owner and on whose behalf it is: of the same b, they fit each other.
ObjectRef RefOf(uint8_t b) {
  constexpr sim::ObjectKind kKinds[] = {sim::ObjectKind::kIommufd, sim::ObjectKind::kFlb,
                                        sim::ObjectKind::kMemfd};
  if (Wild(b)) return {sim::ObjectKind::kDomain, static_cast<uint16_t>(b % 4)};
  return {kKinds[b % 3], static_cast<uint16_t>(b / 4 % 2)};
}
mm::FrameOwner RecordOwner(uint8_t b) {
  constexpr mm::FrameOwner kOwners[] = {mm::FrameOwner::kIommufdSer, mm::FrameOwner::kFlbSer,
                                        mm::FrameOwner::kMemfdSer};
  return kOwners[b % 3];
}

// Addresses and values that no allocation gave.
uint64_t Garbage(uint8_t b) {
  constexpr uint64_t kWild[] = {
      0, 7, UINT64_MAX, UINT64_MAX - 11, uint64_t{1} << 50, UINT64_MAX / 2, 0x1000};
  if (b < 16) return kWild[b % std::size(kWild)];
  return mm::AddressOf(mm::kFirstPfn + b % 16) + (b / 16 % 4) * 1021;
}

liveupdate::CoreRules RulesOf(uint8_t b) {
  return {b % 2 == 0 ? liveupdate::kDomainR7 : liveupdate::kDomainR3,
          b / 2 % 2 == 0 ? liveupdate::FlbGets::kPaired : liveupdate::FlbGets::kUncounted,
          b / 4 % 2 == 0, b / 8 % 2 == 0};
}

iommufd::MapArguments MapOf(uint8_t a, uint8_t b) {
  iommufd::MapArguments map;
  map.ioas_id = a % 8;
  map.flags = iommufd::kFixedIova | iommufd::kReadable | iommufd::kWriteable;
  map.iova = (b % 8) * mm::kPageSize;
  map.length = (1 + b / 8 % 4) * mm::kPageSize;
  return map;
}

struct Call {
  Kernel& k;
  std::array<PhysAddr, 4>& address;
  ObjectKey& key;
  std::vector<Pfn>& pinned;
  liveupdate::SessionHandle session;
  int& error;
  uint8_t a, b;

  PhysAddr& at() { return address[a % 4]; }
  Pfn pfn() { return mm::PfnOf(at()) + (b >= 192 ? b % 4 : 0); }
};

// That of the call, sometimes another.
iommufd::ContextHandle Ctx(const Call& c) {
  return c.b % 8 == 7 ? HandleOf<iommufd::Context>(c.a / 8, c.b) : c.k.ctx;
}

struct Primitive {
  std::string_view name;
  void (*run)(Call& c);
};

void LoadKey(Call& c) {
  const ObjectKey key = GetObject(c.k, Ctx(c), c.a % 8, ObjectType::kNone);
  if (!key.null()) c.key = key;
}

void PreserveMemfd(Call& c) {
  uint64_t data = 0;
  memfd_luo_preserve(c.k, MemfdOf(c.a, c.b), &data);
  c.address[c.b % 4] = data;
}

void AllocDomain(Call& c) {
  iommu::DomainHandle domain;
  domain_alloc(c.k.t, c.k.iommu, c.k.mm, &domain);
}

void PreserveFd(Call& c) {
  const mm::FileRef::Kind kind =
      c.b % 2 == 0 ? mm::FileRef::Kind::kIommufd : mm::FileRef::Kind::kMemfd;
  const mm::FileRef file{kind, static_cast<uint16_t>(c.b / 2 % 2)};
  luo_preserve_fd(c.k, HandleOf<liveupdate::Session>(c.a, 0), file, c.b);
}

void GetToken(Call& c) {
  uint64_t token = 0;
  luo_get_token_outgoing(c.k, c.session, MemfdOf(c.a, c.b), &token, &c.address[c.b % 4]);
}

void AddUnmap(Call& c) {
  uint64_t unmapped = 0;
  UnmapRange(c.k, IoasOf(c.a, 0), (c.b % 8) * mm::kPageSize,
             (c.b % 8 + c.b / 8 % 8) * mm::kPageSize + 4095, &unmapped);
}

void UnmapIoctl(Call& c) {
  uint64_t length = (1 + c.b / 8 % 4) * mm::kPageSize;
  ioas_unmap(c.k, Ctx(c), c.a % 8, (c.b % 8) * mm::kPageSize, &length);
}

void MapIoctl(Call& c) {
  iommufd::MapArguments map = MapOf(c.a, c.b);
  map.source = mm::UserAddressOf(0);
  ioas_map(c.k, Ctx(c), &map);
}

void MapFileIoctl(Call& c) {
  iommufd::MapArguments map = MapOf(c.a, c.b);
  ioas_map_file(c.k, Ctx(c), MemfdOf(c.b / 32, 0), &map);
}

constexpr Primitive kMemory[] = {
    {"garbage", [](Call& c) { c.at() = Garbage(c.b); }},
    {"garbage_top", [](Call& c) { c.at() = Garbage(c.b) << 12; }},
    {"copy", [](Call& c) { c.address[c.b % 4] = c.at(); }},
    {"kho_alloc_preserve",
     [](Call& c) {
       const uint64_t size = c.b == 0 ? 0 : uint64_t{c.b} << (c.b % 8 * 2);
       c.at() = kho_alloc_preserve(c.k, size, RecordOwner(c.b), RefOf(c.b));
     }},
    {"kho_unpreserve_free", [](Call& c) { kho_unpreserve_free(c.k, c.at(), RefOf(c.b)); }},
    {"kho_preserve_folio",
     [](Call& c) {
       kho_preserve_folio(c.k, c.pfn(), RefOf(c.b), sim::FaultSite::kKhoPreserveFolio);
     }},
    {"kho_unpreserve_folio", [](Call& c) { kho_unpreserve_folio(c.k, c.pfn(), RefOf(c.b)); }},
    {"store",
     [](Call& c) {
       store(c.k, c.at(), uint64_t{c.b} * (Wild(c.b) ? 37 : 1), 8, c.address[c.b % 4], RefOf(c.b));
     }},
    {"store garbage",
     [](Call& c) { store(c.k, c.at(), uint64_t{c.b} % 64, 8, Garbage(c.b), RefOf(c.b)); }},
    {"load",
     [](Call& c) { c.address[c.b % 4] = load(c.k, c.at(), c.b, 1 << c.b % 4, RefOf(c.b)); }},
    {"take frame",
     [](Call& c) {
       const auto pfn = c.k.mm.phys.Alloc(c.k.t, RecordOwner(c.b), 1 + c.b % 2);
       if (pfn.has_value()) c.at() = mm::AddressOf(*pfn);
     }},
    {"put frame", [](Call& c) { c.k.mm.phys.Put(c.k.t, c.pfn()); }},
    {"pin frame", [](Call& c) { c.k.mm.phys.Pin(c.k.t, c.pfn()); }},
    {"unpin frame", [](Call& c) { c.k.mm.phys.Unpin(c.k.t, c.pfn()); }},
    {"memfd_pin_folios",
     [](Call& c) {
       memfd_pin_folios(c.k.t, c.k.mm, MemfdOf(c.a, c.b), c.b % 4, 1 + c.b / 4 % 3, &c.pinned);
       if (!c.pinned.empty()) c.at() = mm::AddressOf(c.pinned.back());
     }},
    {"unpin_pages", [](Call& c) { unpin_pages(c.k.t, c.k.mm, c.pinned); }},
    {"memfd_get_file", [](Call& c) { get_file(c.k, MemfdOf(c.a, c.b)); }},
    {"memfd_put_file", [](Call& c) { fput(c.k, MemfdOf(c.a, c.b)); }},
    {"memfd_add_seals", [](Call& c) { memfd_add_seals(c.k.t, c.k.mm, MemfdOf(c.a, 0), c.b); }},
    {"memfd_truncate",
     [](Call& c) { memfd_truncate(c.k.t, c.k.mm, MemfdOf(c.a, 0), c.b * uint64_t{1024}); }},
    {"memfd_punch_hole",
     [](Call& c) { memfd_punch_hole(c.k.t, c.k.mm, MemfdOf(c.a, 0), 0, c.b * uint64_t{256}); }},
    {"memfd_luo_preserve", &PreserveMemfd},
    {"memfd_luo_unpreserve", [](Call& c) { memfd_luo_unpreserve(c.k, MemfdOf(c.b, 0), c.at()); }},
};

constexpr Primitive kObjects[] = {
    {"lock", [](Call& c) { mutex_lock(c.k.t, LockOf(c.a, c.b)); }},
    {"lock shared", [](Call& c) { down_read(c.k.t, LockOf(c.a, c.b)); }},
    {"unlock", [](Call& c) { mutex_unlock(c.k.t, LockOf(c.a, c.b)); }},
    {"unlock shared", [](Call& c) { up_read(c.k.t, LockOf(c.a, c.b)); }},
    {"assert held", [](Call& c) { lockdep_assert_held(c.k.t, LockOf(c.a, c.b)); }},
    {"destroy lock", [](Call& c) { lock_destroy(c.k.t, LockOf(c.a, c.b)); }},
    {"get object", &LoadKey},
    {"put object",
     [](Call& c) {
       if (!c.key.null()) PutObject(c.k, Ctx(c), c.key);
     }},
    {"lock object",
     [](Call& c) {
       if (!c.key.null()) LockObject(c.k, c.key);
     }},
    {"remove object", [](Call& c) { RemoveObject(c.k, Ctx(c), c.a % 8, &c.key); }},
    {"remove referenced",
     [](Call& c) {
       if (!c.key.null()) RemoveReferenced(c.k, Ctx(c), c.key);
     }},
    {"iommufd_get_file", [](Call& c) { get_file(c.k, Ctx(c)); }},
    {"iommufd_put_file", [](Call& c) { fput(c.k, Ctx(c)); }},
    {"immutable", [](Call& c) { SetImmutable(c.k, IoasOf(c.a, c.b), c.b / 3 % 2); }},
    {"warn", [](Call& c) { warn_on(c.k.t, true, RefOf(c.b)); }},
    {"return", [](Call& c) { c.error = c.error == 0 ? -int{c.b % 40} : 0; }},
};

constexpr Primitive kCalls[] = {
    {"domain_alloc", &AllocDomain},
    {"domain_free", [](Call& c) { domain_free(c.k.t, c.k.iommu, c.k.mm, DomainOf(c.a, c.b)); }},
    {"iommu_map",
     [](Call& c) {
       iommu_map(c.k.t, c.k.iommu, c.k.mm, DomainOf(c.a, 0), Garbage(c.b) & ~uint64_t{0xfff},
                 mm::PfnOf(c.at()), 1 + c.b % 2, 3);
     }},
    {"iommu_unmap",
     [](Call& c) {
       iommu_unmap(c.k.t, c.k.iommu, c.k.mm, DomainOf(c.a, 0), (c.b % 16) * mm::kPageSize,
                   1 + c.b / 16);
     }},
    {"iommu_domain_preserve",
     [](Call& c) {
       iommu_domain_preserve(c.k, DomainOf(c.a, c.b), RulesOf(c.b), &c.address[c.b % 4]);
     }},
    {"iommu_domain_unpreserve",
     [](Call& c) { iommu_domain_unpreserve(c.k, DomainOf(c.a, c.b), RulesOf(c.b)); }},
    {"flb_preserve", [](Call& c) { flb_preserve(c.k); }},
    {"flb_unpreserve", [](Call& c) { flb_unpreserve(c.k); }},
    {"AddDomain", [](Call& c) { AddDomain(c.k, IoasOf(c.a, 0), DomainOf(c.b, 0)); }},
    {"RemoveDomain", [](Call& c) { RemoveDomain(c.k, IoasOf(c.a, 0), DomainOf(c.b, 0)); }},
    {"FillDomains",
     [](Call& c) { FillDomains(c.k, IoasOf(c.b, 0), AreaOf(c.a, 0), PagesOf(c.a, 0)); }},
    {"UnfillDomains",
     [](Call& c) { UnfillDomains(c.k, IoasOf(c.b, 0), AreaOf(c.a, 0), PagesOf(c.a, 0)); }},
    {"FillDomain", [](Call& c) { FillDomain(c.k, AreaOf(c.a, 0), DomainOf(c.b, 0)); }},
    {"UnfillDomain",
     [](Call& c) { UnfillDomain(c.k, AreaOf(c.a, 0), DomainOf(c.b, 0), DomainOf(c.b / 8, 0)); }},
    {"PutPages", [](Call& c) { PutPages(c.k, PagesOf(c.a, c.b)); }},
    {"UnmapRange", &AddUnmap},
    {"ioas_alloc",
     [](Call& c) {
       uint32_t id = 0;
       ioas_alloc(c.k, Ctx(c), &id);
     }},
    {"ioas_map", &MapIoctl},
    {"ioas_map_file", &MapFileIoctl},
    {"ioas_unmap", &UnmapIoctl},
    {"hwpt_alloc",
     [](Call& c) {
       uint32_t id = 0;
       hwpt_alloc(c.k, Ctx(c), c.a % 8, c.b % 8, &id);
     }},
    {"iommufd_destroy", [](Call& c) { iommufd_destroy(c.k, Ctx(c), c.a % 8); }},
    {"device_attach", [](Call& c) { device_attach(c.k, Ctx(c), c.a % 8, c.b % 8); }},
    {"device_detach", [](Call& c) { device_detach(c.k, Ctx(c), c.a % 8); }},
    {"device_unbind", [](Call& c) { device_unbind(c.k, Ctx(c), c.a % 8); }},
    {"luo_preserve_fd", &PreserveFd},
    {"luo_close_session",
     [](Call& c) { luo_close_session(c.k, HandleOf<liveupdate::Session>(c.a, 0)); }},
    {"luo_get_token_outgoing", &GetToken},
};

constexpr size_t kPrimitives = std::size(kMemory) + std::size(kObjects) + std::size(kCalls);

const Primitive& PrimitiveOf(uint8_t number) {
  size_t i = number % kPrimitives;
  if (i < std::size(kMemory)) return kMemory[i];
  i -= std::size(kMemory);
  if (i < std::size(kObjects)) return kObjects[i];
  return kCalls[i - std::size(kObjects)];
}

}  // namespace

std::span<const std::string_view> RandomDesign::PrimitiveNames() {
  static const std::array<std::string_view, kPrimitives> names = [] {
    std::array<std::string_view, kPrimitives> all;
    for (size_t i = 0; i < all.size(); ++i) all[i] = PrimitiveOf(static_cast<uint8_t>(i)).name;
    return all;
  }();
  return names;
}

size_t RandomDesign::Decode(std::span<const uint8_t> data) {
  ran_.assign(kPrimitives, 0);
  depth_.fill(0);
  size_t used = 0;
  for (std::vector<RandomStep>& table : tables_) {
    table.clear();
    if (used >= data.size()) continue;
    for (size_t left = data[used++] % (kMostSteps + 1); left > 0; --left) {
      if (data.size() - used < 3) break;
      table.push_back({data[used], data[used + 1], data[used + 2]});
      used += 3;
    }
  }
  return used;
}

int RandomDesign::Run(Hook hook, iommufd::Kernel& kernel, Registers* r) {
  // Every kernel of an execution is one of live update (executor.cc).
  Kernel& k = static_cast<Kernel&>(kernel);
  int& depth = depth_[k.t.id()];
  if (depth >= kMostNested) return 0;
  ++depth;
  try {
    for (const RandomStep& step : tables_[hook]) {
      ++ran_[step.primitive % kPrimitives];
      Call call{k, r->address, r->key, r->pinned, r->session, r->error, step.a, step.b};
      PrimitiveOf(step.primitive).run(call);
    }
  } catch (const sim::RunEnds&) {
    --depth;
    throw;
  }
  --depth;
  return r->error;
}

int RandomDesign::Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) {
  Registers r;
  r.address[0] = mm::AddressOf(mm::kFirstPfn + (hwpt_id + token) % 16);
  return Run(kMark, k, &r);
}

int RandomDesign::Preserve(Kernel& k, liveupdate::PreserveArguments* arguments) {
  Registers r;
  r.session = arguments->session;
  const int error = Run(kPreserve, k, &r);
  arguments->serialized_data = r.address[0];
  return error;
}

void RandomDesign::Unpreserve(Kernel& k, const liveupdate::PreserveArguments& arguments) {
  Registers r;
  r.session = arguments.session;
  r.address[0] = arguments.serialized_data;
  Run(kUnpreserve, k, &r);
}

int RandomDesign::MapInsert(iommufd::Kernel& k, iommufd::IoasHandle) {
  Registers r;
  return Run(kInsert, k, &r);
}
int RandomDesign::MapFill(iommufd::Kernel& k, iommufd::IoasHandle) {
  Registers r;
  return Run(kFill, k, &r);
}
int RandomDesign::Unmap(iommufd::Kernel& k, iommufd::IoasHandle) {
  Registers r;
  return Run(kUnmap, k, &r);
}
void RandomDesign::AbortArea(iommufd::Kernel& k, iommufd::IoasHandle) {
  Registers r;
  Run(kAbort, k, &r);
}
void RandomDesign::FilePagesAllocated(iommufd::Kernel& k, iommufd::PagesHandle) {
  Registers r;
  Run(kFilePages, k, &r);
}

}  // namespace iommufd_check::cli
