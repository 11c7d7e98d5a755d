#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

MutantCases Collect() {
  MutantCases all;
  const auto add = [&](const char* invariant, const MutantCases& some) {
    for (const MutantCase& row : some) {
      all.push_back(row);
      all.back().invariant = invariant;
    }
  };
#define X(id, ...) add(#id, MutantsOf##id());
#include "model/spec/invariants.def"
#undef X
  return all;
}

}  // namespace

const MutantCases& AllMutants() {
  static const MutantCases all = Collect();
  return all;
}

}  // namespace iommufd_check::spec
