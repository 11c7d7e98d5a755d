// The progress of a search as lines for a person: counts first, the rate last.
//
// Threads: as ProgressSink.
//
//   ProgressLines lines(seconds_since_start, [](const std::string& line) { std::cerr << line; });
//   RunSearch(request, &lines);
#pragma once

#include <functional>
#include <string>

#include "model/explore/states/search.h"

namespace iommufd_check::explore {

// The clock is the caller's, since nothing here may look at one: it returns seconds since some
// fixed moment.
class ProgressLines : public ProgressSink {
 public:
  ProgressLines(std::function<double()> seconds, std::function<void(const std::string&)> write);
  void Report(const SearchProgress& progress) override;

 private:
  std::function<double()> seconds_;
  std::function<void(const std::string&)> write_;
  double start_;
};

}  // namespace iommufd_check::explore
