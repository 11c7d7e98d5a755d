// Mutants that break several invariants, each on a program of its own, and what several do.
#pragma once

#include "model/iommufd/object_table.h"
#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {

inline Revision UnmapWithoutGate() {
  return Reference().Named("UnmapWithoutGate").With(&Steps::unmap, nullptr);
}

// Takes a memfd that the session does not preserve.
inline Revision AcceptForeignMemfd() {
  return Reference()
      .Named("AcceptForeignMemfd")
      .With(&Steps::check_area,
            [](StepKernel& k, const PreserveArguments& arguments, AreaHandle area) {
              const int error = Reference().steps().check_area(k, arguments, area);
              return error == -sim::kENOENT ? 0 : error;
            });
}

// Writes what R3 hands over: narrow tokens, a count of native width (designs.md section 9).
inline PhysAddr AllocOldRecords(StepKernel& k, ContextHandle ctx, size_t records) {
  const PhysAddr memory = Reference().steps().alloc_records(k, ctx, records);
  if (!liveupdate::IsErr(memory)) store(k, memory, 0, 4, records, Ref(ctx));
  return memory;
}
inline void WriteOldRecord(StepKernel& k, PhysAddr memory, size_t index, uint64_t token,
                           PhysAddr domain_record) {
  const uint64_t at = 4 + 13 * index;
  store(k, memory, at, 4, token, Ref(k.ctx));
  store(k, memory, at + 4, 8, domain_record, Ref(k.ctx));
}
inline Revision OldLayout(std::string_view name, int token_bits) {
  liveupdate::CoreRules core = Reference().facts().core;
  core.record = liveupdate::kDomainR3;
  return Reference()
      .Named(name)
      .With(&Facts::contract, {.token_bits = token_bits, .abi = uapi::Contract::Abi::kR3})
      .With(&Facts::core, core)
      .With(&Steps::alloc_records, AllocOldRecords)
      .With(&Steps::write_record, WriteOldRecord);
}

// One reference on the HWPT that nobody will put.
inline void KeepReference(StepKernel& k, uint32_t hwpt_id) {
  spin_lock(k, k.ctx, &Context::xa_lock);
  const iommufd::ObjectKey key = iommufd::LookupLocked(k, k.ctx, hwpt_id);
  refcount_inc(k, key, &iommufd::Object::users);
  spin_unlock(k, k.ctx, &Context::xa_lock);
}

}  // namespace iommufd_check::spec
