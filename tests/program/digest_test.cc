// Digests of the corpus against golden/digests.txt. The file is the same for every compiler,
// optimisation level and sanitizer, so that a build in which a run differs from the others fails.
//
// After a change that is meant to alter runs, write it anew from the root of the tree:
//   build/release/bin/iommufd-check run --digest --quiet corpus/bugs/*.prog |
//     grep '^digest ' > tests/program/golden/digests.txt
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "absl/strings/str_format.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "tests/program/corpus.h"

namespace iommufd_check::program {
namespace {

std::string LineOf(const std::string& file, uint64_t digest) {
  return absl::StrFormat("digest 0x%016x  corpus/bugs/%s", digest, file);
}

// Lines of the golden file; their order is the shell's.
std::set<std::string> GoldenLines() {
  std::ifstream in(IOMMUFD_CHECK_SOURCE_ROOT "/tests/program/golden/digests.txt");
  EXPECT_TRUE(in.good()) << "tests/program/golden/digests.txt cannot be read";
  std::set<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

TEST(Digest, OfTheCorpusIsTheSameInEveryBuild) {
  const std::string remedy = "\nThe head of this test's source says how to write the file anew.";
  std::set<std::string> golden = GoldenLines();
  Executor executor;
  for (const std::string& file : CorpusFiles()) {
    const Program program = CorpusProgram(file);
    liveupdate::Design* design = liveupdate::FindDesign(program.design);
    ASSERT_NE(design, nullptr) << file;
    const std::string line = LineOf(file, executor.Run(*design, program).digest);
    EXPECT_EQ(golden.erase(line), 1u) << "not in the golden file: " << line << remedy;
  }
  for (const std::string& line : golden) {
    ADD_FAILURE() << "only in the golden file: " << line << remedy;
  }
}

TEST(Digest, OfTheCorpusDiffers) {
  // A digest that says nothing would be the same everywhere, too.
  std::map<uint64_t, std::string> seen;
  Executor executor;
  for (const std::string& file : CorpusFiles()) {
    const Program program = CorpusProgram(file);
    const uint64_t digest = executor.Run(*liveupdate::FindDesign(program.design), program).digest;
    const auto [it, fresh] = seen.emplace(digest, file);
    EXPECT_TRUE(fresh) << file << " has the digest of " << it->second;
  }
}

TEST(Digest, IsTheSameInAThousandRuns) { CheckDigestsRepeat(1'000); }

}  // namespace
}  // namespace iommufd_check::program
