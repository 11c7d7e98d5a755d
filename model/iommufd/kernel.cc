#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {
namespace {

template <class T>
T& Live(Kernel& k, sim::Slots<T>& slots, sim::Handle<T> h, sim::ObjectKind kind) {
  if (h.null()) k.t.Oops(sim::Splat::kNullDereference, {kind, 0});
  T* object = slots.Find(h);
  if (object == nullptr) k.t.Oops(sim::Splat::kUseAfterFree, {kind, h.index});
  return *object;
}

sim::ObjectRef ById(sim::ObjectKind kind, const Object& object) { return {kind, object.number()}; }

}  // namespace

using sim::ObjectKind;

Context& Get(Kernel& k, ContextHandle h) { return Live(k, k.s.contexts, h, ObjectKind::kIommufd); }
Ioas& Get(Kernel& k, IoasHandle h) { return Live(k, k.s.ioas, h, ObjectKind::kIoas); }
Hwpt& Get(Kernel& k, HwptHandle h) { return Live(k, k.s.hwpts, h, ObjectKind::kHwpt); }
Device& Get(Kernel& k, DeviceHandle h) { return Live(k, k.s.devices, h, ObjectKind::kDevice); }
Igroup& Get(Kernel& k, IgroupHandle h) { return Live(k, k.s.igroups, h, ObjectKind::kIgroup); }
Area& Get(Kernel& k, AreaHandle h) { return Live(k, k.s.areas, h, ObjectKind::kArea); }
Pages& Get(Kernel& k, PagesHandle h) { return Live(k, k.s.pages, h, ObjectKind::kPages); }

sim::ObjectRef Ref(ContextHandle h) { return {ObjectKind::kIommufd, h.index}; }
sim::ObjectRef Ref(const Ioas& ioas) { return ById(ObjectKind::kIoas, ioas.object); }
sim::ObjectRef Ref(const Hwpt& hwpt) { return ById(ObjectKind::kHwpt, hwpt.object); }
sim::ObjectRef Ref(const Device& device) { return ById(ObjectKind::kDevice, device.object); }
sim::ObjectRef Ref(IgroupHandle h) { return {ObjectKind::kIgroup, h.index}; }
sim::ObjectRef Ref(AreaHandle h) { return {ObjectKind::kArea, h.index}; }
sim::ObjectRef Ref(PagesHandle h) { return {ObjectKind::kPages, h.index}; }
sim::ObjectRef Ref(Kernel& k, IoasHandle h) { return Ref(Get(k, h)); }
sim::ObjectRef Ref(Kernel& k, HwptHandle h) { return Ref(Get(k, h)); }

sim::ObjectRef Ref(Kernel& k, DeviceHandle h) { return Ref(Get(k, h)); }

void SetImmutable(Kernel& k, IoasHandle h, uint32_t value, uint8_t marks) {
  k.t.Place(sim::ObjectKind::kIoas, Field::kIoptImmutable);
  auto& immutable = Get(k, h).iopt.immutable;
  const uint32_t before = immutable.Peek();
  const uint8_t same = before == value ? sim::kAccessSame : 0;
  k.t.Access(sim::Primitive::kWrite, Ref(k, h), Field::kIoptImmutable,
             marks | same | sim::kAccessWord);
  immutable.Raw() = value;
  if ((before != 0) == (value != 0)) return;
  Emit(k, value != 0 ? sim::Note::kImmutableSet : sim::Note::kImmutableClear, h,
       static_cast<int64_t>(value));
}

}  // namespace iommufd_check::iommufd
