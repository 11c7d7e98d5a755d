// Mutants of the record array: I10, I11, I21, I25 to I27.
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

// The token passes through 32 bits (B25).
class NarrowToken : public Mutant {
 public:
  NarrowToken() : Mutant("NarrowToken") {}

 protected:
  void WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                   PhysAddr domain_record) override {
    Reference::WriteRecord(k, memory, index, static_cast<uint32_t>(token), domain_record);
  }
};

// Writes what R3 hands over: narrow tokens, a count of native width (designs.md section 9).
class OldLayout : public Mutant {
 public:
  OldLayout(std::string_view name, int token_bits) : Mutant(name), token_bits_(token_bits) {
    core_.record = liveupdate::kDomainR3;
  }
  uapi::Contract contract() const override {
    return {.token_bits = token_bits_, .abi = uapi::Contract::Abi::kR3};
  }

 protected:
  static constexpr uint32_t kCount = 0, kFirst = 4, kToken = 0, kDomain = 4;

  PhysAddr AllocRecords(Kernel& k, ContextHandle ctx, size_t records) override {
    const PhysAddr memory = Reference::AllocRecords(k, ctx, records);
    if (!liveupdate::IsErr(memory)) store(k, memory, kCount, 4, records, Ref(ctx));
    return memory;
  }
  void WriteRecord(Kernel& k, PhysAddr memory, size_t index, uint64_t token,
                   PhysAddr domain_record) override {
    const uint64_t at = kFirst + 13 * index;
    store(k, memory, at + kToken, 4, token, Ref(k.ctx));
    store(k, memory, at + kDomain, 8, domain_record, Ref(k.ctx));
  }

 private:
  int token_bits_;
};

// Hands over a record of a domain that says that it is deleted.
class DeleteRecord : public Mutant {
 public:
  DeleteRecord() : Mutant("DeleteRecord") {}

 protected:
  int PreserveDomain(Kernel& k, HwptHandle hwpt, PhysAddr* record) override {
    const int error = Reference::PreserveDomain(k, hwpt, record);
    if (error == 0) store(k, *record, liveupdate::kDomainR7.flags.offset, 4, 1, Ref(k, hwpt));
    return error;
  }
};

// The convention of kho_alloc_preserve is ERR_PTR, never NULL.
class TestForNull : public Mutant {
 public:
  TestForNull() : Mutant("TestForNull") {}

 protected:
  PhysAddr AllocRecords(Kernel& k, ContextHandle ctx, size_t records) override {
    const PhysAddr memory =
        kho_alloc_preserve(k, kIommufdR6.SizeFor(records), mm::FrameOwner::kIommufdSer, Ref(ctx));
    if (memory == 0) return liveupdate::ErrPtr(-sim::kENOMEM);
    store(k, memory, kIommufdR6.nr_hwpts.offset, kIommufdR6.nr_hwpts.bytes, records, Ref(ctx));
    return memory;
  }
};

// Goes on with the record that the failing callee did not write.
class SwallowFailure : public Mutant {
 public:
  SwallowFailure() : Mutant("SwallowFailure") {}

 protected:
  int PreserveDomain(Kernel& k, HwptHandle hwpt, PhysAddr* record) override {
    Reference::PreserveDomain(k, hwpt, record);
    return 0;
  }
};

}  // namespace

MutantCases RecordMutants() {
  static WriteNextRecord write_next_record;
  static CountOneLess count_one_less;
  static NarrowToken narrow_token;
  static TestForNull test_for_null;
  static SwallowFailure swallow_failure;
  static OldLayout old_layout("OldLayout", 32);
  static OldLayout old_layout_wide_token("OldLayoutWideToken", 64);
  static DeleteRecord delete_record;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  const std::string old_header =
      "iommufd_lu.nr_hwpts has the width that the compiler gives an unsigned int, and iommufd_lu "
      "is "
      "not packed in memory that the next kernel reads";
  return {
      {"I10", &write_next_record, kOneMarked + preserve, "main.6",
       "a record is stored up to byte 48 of an allocation of 32", ""},
      {"I10", &count_one_less, kTwoMarked + preserve, "main.8",
       "hwpt 4 is preserved and none of the 1 records names it", ""},
      {"I11", &narrow_token, kOneMarked + "  lu_mark(hwpt, token=0x100000007)\n" + preserve,
       "main.7", "the record of hwpt 3 carries token 7 and the hwpt has token 4294967303", ""},
      {"I25", &delete_record, kOneMarked + preserve, "main.6",
       "record 0 of the iommufd names the deleted domain record at 0x102010", "I02 I08 I10"},
      {"I26", &old_layout, kOneMarked + preserve, "main.6", old_header, ""},
      {"I27", &old_layout_wide_token, kOneMarked + preserve, "main.6",
       "a token of 64 bits is recorded in 32", "I26"},
      {"I21", &test_for_null, kOneMarked + preserve + "fault main.6 kho_alloc_preserve nth=5\n",
       "main.6", "ERR_PTR(-ENOMEM) passes a test for NULL and is dereferenced", "I37"},
      {"I21", &swallow_failure,
       kOneMarked + preserve + "fault main.6 iommu_domain_preserve nth=1\n", "main.6",
       "a callee failed and the call reports success", "I06 I07 I10"},
  };
}

}  // namespace iommufd_check::spec
