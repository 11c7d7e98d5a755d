#include "fuzz/cli/work_watch.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/explore/work/search_report.h"

namespace iommufd_check::cli {
namespace {

double SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t PeakMemoryBytes() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

// How many levels are to come is not known while they grow, so there is no estimate.
std::string LineOfSearch(const explore::SearchProgress& search, double elapsed) {
  const auto mebibytes = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  return absl::StrFormat(
      "search  depth %d  states %s  transitions %s  set %.1f MiB  frontier %.1f MiB  spilled %.1f "
      "MiB  | %.2f M states/s",
      search.depth, explore::WithCommas(search.states), explore::WithCommas(search.transitions),
      mebibytes(search.set_bytes), mebibytes(search.frontier_bytes),
      mebibytes(search.spilled_bytes), static_cast<double>(search.states) / elapsed / 1e6);
}

}  // namespace

Surroundings Surroundings::ThisProcess() {
  const bool seen = isatty(STDERR_FILENO) != 0;
  return {&SteadySeconds, &PeakMemoryBytes, seen ? 2.0 : 60.0};
}

WorkWatch::WorkWatch(const WatchLimits& limits, size_t works, std::ostream* progress,
                     Surroundings surroundings)
    : limits_(limits),
      works_(works),
      progress_(*progress),
      surroundings_(std::move(surroundings)),
      start_(surroundings_.seconds()),
      began_(start_),
      last_line_(start_) {}

void WorkWatch::Begin(const explore::Certificate& blank, uint64_t parts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string title = absl::StrCat(blank.work, "  ", blank.program, "  ", blank.design);
  if (title != title_) ++begun_;
  title_ = title;
  began_ = surroundings_.seconds();
  beats_before_ = beats_.load();
  parts_ = parts;
  parts_done_ = traces_ = longest_ = findings_ = 0;
}

void WorkWatch::NotePart(const explore::Certificate& part) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++parts_done_;
  traces_ += part.traces;
  longest_ = std::max(longest_, part.longest);
  findings_ = std::max(findings_, part.findings.size());
}

void WorkWatch::Report(const explore::SearchProgress& progress) {
  const std::lock_guard<std::mutex> lock(mutex_);
  search_ = progress;
}

bool WorkWatch::Beat() {
  if (stopped_.load(std::memory_order_relaxed)) return false;
  beats_.fetch_add(1, std::memory_order_relaxed);
  Look();  // Costs less than a thousandth of the shortest execution.
  return !stopped_.load(std::memory_order_relaxed);
}

void WorkWatch::Look() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double now = surroundings_.seconds();
  if (limits_.max_seconds != 0 && now - start_ >= limits_.max_seconds) reason_ = "max_seconds";
  if (limits_.max_memory != 0 && surroundings_.memory() >= limits_.max_memory) {
    reason_ = "max_memory";
  }
  if (!reason_.empty()) stopped_.store(true, std::memory_order_relaxed);
  if (now - last_line_ < surroundings_.seconds_between_lines) return;
  last_line_ = now;
  const double elapsed = std::max(now - began_, 1e-9);
  progress_ << (search_.has_value() ? LineOfSearch(*search_, elapsed) : LineOfParts(elapsed))
            << std::endl;
}

// Counts first, times last. Parts differ in size, so the estimate is of this work alone, and there
// is none before the first part is done.
std::string WorkWatch::LineOfParts(double elapsed) const {
  const auto executions = static_cast<double>(beats_.load() - beats_before_);
  std::string line = absl::StrFormat(
      "%s  executions %.0f  parts %d/%d  depth %d  traces %d  broken %d  | %.1f k exec/s", title_,
      executions, parts_done_, parts_, longest_, traces_, findings_, executions / elapsed / 1e3);
  if (parts_done_ > 0) {
    const double left = static_cast<double>(parts_ - parts_done_);
    absl::StrAppendFormat(&line, "  about %.0f s left",
                          elapsed / static_cast<double>(parts_done_) * left);
  }
  if (begun_ > 0 && begun_ < works_) absl::StrAppend(&line, ", then ", works_ - begun_, " more");
  return line;
}

}  // namespace iommufd_check::cli
