// libFuzzer target that does nothing: what an execution costs the engine itself, to measure others
// beside it.

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }
