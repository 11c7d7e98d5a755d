// The reports that golden files hold.
//
// To renew the files after an intended change, and read what changed:
//   cmake --build build/release --target update_goldens && build/release/bin/update_goldens
//   git diff tests/fuzz/golden
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace iommufd_check::cli {

struct GoldenCase {
  std::string name;  // of tests/fuzz/golden/<name>.txt
  std::function<std::string()> render;
};

const std::vector<GoldenCase>& GoldenCases();
std::string GoldenPath(const GoldenCase& golden);

}  // namespace iommufd_check::cli
