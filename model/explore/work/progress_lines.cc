#include "model/explore/work/progress_lines.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_format.h"
#include "model/explore/work/search_report.h"

namespace iommufd_check::explore {

ProgressLines::ProgressLines(std::function<double()> seconds,
                             std::function<void(const std::string&)> write)
    : seconds_(std::move(seconds)), write_(std::move(write)), start_(seconds_()) {}

void ProgressLines::Report(const SearchProgress& progress) {
  const double elapsed = std::max(seconds_() - start_, 1e-9);
  const auto mebibytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  write_(absl::StrFormat(
      "search  depth %d  states %s  transitions %s  set %.1f MiB  frontier %.1f MiB  spilled %.1f "
      "MiB  | %.2f M states/s\n",
      progress.depth, WithCommas(progress.states), WithCommas(progress.transitions),
      mebibytes(progress.set_bytes), mebibytes(progress.frontier_bytes),
      mebibytes(progress.spilled_bytes), static_cast<double>(progress.states) / elapsed / 1e6));
}

}  // namespace iommufd_check::explore
