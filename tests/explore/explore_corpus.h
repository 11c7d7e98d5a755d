// The programs of corpus/explore, as the tests of this folder read them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "model/program/text/text_codec.h"

namespace iommufd_check::explore {

inline std::filesystem::path ExploreCorpus() {
  return std::filesystem::path(IOMMUFD_CHECK_SOURCE_ROOT) / "corpus" / "explore";
}

// Names without ".prog", sorted.
inline std::vector<std::string> ExploreCorpusNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(ExploreCorpus())) {
    if (entry.path().extension() == ".prog") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline program::Program ExploreCorpusProgram(const std::string& name) {
  std::ifstream in(ExploreCorpus() / (name + ".prog"), std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in.good()) << name << " cannot be read";
  const absl::StatusOr<program::Program> program = program::ParseProgram(text.str(), name);
  EXPECT_TRUE(program.ok()) << program.status().message();
  return program.ok() ? *program : program::Program{};
}

inline std::vector<std::string> TwoTaskPrograms() {
  std::vector<std::string> names;
  for (const std::string& name : ExploreCorpusNames()) {
    if (program::TaskCount(ExploreCorpusProgram(name)) == 2) names.push_back(name);
  }
  EXPECT_GE(names.size(), 10u);
  return names;
}

}  // namespace iommufd_check::explore
