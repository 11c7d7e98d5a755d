// What holds of everything that the tool reads, whoever wrote it. Each check ends the process
// (IOMMUFD_CHECK) where its property does not hold, and returns whether the input was accepted.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/uapi/contract.h"

namespace iommufd_check::cli {

// A text is refused with a place and a way to mend it, or is a program that both codecs write and
// read again.
bool CheckText(std::string_view text);

// Bytes are a program, which both codecs write and read again. Always accepted.
bool CheckBytes(std::span<const uint8_t> bytes);

// JSON is refused with a sentence, or is certificates that can be written, and are the same when
// they are read again.
bool CheckCertificates(std::string_view text);

// Words of frames (hostile_memory.h) as tables: the walker of the hardware and the reader of the
// judge see the same tables and leaves, and each leaf is what its IOVA translates to. Accepted:
// there was a leaf.
bool CheckPageTable(std::span<const uint8_t> bytes);

// The same as what is handed over to the next kernel: counts and pointers in it drive no more than
// kMostRecords records of a kind, all of them in memory. Accepted: there was a record.
bool CheckRecords(std::span<const uint8_t> bytes, uapi::Contract::Abi abi);

}  // namespace iommufd_check::cli
