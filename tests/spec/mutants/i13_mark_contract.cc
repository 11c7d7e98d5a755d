#include "model/iommufd/object_table.h"
#include "tests/spec/mutants/mutants.h"
#include "tests/spec/mutants/shared.h"

namespace iommufd_check::spec {
namespace {

// A marked HWPT cannot be given another token.
int RefuseSecondMark(StepKernel& k, HwptHandle target, uint64_t token) {
  if (Get(k, target).IsMarked()) return -sim::kEBUSY;
  return Reference().steps().check_mark(k, target, token);
}

// The mark holds its HWPT, and nothing takes a mark away.
int MarkHoldsHwpt(StepKernel& k, uint32_t hwpt_id, uint64_t token) {
  const int error = Reference().steps().mark(k, hwpt_id, token);
  if (error == 0) KeepReference(k, hwpt_id);
  return error;
}

// The tokens of one iommufd are refused to another.
int TokensOfAllIommufds(StepKernel& k, HwptHandle target, uint64_t token) {
  const int error = Reference().steps().check_mark(k, target, token);
  bool taken = false;
  k.s.hwpts.ForEach([&](HwptHandle other, const iommufd::Hwpt& hwpt) {
    taken = taken || (other != target && hwpt.IsMarked() && hwpt.token.Peek() == token);
  });
  return error == 0 && taken ? -sim::kEADDRINUSE : error;
}

// Preserving one iommufd freezes the marks of all.
void FreezeMarksOfAllIommufds(StepKernel& k, ContextHandle, PhysAddr, size_t) {
  std::vector<ContextHandle> all;
  k.s.contexts.ForEach([&](ContextHandle h, const iommufd::Context&) { all.push_back(h); });
  for (ContextHandle h : all) Write(k, h, &iommufd::Context::marks_frozen, true);
}

}  // namespace

MutantCases MutantsOfI13() {
  return {
      {Reference().Named("RefuseSecondMark").With(&Steps::check_mark, RefuseSecondMark),
       kOneMarked + "  lu_mark(hwpt, token=9)\n", "main.6",
       "the call answers EBUSY, documented is 0", ""},
      {Reference().Named("MarkHoldsHwpt").With(&Steps::mark, MarkHoldsHwpt),
       kOneMarked + "  destroy(hwpt)\n", "main.6", "a mark prevents the destroy of its hwpt",
       "I24 I36 I37 I38"},
      {Reference().Named("TokensOfAllIommufds").With(&Steps::check_mark, TokensOfAllIommufds),
       kTwoIommufds + "  lu_mark(hwpt2, token=7)\n", "main.9",
       "the call answers EADDRINUSE, documented is 0", ""},
      {Reference().Named("FreezeMarksOfAllIommufds").With(&Steps::finish, FreezeMarksOfAllIommufds),
       kTwoIommufds + "  luo_preserve(s, iommufd, token=2)\n  lu_mark(hwpt2, token=8)\n", "main.10",
       "the call answers EBUSY, documented is 0", ""},
  };
}

}  // namespace iommufd_check::spec
