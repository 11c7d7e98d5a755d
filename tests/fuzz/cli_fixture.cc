#include "tests/fuzz/cli_fixture.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "fuzz/cli/command_line.h"

namespace iommufd_check::cli {

CliResult RunCli(const std::vector<std::string>& arguments, const std::string& input) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> pointers;
  for (std::string& copy : copies) pointers.push_back(copy.data());
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  CliResult result;
  result.code = RunCommandLine(pointers, in, out, err);
  result.out = out.str();
  result.err = err.str();
  return result;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "cli.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

std::string TemporaryFolder::Write(const std::string& name, const std::string& text) const {
  const std::filesystem::path path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

std::string TemporaryFolder::Read(const std::string& name) const {
  std::ifstream file(*this / name, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

std::string TemporaryFolder::operator/(const std::string& name) const { return path_ + "/" + name; }

std::string CleanProgram() {
  return "# A map and its inverse.\n"
         "design reference\n"
         "boot memfds=1 devices=1\n"
         "main:\n"
         "  ioas = ioas_alloc()  -> 0\n"
         "  map(ioas, iova=0x1000, length=0x1000)  -> 0\n"
         "  unmap(ioas, iova=0x1000, length=0x1000)  -> 0\n";
}

std::string ViolatingProgram() {
  return "# Sleeping locks under a spinlock.\n"
         "design v1\n"
         "boot memfds=1 devices=1\n"
         "main:\n"
         "  ioas = ioas_alloc()\n"
         "  dev = device_bind()\n"
         "  hwpt = hwpt_alloc(dev, ioas)\n"
         "  lu_mark(hwpt, token=7)\n"
         "  s = luo_create_session(name=\"vm\")\n"
         "  luo_preserve(s, iommufd, token=2)  -> 0\n"
         "expect violation I19 luo_preserve\n"
         "also I26\n";
}

}  // namespace iommufd_check::cli
