// Mutants of the check of an IOAS's memory: I14 to I17.
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class TrustPageIdentity : public Mutant {
 public:
  TrustPageIdentity() : Mutant("TrustPageIdentity") {}

 protected:
  int ComparePages(Kernel&, AreaHandle, mm::MemfdHandle, PhysAddr) override { return 0; }
};

// Takes a memfd that the session does not preserve.
class AcceptForeignMemfd : public Mutant {
 public:
  AcceptForeignMemfd() : Mutant("AcceptForeignMemfd") {}

 protected:
  int CheckArea(Kernel& k, const PreserveArguments& arguments, AreaHandle area) override {
    const int error = Reference::CheckArea(k, arguments, area);
    return error == -sim::kENOENT ? 0 : error;
  }
};

// Unfreezes the memfd whose pages it has just checked.
class UnfreezeMemfd : public Mutant {
 public:
  UnfreezeMemfd() : Mutant("UnfreezeMemfd") {}

 protected:
  void Finish(Kernel& k, ContextHandle ctx, PhysAddr memory, size_t records) override {
    Reference::Finish(k, ctx, memory, records);
    const mm::MemfdHandle first{0, 0};
    Get(k.t, k.mm, first).state.Raw().frozen = false;
  }
};

class IgnoreSeals : public Mutant {
 public:
  IgnoreSeals() : Mutant("IgnoreSeals") {}

 protected:
  int CheckSeals(Kernel&, mm::MemfdHandle, PhysAddr) override { return 0; }
};

}  // namespace

MutantCases MemoryMutants() {
  static TrustPageIdentity trust_page_identity;
  static AcceptForeignMemfd accept_foreign_memfd;
  static IgnoreSeals ignore_seals;
  static UnfreezeMemfd unfreeze_memfd;
  return {
      {"I14", &trust_page_identity,
       kOneMarked + "  memfd_seal(0, seals=seal|grow|shrink)\n"
                    "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  memfd_punch_hole(0, length=0x1000)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.10",
       "iova 0x1000 maps page 0x101, which no memfd of the session hands over at that offset",
       "I15 I38"},
      {"I14", &accept_foreign_memfd,
       kOneMarked + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.7",
       "iova 0x1000 maps page 0x101, which no memfd of the session hands over at that offset",
       "I38"},
      {"I16", &unfreeze_memfd, kOneMapped + "  luo_preserve(s, iommufd, token=2)\n", "main.9",
       "memfd 0 is not frozen while a preserved domain maps it", "I38"},
      {"I17", &accept_foreign_memfd,
       kOneMarked + "  memfd_seal(0, seals=seal|grow|shrink)\n"
                    "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n",
       "main.9", "memfd 0 is file 1 of the session, behind the iommufd that depends on it",
       "I14 I38"},
      {"I15", &ignore_seals,
       kOneMarked + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
                    "  luo_preserve(s, memfd=0, token=1)\n"
                    "  luo_preserve(s, iommufd, token=2)\n",
       "main.8", "memfd 0 is handed over with seals 0x0, without those relied upon", "I38"},
  };
}

}  // namespace iommufd_check::spec
