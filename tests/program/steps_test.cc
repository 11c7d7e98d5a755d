// The programs of the corpus come past each step of each design, so none of them calls a step that
// its table lacks; and a table of steps that only pass calls on is the same design.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "tests/program/corpus.h"

namespace iommufd_check::program {
namespace {

using liveupdate::Revision;
using liveupdate::StepKernel;
using liveupdate::Steps;

// Counts the calls of one step and goes on with the one in whose place it stands.
template <auto kStep>
struct Counter;

template <class Result, class... Arguments, Result (*Steps::*kStep)(StepKernel&, Arguments...)>
struct Counter<kStep> {
  static inline Result (*original)(StepKernel&, Arguments...) = nullptr;
  static inline uint64_t calls = 0;

  static Result Step(StepKernel& k, Arguments... arguments) {
    ++calls;
    return original(k, arguments...);
  }
};

Revision Counted(const Revision& design) {
  Revision counted = design;
  liveupdate::VisitSteps([&]<auto kStep>(std::string_view) {
    Counter<kStep>::calls = 0;
    Counter<kStep>::original = design.steps().*kStep;
    if (Counter<kStep>::original == nullptr) return;
    counted = counted.With(kStep, Counter<kStep>::Step);
  });
  return counted;
}

class StepsTest : public testing::TestWithParam<Revision*> {};

TEST_P(StepsTest, EachIsReachedByTheCorpus) {
  Revision design = *GetParam();
  Revision counted = Counted(design);
  Executor executor;
  for (const char* folder : {"bugs", "seeds"}) {
    for (const std::string& file : CorpusFiles(folder)) {
      const Program program = CorpusProgram(file, folder);
      const uint64_t digest = executor.Run(design, program).digest;
      EXPECT_EQ(executor.Run(counted, program).digest, digest) << file;
    }
  }
  size_t steps = 0;
  liveupdate::VisitSteps([&]<auto kStep>(std::string_view name) {
    if (design.steps().*kStep == nullptr) return;
    ++steps;
    EXPECT_GT(Counter<kStep>::calls, 0u) << "no program comes past `" << name << "`";
  });
  EXPECT_GT(steps, 10u);
}

INSTANTIATE_TEST_SUITE_P(All, StepsTest, testing::ValuesIn(liveupdate::AllDesigns()),
                         [](const testing::TestParamInfo<Revision*>& row) {
                           std::string name(row.param->name());
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) {
                                 return std::isalnum(static_cast<unsigned char>(c)) == 0;
                               },
                               '_');
                           return name;
                         });

}  // namespace
}  // namespace iommufd_check::program
