// iommufd-check run --subject=IMAGE: replays sequential programs on Linux's own code.
#pragma once

#include <span>
#include <string>

#include "fuzz/cli/command.h"

namespace iommufd_check::cli {

struct ImageRunOptions {
  std::string subject;
  bool bytes = false;
  bool quiet = false;
  bool digest = false;
  uint32_t repeat = 1;
};

// What `run` does with these files.
ExitCode RunOnImage(const ImageRunOptions& options, std::span<const std::string> files,
                    const Streams& io);

}  // namespace iommufd_check::cli
