// Watches long work from outside: ends it when the time or the memory is used up, and tells a
// person how far it has come. Nothing of it reaches a result but where it was cut short.
//
//   WorkWatch watch({.max_seconds = 60}, 1, &std::cerr);
//   RunWork(*work, {.pulse = &watch});
//   RunSearch(request, &watch);
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "model/explore/states/search.h"
#include "model/explore/work/certificate.h"
#include "model/explore/work/meter.h"

namespace iommufd_check::cli {

struct WatchLimits {
  double max_seconds = 0;   // 0: no limit, as below
  uint64_t max_memory = 0;  // bytes
};

// What a watch looks at, and how often it tells of it.
struct Surroundings {
  std::function<double()> seconds;   // since some fixed moment
  std::function<uint64_t()> memory;  // bytes, the most so far
  double seconds_between_lines = 0;

  // A line every two seconds where a person sees standard error, else one a minute.
  static Surroundings ThisProcess();
};

// Threads: Beat from any number at once, the others by one at a time.
class WorkWatch : public explore::Pulse, public explore::ProgressSink {
 public:
  // `works`: how often Begin is expected, but for further rounds of one work.
  WorkWatch(const WatchLimits& limits, size_t works, std::ostream* progress,
            Surroundings surroundings = Surroundings::ThisProcess());

  bool Beat() override;
  std::string_view reason() const override { return reason_; }
  void Begin(const explore::Certificate& blank, uint64_t parts) override;
  void NotePart(const explore::Certificate& part) override;
  void Report(const explore::SearchProgress& progress) override;

  double seconds() const { return surroundings_.seconds() - start_; }

 private:
  void Look();
  std::string LineOfParts(double elapsed) const;

  const WatchLimits limits_;
  const size_t works_;
  std::ostream& progress_;
  const Surroundings surroundings_;
  const double start_;

  std::atomic<uint64_t> beats_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // guards what follows
  std::string_view reason_;
  std::string title_;
  size_t begun_ = 0;  // works
  double began_ = 0;  // this one
  uint64_t beats_before_ = 0;
  double last_line_ = 0;
  uint64_t parts_ = 0;
  uint64_t parts_done_ = 0;
  uint64_t traces_ = 0;  // of parts that are done, as the next two
  uint64_t longest_ = 0;
  size_t findings_ = 0;
  std::optional<explore::SearchProgress> search_;
};

}  // namespace iommufd_check::cli
