#include "tests/spec/mutants/mutants.h"

namespace iommufd_check::spec {
namespace {

MutantCases Collect() {
  MutantCases all;
  for (const MutantCases& some : {FailureMutants(), ImmutabilityMutants(), LifetimeMutants(),
                                  MarkMutants(), MemoryMutants(), RecordMutants()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace

const MutantCases& AllMutants() {
  static const MutantCases all = Collect();
  return all;
}

}  // namespace iommufd_check::spec
