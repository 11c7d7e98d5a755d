// iommufd-check explore --subject=IMAGE: schedules of programs on Linux's own code.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "fuzz/cli/command.h"

namespace iommufd_check::cli {

struct ImageExploreOptions {
  std::string subject;
  int preemptions = 1;
  uint64_t max_executions = 0;  // of each program; 0: no limit
};

// What `explore` does with these files.
ExitCode ExploreOnImage(const ImageExploreOptions& options, std::span<const std::string> files,
                        const Streams& io);

}  // namespace iommufd_check::cli
