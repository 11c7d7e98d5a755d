#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

using liveupdate::kIommufdR6;

void WriteNextRecord(StepKernel& k, PhysAddr memory, size_t index, uint64_t token,
                     PhysAddr domain_record) {
  Reference().steps().write_record(k, memory, index + 1, token, domain_record);
}

// The count that the next kernel reads is one too low.
PhysAddr CountOneLess(StepKernel& k, ContextHandle ctx, size_t records) {
  const PhysAddr memory = Reference().steps().alloc_records(k, ctx, records);
  if (liveupdate::IsErr(memory)) return memory;
  store(k, memory, kIommufdR6.nr_hwpts.offset, kIommufdR6.nr_hwpts.bytes, records - 1, Ref(ctx));
  return memory;
}

}  // namespace

MutantCases MutantsOfI10() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference().Named("WriteNextRecord").With(&Steps::write_record, WriteNextRecord),
       kOneMarked + preserve, "main.6", "a record is stored up to byte 48 of an allocation of 32",
       ""},
      {Reference().Named("CountOneLess").With(&Steps::alloc_records, CountOneLess),
       kTwoMarked + preserve, "main.8", "hwpt 4 is preserved and none of the 1 records names it",
       ""},
  };
}

}  // namespace iommufd_check::spec
