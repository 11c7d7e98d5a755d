#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {
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
