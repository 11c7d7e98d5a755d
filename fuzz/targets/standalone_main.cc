// A main for fuzz targets in builds without libFuzzer: replays inputs and does nothing else.
//
//   fuzz_program [-runs=0] [--flag-of-the-target=...] file-or-directory...
//
// Directories are read recursively; inputs run in the order of their sorted paths. Exit status: 0
// every input was replayed, 64 usage or nothing to replay, 65 an input cannot be read. A finding
// ends the process inside the target.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);

// libFuzzer offers this to custom mutators. Nothing mutates here, but targets must link.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
std::size_t LLVMFuzzerMutate(std::uint8_t*, std::size_t size, std::size_t) { return size; }

namespace {

constexpr int kUsage = 64;
constexpr int kBadInput = 65;

namespace fs = std::filesystem;

// Appends `path`, or the files below it. False when it cannot be read.
bool Collect(const fs::path& path, std::vector<fs::path>& inputs) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    inputs.push_back(path);
    return true;
  }
  fs::recursive_directory_iterator entry(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_directory()) inputs.push_back(entry->path());
  }
  if (!error) return true;
  std::fprintf(stderr, "%s: cannot be read: %s\n", path.c_str(), error.message().c_str());
  return false;
}

bool Replay(const fs::path& path) {
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  // An ifstream opens a directory or a device without complaint, hence the second question.
  if (!file || !fs::is_regular_file(path, error)) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return false;
  }
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)),
                                std::istreambuf_iterator<char>());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);

  std::vector<fs::path> inputs;
  for (int i = 1; i < argc; ++i) {
    const char* arg = argv[i];
    if (std::strncmp(arg, "--", 2) == 0) continue;  // The target's own, as under libFuzzer.
    if (std::strcmp(arg, "-runs=0") == 0) continue;
    if (arg[0] == '-') {
      std::fprintf(stderr, "%s: unknown flag: this build replays inputs, it does not fuzz\n", arg);
      return kUsage;
    }
    if (!Collect(arg, inputs)) return kBadInput;
  }
  std::sort(inputs.begin(), inputs.end());
  for (const fs::path& input : inputs) {
    if (!Replay(input)) return kBadInput;
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "no input was replayed: nothing done is never a pass\n");
    return kUsage;
  }
  std::fprintf(stderr, "replayed %zu inputs\n", inputs.size());
  return 0;
}
