// The lanes of each known bug show what its title names as the cause.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

using ::testing::HasSubstr;

const std::string kBugs = std::string(IOMMUFD_CHECK_SOURCE_ROOT) + "/corpus/bugs/";

// By the bug's number: what some row of the lanes says.
const std::map<std::string, std::vector<std::string>> kCauses{
    {"B01", {"luo_preserve(s, iommufd, token=2)", "lock xa_lock", "!! sleeping function"}},
    {"B02", {"hwpt_alloc(dev, ioas)", "wait "}},
    {"B03", {"lock xa_lock", "!! sleeping function"}},
    {"B04", {"map_file(ioas", "luo_preserve(s, iommufd, token=2)"}},
    {"B05", {"map_file(ioas", "enter check_iopt_pages_preserved", "area->pages"}},
    {"B06", {"luo_preserve(s, iommufd, token=2)", "immutable=true ioas1"}},
    {"B08", {"FAULT iommu_domain_preserve"}},
    {"B09", {"FAULT iommu_domain_preserve", "unmap(ioas"}},
    {"B10", {"FAULT iommu_domain_preserve"}},
    {"B13", {"destroy(hwpt)"}},
    {"B14", {"destroy(hwpt2)", "save_hwpts: WARN_ON(rc != nr_hwpts)"}},
    {"B14b", {"lu_mark(hwpt2, token=8)", "record store 1"}},
    {"B17", {"FAULT kho_alloc_preserve"}},
    {"B18", {"lu_mark(hwpt2, token=8)"}},
    {"B19", {"lu_mark(hwpt, token=9)"}},
    {"B34", {"destroy(hwpt)", "luo_preserve(s, iommufd, token=2) -> 0"}},
    {"B43", {"memfd_punch_hole(0, length=0x1000) -> 0"}},
    {"B44",
     {"luo_preserve(s, memfd=0, token=1) -> 0", "memfd_seal(0, seals=seal|shrink|grow) -> 0"}},
    {"B45", {"map_file(ioas", "memfd_seal(0, seals=seal|shrink|grow) -> 0"}},
};

TEST(CauseRows, AreVisibleForEachBug) {
  size_t found = 0;
  for (const auto& file : std::filesystem::directory_iterator(kBugs)) {
    const std::string name = file.path().filename().string();
    const auto causes = kCauses.find(name.substr(0, name.find('-')));
    if (causes == kCauses.end()) continue;
    ++found;
    const std::string out = RunCli({"run", file.path().string()}).out;
    const size_t begin = out.find("\nrun\n");
    ASSERT_NE(begin, std::string::npos) << out;
    const size_t end = std::min(out.find("\ndifference\n", begin), out.find("\nreplay:", begin));
    const std::string lanes = out.substr(begin, end - begin);
    for (const std::string& cause : causes->second) EXPECT_THAT(lanes, HasSubstr(cause)) << name;
  }
  EXPECT_EQ(found, kCauses.size());
}

// The other task's column is never empty when it did something.
TEST(CauseRows, EveryTaskThatRanHasARow) {
  int compared = 0;
  for (const auto& file : std::filesystem::directory_iterator(kBugs)) {
    const std::string out = RunCli({"run", file.path().string()}).out;
    for (const char* task : {"A.1 ", "B.1 "}) {
      const size_t lanes = out.find("\nrun\n");
      const std::string events = RunCli({"run", "--events", "--quiet", file.path().string()}).out;
      if (events.find(std::string("begin ") + task) == std::string::npos) continue;
      if (out.find("at       main") != std::string::npos) continue;  // before the tasks began
      ++compared;
      EXPECT_NE(out.find(task, lanes), std::string::npos) << file.path() << task << out;
    }
  }
  EXPECT_GT(compared, 10) << "tasks that ran, else this tests nothing";
}

}  // namespace
}  // namespace iommufd_check::cli
