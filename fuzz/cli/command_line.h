// The command line iommufd-check: picks the subcommand and returns its exit status.
//
//   return RunCommandLine({argv + 1, argv + argc}, std::cin, std::cout, std::cerr);
#pragma once

#include <istream>
#include <ostream>
#include <span>

namespace iommufd_check::cli {

// `arguments` do not include the program's name. The result is a value of ExitCode; exceptions
// escape, and main calls them internal errors.
int RunCommandLine(std::span<char* const> arguments, std::istream& in, std::ostream& out,
                   std::ostream& err);

}  // namespace iommufd_check::cli
