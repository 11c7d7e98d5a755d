// Writes the golden files that golden_test compares with; see golden_cases.h.

#include <cstdio>
#include <fstream>

#include "tests/fuzz/golden_cases.h"

int main() {
  for (const iommufd_check::cli::GoldenCase& golden : iommufd_check::cli::GoldenCases()) {
    const std::string path = iommufd_check::cli::GoldenPath(golden);
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << golden.render();
    file.close();
    if (!file) {
      std::fprintf(stderr, "%s: cannot be written\n", path.c_str());
      return 65;
    }
    std::printf("%s\n", golden.name.c_str());
  }
  return 0;
}
