#include "fuzz/cli/work_watch.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace iommufd_check::cli {

WorkWatch::WorkWatch(const WatchLimits& limits, std::function<double()> seconds,
                     std::function<uint64_t()> memory, std::ostream* progress)
    : limits_(limits),
      seconds_(std::move(seconds)),
      memory_(std::move(memory)),
      progress_(progress),
      start_(seconds_()),
      last_line_(start_) {}

void WorkWatch::Begin(const explore::Certificate& blank, uint64_t parts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  title_ = absl::StrCat(blank.work, "  ", blank.program, "  ", blank.design);
  began_ = seconds_();
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

bool WorkWatch::Beat() {
  if (stopped_.load(std::memory_order_relaxed)) return false;
  beats_.fetch_add(1, std::memory_order_relaxed);
  Look();  // Costs less than a thousandth of the shortest execution.
  return !stopped_.load(std::memory_order_relaxed);
}

void WorkWatch::Look() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double now = seconds_();
  if (limits_.max_seconds != 0 && now - start_ >= limits_.max_seconds) reason_ = "max_seconds";
  if (limits_.max_memory != 0 && memory_() >= limits_.max_memory) reason_ = "max_memory";
  if (!reason_.empty()) stopped_.store(true, std::memory_order_relaxed);
  if (progress_ == nullptr || now - last_line_ < kSecondsBetweenLines) return;
  last_line_ = now;
  Print(now);
}

// Counts first, times last. Parts differ in size, so the estimate is rough.
void WorkWatch::Print(double now) {
  const double elapsed = std::max(now - began_, 1e-9);
  const auto executions = static_cast<double>(beats_.load() - beats_before_);
  *progress_ << absl::StrFormat(
      "%s  executions %.0f  parts %d/%d  frontier %d  depth %d  traces %d  broken %d  | %.1f k "
      "exec/s",
      title_, executions, parts_done_, parts_, parts_ - parts_done_, longest_, traces_, findings_,
      executions / elapsed / 1e3);
  if (parts_done_ > 0) {
    const double left = static_cast<double>(parts_ - parts_done_);
    *progress_ << absl::StrFormat("  about %.0f s left",
                                  elapsed / static_cast<double>(parts_done_) * left);
  }
  *progress_ << std::endl;
}

double SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t PeakMemoryBytes() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace iommufd_check::cli
