#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

class MapAnswersEinval : public Mutant {
 public:
  MapAnswersEinval() : Mutant("MapAnswersEinval") {}
  int MapInsert(iommufd::Kernel& k, IoasHandle ioas) override {
    return Reference::MapInsert(k, ioas) != 0 ? -sim::kEINVAL : 0;
  }
};

// A mark that is refused holds its HWPT.
class RefusalHoldsHwpt : public Mutant {
 public:
  RefusalHoldsHwpt() : Mutant("RefusalHoldsHwpt") {}
  int Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) override {
    const int error = Reference::Mark(k, hwpt_id, token);
    if (error == 0) return 0;
    spin_lock(k.t, Get(k, k.ctx).xa_lock);
    const iommufd::ObjectKey key = iommufd::LookupLocked(k, k.ctx, hwpt_id);
    refcount_inc(k, key, &iommufd::Object::users);
    spin_unlock(k.t, Get(k, k.ctx).xa_lock);
    return error;
  }
};

}  // namespace

MutantCases MutantsOfI38() {
  static MapAnswersEinval map_answers_einval;
  static RefusalHoldsHwpt refusal_holds_hwpt;
  const std::string preserve = "  luo_preserve(s, iommufd, token=2)\n";
  return {
      {&map_answers_einval,
       kOneMarked + preserve + "  map_file(ioas, memfd=0, iova=0x1000, length=0x1000)\n", "main.7",
       "the call answers EINVAL, documented is EBUSY", ""},
      {&refusal_holds_hwpt,
       kOneMarked + "  hwpt2 = hwpt_alloc(dev, ioas)\n"
                    "  lu_mark(hwpt2, token=7)\n"
                    "  destroy(hwpt2)\n",
       "main.8", "the call answers EBUSY, documented is 0", "I24 I36 I37"},
  };
}

}  // namespace iommufd_check::spec
