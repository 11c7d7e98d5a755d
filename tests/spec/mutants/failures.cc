// Mutants of undo, and of what a caller is told: I05, I06, I37, I38.
#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class NoRollback : public Mutant {
 public:
  NoRollback() : Mutant("NoRollback") {}

 protected:
  void Rollback(Kernel&, const Hwpts&, size_t) override {}
};

// The failing HWPT leaves its IOAS immutable.
class FailureWithoutThaw : public Mutant {
 public:
  FailureWithoutThaw() : Mutant("FailureWithoutThaw") {}

 protected:
  void ThawRest(Kernel&, const Hwpts&, size_t) override {}
};

// Memory that cannot be preserved leaves its IOAS immutable.
class RefusalWithoutThaw : public Mutant {
 public:
  RefusalWithoutThaw() : Mutant("RefusalWithoutThaw") {}

 protected:
  int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) override {
    const int error = CloseGate(k, gate);
    return error != 0 ? error : Validate(k, arguments, gate.ioas);
  }
};

class UnpreserveDomainTwice : public Mutant {
 public:
  UnpreserveDomainTwice() : Mutant("UnpreserveDomainTwice") {}

 protected:
  void UnpreserveOne(Kernel& k, HwptHandle hwpt) override {
    Reference::UnpreserveOne(k, hwpt);
    iommu_domain_unpreserve(k, Read(k, hwpt, &iommufd::Hwpt::domain), core_);
  }
};

// Takes memory that cannot be preserved for a bug of the kernel.
class WarnOnInvalid : public Mutant {
 public:
  WarnOnInvalid() : Mutant("WarnOnInvalid") {}

 protected:
  int Validate(Kernel& k, const PreserveArguments& arguments, IoasHandle ioas) override {
    const int error = Reference::Validate(k, arguments, ioas);
    warn_on(k.t, error != 0, Ref(k, ioas));
    return error;
  }
};

class MapAnswersEinval : public Mutant {
 public:
  MapAnswersEinval() : Mutant("MapAnswersEinval") {}
  int MapInsert(iommufd::Kernel& k, IoasHandle ioas) override {
    return Reference::MapInsert(k, ioas) != 0 ? -sim::kEINVAL : 0;
  }
};

}  // namespace

MutantCases FailureMutants() {
  static NoRollback no_rollback;
  static FailureWithoutThaw failure_without_thaw;
  static RefusalWithoutThaw refusal_without_thaw;
  static UnpreserveDomainTwice unpreserve_domain_twice;
  static WarnOnInvalid warn_on_invalid;
  static MapAnswersEinval map_answers_einval;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {"I05", &no_rollback, kTwoMarked + preserve + "fault main.8 iommu_domain_preserve nth=2\n",
       "main.8", "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0",
       "I02 I03 I08 I24 I36 I37"},
      {"I05", &failure_without_thaw,
       kOneMarked + preserve + "fault main.6 iommu_domain_preserve nth=1\n", "main.6",
       "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I07 I37"},
      {"I05", &refusal_without_thaw,
       kOneMarked + "  map(ioas, iova=0x1000, length=0x1000)\n" + preserve, "main.7",
       "the failed preserve leaves ioas 1 immutable 0x1, it was 0x0", "I07 I36 I37"},
      {"I06", &unpreserve_domain_twice, kOneMarked + preserve + "  luo_close_session(s)\n",
       "main.7", "unpreserve reaches domain 0, which its preserve did not preserve", ""},
      {"I37", &warn_on_invalid, kOneMarked + "  map(ioas, iova=0x1000, length=0x1000)\n" + preserve,
       "main.7", "iommufd_liveupdate_preserve: WARN: ioas 1", ""},
      {"I38", &map_answers_einval,
       kOneMarked + preserve + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n", "main.7",
       "the call answers EINVAL, documented is EBUSY", ""},
  };
}

}  // namespace iommufd_check::spec
