// A state search at the end of a level, on disk, to go on later where a sitting ended.
//
// Words are 64 bits, little-endian. The file begins with a magic word and the identity of the
// search, and ends with an XXH3-128 of all that precedes: a file that was cut off or changed by
// accident is refused. What lies between is the caller's (level_search.h).
//
//   absl::StatusOr<SearchFileWriter> file = SearchFileWriter::Create("state.search", identity);
//   file->PutWord(3);
//   absl::Status written = file->Finish();
//   absl::StatusOr<SearchFileReader> file = SearchFileReader::Open("state.search", identity);
//   uint64_t three = file->Word();
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace iommufd_check::explore {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using OwnedFile = std::unique_ptr<std::FILE, CloseFile>;

// Hashes what is written and read, piece by piece.
class RunningHash {
 public:
  RunningHash();
  ~RunningHash();
  RunningHash(RunningHash&& other) noexcept;
  RunningHash& operator=(RunningHash&& other) noexcept;
  void Add(const void* bytes, std::size_t size);
  struct Value {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const Value&, const Value&) = default;
  };
  Value value() const;

 private:
  void* state_;
};

class SearchFileWriter {
 public:
  // Writes beside `path` and takes its place in Finish, so that there is always a whole file.
  static absl::StatusOr<SearchFileWriter> Create(const std::string& path, std::uint64_t identity);
  void Put(const void* bytes, std::size_t size);
  void PutWord(std::uint64_t word) { Put(&word, sizeof word); }
  // FAULTS: Unavailable when anything could not be written.
  absl::Status Finish();

 private:
  SearchFileWriter(OwnedFile file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  OwnedFile file_;
  std::string path_;
  RunningHash hash_;
  bool failed_ = false;
};

class SearchFileReader {
 public:
  // Reads the whole file once to check it. FAULTS: NotFound; InvalidArgument when it is not whole,
  // or of another search.
  static absl::StatusOr<SearchFileReader> Open(const std::string& path, std::uint64_t identity);
  // Zeros once the contents have ended.
  void Get(void* bytes, std::size_t size);
  std::uint64_t Word();
  // Of the contents, not yet read.
  std::uint64_t left() const { return left_; }
  // Everything was read and nothing beyond it was asked for.
  bool AtEnd() const { return left_ == 0 && !overran_; }
  absl::Status Broken() const;

 private:
  SearchFileReader(OwnedFile file, std::string path, std::uint64_t left)
      : file_(std::move(file)), path_(std::move(path)), left_(left) {}

  OwnedFile file_;
  std::string path_;
  std::uint64_t left_;
  bool overran_ = false;
};

}  // namespace iommufd_check::explore
