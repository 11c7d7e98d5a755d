// A fuzz target that only prints the size of its inputs, to watch what the stand-in main does.

#include <cstddef>
#include <cstdint>
#include <cstdio>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t size) {
  std::printf("%zu\n", size);
  return 0;
}
