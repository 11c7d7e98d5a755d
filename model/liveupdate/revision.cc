#include "model/liveupdate/revision.h"

namespace iommufd_check::liveupdate {

using iommufd::IoasHandle;

Revision::Revision(const Facts& facts, const Steps& steps) : facts_(facts), steps_(steps) {
  IOMMUFD_CHECK(!facts.name.empty(), "a design has a name");
  IOMMUFD_CHECK(facts.iommufd_layout != nullptr, "a design says what its records look like");
  IOMMUFD_CHECK(facts.domain_layout != nullptr, "a design says what a domain's record looks like");
  IOMMUFD_CHECK(steps.mark != nullptr, "the ioctl calls `mark` of every design");
  IOMMUFD_CHECK(steps.preserve != nullptr, "LUO calls `preserve` of every design");
  IOMMUFD_CHECK(steps.unpreserve != nullptr, "LUO calls `unpreserve` of every design");
}

template <class Result, class... Arguments>
Result Revision::Run(Result (*step)(StepKernel&, Arguments...), iommufd::Kernel& k,
                     std::type_identity_t<Arguments>... arguments) const {
  if (step == nullptr) return Result();
  // Every kernel in which a design is asked is one of live update.
  StepKernel kernel(static_cast<Kernel&>(k), steps_, facts_.core);
  return step(kernel, arguments...);
}

int Revision::Mark(Kernel& k, uint32_t hwpt_id, uint64_t token) {
  return Run(steps_.mark, k, hwpt_id, token);
}
int Revision::Preserve(Kernel& k, PreserveArguments* arguments) {
  return Run(steps_.preserve, k, arguments);
}
void Revision::Unpreserve(Kernel& k, const PreserveArguments& arguments) {
  Run(steps_.unpreserve, k, arguments);
}

int Revision::MapInsert(iommufd::Kernel& k, IoasHandle ioas) {
  return Run(steps_.map_insert, k, ioas);
}
void Revision::AreaInserted(iommufd::Kernel& k, IoasHandle ioas) {
  Run(steps_.area_inserted, k, ioas);
}
void Revision::AreaSettled(iommufd::Kernel& k, IoasHandle ioas) {
  Run(steps_.area_settled, k, ioas);
}
int Revision::MapFill(iommufd::Kernel& k, IoasHandle ioas) { return Run(steps_.map_fill, k, ioas); }
int Revision::Unmap(iommufd::Kernel& k, IoasHandle ioas) { return Run(steps_.unmap, k, ioas); }
void Revision::AbortArea(iommufd::Kernel& k, IoasHandle ioas) { Run(steps_.abort_area, k, ioas); }
void Revision::FilePagesAllocated(iommufd::Kernel& k, iommufd::PagesHandle pages) {
  Run(steps_.file_pages_allocated, k, pages);
}

}  // namespace iommufd_check::liveupdate
