// The long runs of checks that the unit tests of this folder make short.

#include <gtest/gtest.h>

#include "tests/program/corpus.h"
#include "tests/program/random_programs.h"

namespace iommufd_check::program {
namespace {

TEST(ByteCodecSlow, EveryStringDecodes) { CheckDecodingIsTotal(10'000'000, 2); }

TEST(TextCodecSlow, MutatedTexts) { CheckMutatedTexts(1'000'000, 2); }

TEST(DigestSlow, IsTheSameInAHundredThousandRuns) { CheckDigestsRepeat(100'000); }

}  // namespace
}  // namespace iommufd_check::program
