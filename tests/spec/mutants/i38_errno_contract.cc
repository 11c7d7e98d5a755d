#include "model/iommufd/object_table.h"
#include "model/liveupdate/designs/shared.h"
#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {
namespace {

int MapAnswersEinval(StepKernel& k, IoasHandle ioas) {
  return liveupdate::RefuseWhileImmutable(k, ioas) != 0 ? -sim::kEINVAL : 0;
}

// A mark that is refused holds its HWPT.
int RefusalHoldsHwpt(StepKernel& k, uint32_t hwpt_id, uint64_t token) {
  const int error = Reference().steps().mark(k, hwpt_id, token);
  if (error != 0) KeepReference(k, hwpt_id);
  return error;
}

}  // namespace

MutantCases MutantsOfI38() {
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {Reference().Named("MapAnswersEinval").With(&Steps::map_insert, MapAnswersEinval),
       kOneMarked + preserve + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n", "main.7",
       "the call answers EINVAL, documented is EBUSY", ""},
      {Reference().Named("RefusalHoldsHwpt").With(&Steps::mark, RefusalHoldsHwpt),
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                    "  lu_mark(hwpt2, token=7)\n"
                    "  destroy(hwpt2)\n",
       "main.8", "the call answers EBUSY, documented is 0", "I24 I36 I37"},
      {V1().Named("V1MapAnswersEinval").With(&Steps::map_insert, MapAnswersEinval),
       kOneMarked + preserve + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n", "main.7",
       "the call answers EINVAL, documented is EBUSY", "I19 I26", V1()},
  };
}

}  // namespace iommufd_check::spec
