// iommufd-check: see command_line.h.
#include <exception>
#include <iostream>

#include "fuzz/cli/command_line.h"
#include "fuzz/cli/exit_codes.h"

int main(int argc, char** argv) {
  using iommufd_check::cli::ExitCode;
  try {
    return iommufd_check::cli::RunCommandLine({argv + (argc > 0), argv + argc}, std::cin, std::cout,
                                              std::cerr);
  } catch (const std::exception& error) {  // also std::bad_alloc
    std::cerr << "iommufd-check: internal error: " << error.what() << "\n";
  } catch (...) {
    std::cerr << "iommufd-check: internal error\n";
  }
  return static_cast<int>(ExitCode::kInternal);
}
