#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/shared.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

// Closes the gate beside maps that have inserted an area, which test again before they fill it.
Revision TestsBeforeFilling(std::string_view name) {
  return Reference().Named(name).With(&Steps::map_fill, liveupdate::RefuseWhileImmutable);
}

int CloseGateBesideMaps(StepKernel& k, const Gate& gate) {
  down_write(k, gate.ioas, iopt::domains_rwsem);
  down_write(k, gate.ioas, iopt::iova_rwsem);
  SetImmutable(k, gate.ioas, Read(k, gate.ioas, iopt::immutable) + gate.domains);
  up_write(k, gate.ioas, iopt::iova_rwsem);
  up_write(k, gate.ioas, iopt::domains_rwsem);
  return 0;
}

// Takes an area that is not filled yet for one that maps nothing.
int SkipUnfilledArea(StepKernel& k, const PreserveArguments& arguments, AreaHandle area) {
  if (Read(k, area, &iommufd::Area::pages).null()) return 0;
  return Reference().steps().check_area(k, arguments, area);
}

// Trusts what it saw before, and leaves domains_rwsem to maps that are filling.
int FreezeBesideMaps(StepKernel& k, const PreserveArguments& arguments, const Gate& gate) {
  const int error = k.validate(arguments, gate.ioas);
  if (error != 0) return error;
  down_write(k, gate.ioas, iopt::iova_rwsem);
  SetImmutable(k, gate.ioas, Read(k, gate.ioas, iopt::immutable) + gate.domains);
  up_write(k, gate.ioas, iopt::iova_rwsem);
  return 0;
}

// Does not see that a map is between its two critical sections: the first test was not the last.
Revision FreezeWithoutWaiting() {
  return Reference()
      .Named("FreezeWithoutWaiting")
      .With(&Steps::area_inserted, nullptr)
      .With(&Steps::area_settled, nullptr);
}

}  // namespace

MutantCases MutantsOfI04() {
  const std::string map_beside_preserve =
      "A:\n"
      "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n"
      "B:\n"
      "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {TestsBeforeFilling("SkipUnfilledAreas")
           .With(&Steps::close_gate, CloseGateBesideMaps)
           .With(&Steps::check_area, SkipUnfilledArea),
       kOneMarked + map_beside_preserve, "B.1",
       "the page check saw an unfilled area and the call answered 0", ""},
      {TestsBeforeFilling("FreezeBesideMaps").With(&Steps::freeze, FreezeBesideMaps),
       kOneMapped + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n",
       "B.1", "ioas 1 became immutable between the test and this change of its table", "I03 I20"},
      {FreezeWithoutWaiting(),
       kOneMapped + "A:\n"
                    "  luo_preserve(s, iommufd, token=2)\n"
                    "B:\n"
                    "  map_file(ioas, memfd=0, iova=0x2000, length=0x1000)\n",
       "B.1", "ioas 1 became immutable between the test and this change of its table", ""},
  };
}

}  // namespace iommufd_check::spec
