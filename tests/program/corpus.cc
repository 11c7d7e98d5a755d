#include "tests/program/corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/liveupdate/designs/registry.h"
#include "model/program/execute/executor.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::program {
namespace {

std::filesystem::path PathOf(const std::string& folder) {
  return std::filesystem::path(IOMMUFD_CHECK_SOURCE_ROOT) / "corpus" / folder;
}

}  // namespace

std::vector<std::string> CorpusFiles(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(PathOf(folder))) {
    if (entry.path().extension() == ".prog") files.push_back(entry.path().filename().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Program CorpusProgram(const std::string& file, const std::string& folder) {
  std::ifstream in(PathOf(folder) / file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in.good()) << file << " cannot be read";
  const absl::StatusOr<Program> program = ParseProgram(text.str(), file);
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : Program{};
}

void CheckDigestsRepeat(int runs) {
  std::vector<Program> programs;
  std::vector<uint64_t> digests;
  Executor executor;
  for (const std::string& file : CorpusFiles()) {
    programs.push_back(CorpusProgram(file));
    const Program& program = programs.back();
    digests.push_back(executor.Run(*liveupdate::FindDesign(program.design), program).digest);
  }
  for (int run = 0; run < runs; ++run) {
    const size_t i = static_cast<size_t>(run) % programs.size();
    liveupdate::Design& design = *liveupdate::FindDesign(programs[i].design);
    ASSERT_EQ(executor.Run(design, programs[i]).digest, digests[i]) << "run " << run;
  }
}

}  // namespace iommufd_check::program
