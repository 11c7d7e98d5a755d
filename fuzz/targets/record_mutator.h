// Structure-aware mutation of byte programs: whole records are inserted, repeated, moved and
// removed, so that a mutation keeps the meaning of everything it does not touch (byte_codec.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace iommufd_check::cli {

// Mutates `data` in place and returns its new size, at most `max_size`. Deterministic in its
// arguments. `bytes` is called for changes inside a record: libFuzzer's own mutations.
size_t MutateRecords(uint8_t* data, size_t size, size_t max_size, unsigned seed,
                     size_t (*bytes)(uint8_t* data, size_t size, size_t max_size));

}  // namespace iommufd_check::cli
