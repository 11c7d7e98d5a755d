// Watches an exploration from outside: ends it when the time or the memory is used up, and tells a
// person how far it has come. Nothing of it reaches a result but where it was cut short.
//
//   WorkWatch watch({.max_seconds = 60}, &SteadySeconds, &PeakMemoryBytes, &std::cerr);
//   watch.Begin(work->blank(), 64);
//   RunWork(*work, {.pulse = &watch, .on_part = [&](const auto& part) { watch.NotePart(part); }});
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>

#include "model/explore/work/certificate.h"
#include "model/explore/work/meter.h"

namespace iommufd_check::cli {

struct WatchLimits {
  double max_seconds = 0;   // 0: no limit, as below
  uint64_t max_memory = 0;  // bytes
};

// Threads: Beat from any number at once, NotePart by one at a time.
class WorkWatch : public explore::Pulse {
 public:
  // `progress` gets a line every two seconds; null: none.
  WorkWatch(const WatchLimits& limits, std::function<double()> seconds,
            std::function<uint64_t()> memory, std::ostream* progress);

  // The next program, of whose parts `parts` are to be run.
  void Begin(const explore::Certificate& blank, uint64_t parts);
  void NotePart(const explore::Certificate& part);

  bool Beat() override;
  std::string_view reason() const override { return reason_; }
  double seconds() const { return seconds_() - start_; }

 private:
  static constexpr double kSecondsBetweenLines = 2;

  void Look();
  void Print(double now);

  const WatchLimits limits_;
  const std::function<double()> seconds_;
  const std::function<uint64_t()> memory_;
  std::ostream* const progress_;
  const double start_;

  std::atomic<uint64_t> beats_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // guards what follows
  std::string_view reason_;
  std::string title_;
  double began_ = 0;  // this program
  uint64_t beats_before_ = 0;
  double last_line_ = 0;
  uint64_t parts_ = 0;
  uint64_t parts_done_ = 0;
  uint64_t traces_ = 0;  // of parts that are done, as the next two
  uint64_t longest_ = 0;
  size_t findings_ = 0;
};

// Seconds since some fixed moment; the most memory that the process had, in bytes.
double SteadySeconds();
uint64_t PeakMemoryBytes();

}  // namespace iommufd_check::cli
