// Mutants of references and registrations: I02, I08, I09, I18, I24, I36.
#include "model/iommu/walker.h"
#include "model/iommufd/object_table.h"
#include "model/liveupdate/kho.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Registers the top table and forgets those below.
class RegisterTopTableOnly : public Mutant {
 public:
  RegisterTopTableOnly() : Mutant("RegisterTopTableOnly") {}

 protected:
  int PreserveDomain(Kernel& k, HwptHandle hwpt, PhysAddr* record) override {
    const int error = Reference::PreserveDomain(k, hwpt, record);
    if (error != 0) return error;
    const iommu::DomainHandle domain = Read(k, hwpt, &iommufd::Hwpt::domain);
    const mm::Pfn top = Read(k, domain, &iommu::Domain::top);
    std::vector<mm::Pfn> tables;
    iommu::CollectTables(k.mm.phys, top, &tables);
    for (mm::Pfn table : tables) {
      if (table != top) liveupdate::kho_unpreserve_folio(k, table, Ref(domain));
    }
    return 0;
  }
};

// Remembers the marked HWPTs by address alone.
class CollectWithoutReferences : public Mutant {
 public:
  CollectWithoutReferences() : Mutant("CollectWithoutReferences") {}

 protected:
  void Collect(Kernel& k, ContextHandle ctx, size_t capacity, Hwpts* hwpts) override {
    Reference::Collect(k, ctx, capacity, hwpts);
    Hwpts copy = *hwpts;
    DropReferences(k, copy);
  }
};

// Does not see that the domain is preserved already.
class PreserveDomainTwice : public Mutant {
 public:
  PreserveDomainTwice() : Mutant("PreserveDomainTwice") {}

 protected:
  int PreserveDomain(Kernel& k, HwptHandle hwpt, PhysAddr* record) override {
    const int error = Reference::PreserveDomain(k, hwpt, record);
    liveupdate::CoreRules careless = core_;
    careless.refuse_double = false;
    return error != 0
               ? error
               : iommu_domain_preserve(k, Read(k, hwpt, &iommufd::Hwpt::domain), careless, record);
  }
};

class KeepReferences : public Mutant {
 public:
  KeepReferences() : Mutant("KeepReferences") {}

 protected:
  void DropReferences(Kernel&, Hwpts& hwpts) override { hwpts.clear(); }
};

// Keeps the short reference, for which a destroyer sleeps, across system calls (B32).
class KeepShortReference : public Mutant {
 public:
  KeepShortReference() : Mutant("KeepShortReference") {}

 protected:
  int PreserveOne(Kernel& k, HwptHandle hwpt, PhysAddr memory, size_t index) override {
    const int error = Reference::PreserveOne(k, hwpt, memory, index);
    if (error == 0) refcount_inc(k, KeyOf(hwpt), &iommufd::Object::wait_cnt);
    return error;
  }
  void UnpreserveOne(Kernel& k, HwptHandle hwpt) override {
    refcount_dec_and_test(k, KeyOf(hwpt), &iommufd::Object::wait_cnt);
    Reference::UnpreserveOne(k, hwpt);
  }
};

class KeepRecords : public Mutant {
 public:
  KeepRecords() : Mutant("KeepRecords") {}

 protected:
  void FreeRecords(Kernel&, ContextHandle, PhysAddr) override {}
};

}  // namespace

MutantCases LifetimeMutants() {
  static RegisterTopTableOnly register_top_table_only;
  static CollectWithoutReferences collect_without_references;
  static PreserveDomainTwice preserve_domain_twice;
  static KeepReferences keep_references;
  static KeepRecords keep_records;
  static KeepShortReference keep_short_reference;
  return {
      {"I02", &register_top_table_only, kOneMapped + "  luo_preserve(s, iommufd, token=2)\n",
       "main.9", "table 0x102 of a recorded domain is not registered", "I06"},
      {"I08", &collect_without_references,
       kOneMarked + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  destroy(hwpt)\n",
       "B.1", "domain 0 is freed while its preservation names it",
       "I02 I03 I06 I07 I12 I24 I25 I36 I37 I38"},
      {"I09", &keep_short_reference, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n", "main.6",
       "wait_cnt of hwpt 3 is 2 while no call is in progress", ""},
      {"I18", &preserve_domain_twice, kOneMarked + "  luo_preserve(s, iommufd, token=2)\n",
       "main.6", "page 0x100 is registered again while it is registered for domain 0", ""},
      {"I24", &keep_references,
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "main.7",
       "hwpt 3 has users 2 and 1 holders", "I36 I37"},
      {"I36", &keep_records,
       kOneMarked + "  luo_preserve(s, iommufd, token=2)\n  luo_close_session(s)\n", "exit",
       "not as at boot: registrations with kho: 0 -> 1", ""},
  };
}

}  // namespace iommufd_check::spec
