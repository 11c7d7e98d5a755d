#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/walk.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Closes the gate beside maps that have inserted an area, which test again before they fill it.
class TestsBeforeFilling : public Mutant {
 public:
  using Mutant::Mutant;
  int MapFill(iommufd::Kernel& k, IoasHandle ioas) override {
    return liveupdate::TestImmutable(k, ioas);
  }
};

// Takes an area that is not filled yet for one that maps nothing.
class SkipUnfilledAreas : public TestsBeforeFilling {
 public:
  SkipUnfilledAreas() : TestsBeforeFilling("SkipUnfilledAreas") {}

 protected:
  int CloseGate(Kernel& k, const Gate& gate) override {
    down_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    SetImmutable(k, gate.ioas, Read(k, gate.ioas, iommufd::iopt::immutable) + gate.domains);
    up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    up_write(k.t, Get(k, gate.ioas).iopt.domains_rwsem);
    return 0;
  }
  int CheckArea(Kernel& k, const PreserveArguments& arguments, AreaHandle area) override {
    if (Read(k, area, &iommufd::Area::pages).null()) return 0;
    return Reference::CheckArea(k, arguments, area);
  }
};

// Trusts what it saw before, and leaves domains_rwsem to maps that are filling.
class FreezeBesideMaps : public TestsBeforeFilling {
 public:
  FreezeBesideMaps() : TestsBeforeFilling("FreezeBesideMaps") {}

 protected:
  int Freeze(Kernel& k, const PreserveArguments& arguments, const Gate& gate) override {
    const int error = Validate(k, arguments, gate.ioas);
    if (error != 0) return error;
    down_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    SetImmutable(k, gate.ioas, Read(k, gate.ioas, iommufd::iopt::immutable) + gate.domains);
    up_write(k.t, Get(k, gate.ioas).iopt.iova_rwsem);
    return 0;
  }
};

// Does not see that a map is between its two critical sections: the first test was not the last.
class FreezeWithoutWaiting : public Mutant {
 public:
  FreezeWithoutWaiting() : Mutant("FreezeWithoutWaiting") {}
  void AreaInserted(iommufd::Kernel&, IoasHandle) override {}
  void AreaSettled(iommufd::Kernel&, IoasHandle) override {}
};

}  // namespace

MutantCases MutantsOfI04() {
  static SkipUnfilledAreas skip_unfilled_areas;
  static FreezeBesideMaps freeze_beside_maps;
  static FreezeWithoutWaiting freeze_without_waiting;
  const std::string map_beside_preserve =
      "A:\n"
      "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
      "B:\n"
      "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&skip_unfilled_areas, kOneMarked + map_beside_preserve, "B.1",
       "the page check saw an unfilled area and the call answered 0", ""},
      {&freeze_beside_maps,
       kOneMapped + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n",
       "B.1", "ioas 1 became immutable between the test and this change of its table", "I03 I20"},
      {&freeze_without_waiting,
       kOneMapped + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n",
       "B.1", "ioas 1 became immutable between the test and this change of its table", ""},
  };
}

}  // namespace iommufd_check::spec
