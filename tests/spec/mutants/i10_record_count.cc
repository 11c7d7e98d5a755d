#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

using liveupdate::kIommufdR6;

class WriteNextRecord : public Mutant {
 public:
  WriteNextRecord() : Mutant("WriteNextRecord") {}

 protected:
  void WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                   PhysAddr domain_record) override {
    Reference::WriteRecord(k, memory, index + 1, token, domain_record);
  }
};

// The count that the next kernel reads is one too low.
class CountOneLess : public Mutant {
 public:
  CountOneLess() : Mutant("CountOneLess") {}

 protected:
  PhysAddr AllocRecords(Kernel& k, ContextHandle ctx, size_t records) override {
    const PhysAddr memory = Reference::AllocRecords(k, ctx, records);
    if (liveupdate::IsErr(memory)) return memory;
    store(k, memory, kIommufdR6.nr_hwpts.offset, kIommufdR6.nr_hwpts.bytes, records - 1, Ref(ctx));
    return memory;
  }
};

}  // namespace

MutantCases MutantsOfI10() {
  static WriteNextRecord write_next_record;
  static CountOneLess count_one_less;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&write_next_record, kOneMarked + preserve, "main.6",
       "a record is stored up to byte 48 of an allocation of 32", ""},
      {&count_one_less, kTwoMarked + preserve, "main.8",
       "hwpt 4 is preserved and none of the 1 records names it", ""},
  };
}

}  // namespace iommufd_check::spec
