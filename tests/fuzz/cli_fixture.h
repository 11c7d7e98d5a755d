// Calls the command line inside the test's process, and folders for its files.
#pragma once

#include <string>
#include <vector>

namespace iommufd_check::cli {

struct CliResult {
  int code = 0;
  std::string out, err;
};

CliResult RunCli(const std::vector<std::string>& arguments, const std::string& input = "");

// A fresh folder that disappears with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  // Writes a file, with the folders above it, and returns its path.
  std::string Write(const std::string& name, const std::string& text) const;
  std::string Read(const std::string& name) const;
  std::string operator/(const std::string& name) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Programs whose outcome is certain whatever the model's details: v1 sleeps under a spinlock where
// it preserves a marked HWPT, and `reference` does not.
std::string CleanProgram();
std::string ViolatingProgram();  // of design v1; it expects what it violates, companions included

}  // namespace iommufd_check::cli
