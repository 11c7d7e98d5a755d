#include "model/explore/work/search_file.h"

#include <xxhash.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace iommufd_check::explore {
namespace {

static_assert(std::endian::native == std::endian::little, "words are written as they lie");

constexpr std::uint64_t kMagic = 0x3148435241455355;  // "USEARCH1"
constexpr std::uint64_t kHeadBytes = 2 * sizeof(std::uint64_t);
constexpr std::uint64_t kTailBytes = 2 * sizeof(std::uint64_t);

XXH3_state_t* StateOf(void* state) { return static_cast<XXH3_state_t*>(state); }

absl::Status NotWhole(const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": not a whole search that --resume wrote; remove it, or give another name"));
}

}  // namespace

RunningHash::RunningHash() : state_(XXH3_createState()) { XXH3_128bits_reset(StateOf(state_)); }
RunningHash::~RunningHash() { XXH3_freeState(StateOf(state_)); }
RunningHash::RunningHash(RunningHash&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)) {}
RunningHash& RunningHash::operator=(RunningHash&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
void RunningHash::Add(const void* bytes, std::size_t size) {
  XXH3_128bits_update(StateOf(state_), bytes, size);
}
RunningHash::Value RunningHash::value() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(StateOf(state_));
  return {hash.low64, hash.high64};
}

absl::StatusOr<SearchFileWriter> SearchFileWriter::Create(const std::string& path,
                                                          std::uint64_t identity) {
  OwnedFile file(std::fopen((path + ".new").c_str(), "wb"));
  if (file == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        path, ".new: cannot be written: ", std::strerror(errno), "; give --resume another name"));
  }
  SearchFileWriter writer(std::move(file), path);
  writer.PutWord(kMagic);
  writer.PutWord(identity);
  return writer;
}

void SearchFileWriter::Put(const void* bytes, std::size_t size) {
  hash_.Add(bytes, size);
  failed_ = failed_ || std::fwrite(bytes, 1, size, file_.get()) != size;
}

absl::Status SearchFileWriter::Finish() {
  const RunningHash::Value hash = hash_.value();
  PutWord(hash.low);
  PutWord(hash.high);
  failed_ = std::fclose(file_.release()) != 0 || failed_;
  const std::string fresh = path_ + ".new";
  if (!failed_ && std::rename(fresh.c_str(), path_.c_str()) == 0) return absl::OkStatus();
  std::remove(fresh.c_str());
  return absl::UnavailableError(
      absl::StrCat(path_, ": cannot be written in full; make room, or give --resume another name"));
}

absl::StatusOr<SearchFileReader> SearchFileReader::Open(const std::string& path,
                                                        std::uint64_t identity) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return NotWhole(path);  // Some of these never end.
  }
  OwnedFile file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  // The last words are the hash of what precedes them, so they are kept back while reading.
  RunningHash hash;
  std::vector<char> pending;
  std::array<char, 1 << 16> piece;
  std::uint64_t size = 0;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    size += got;
    pending.insert(pending.end(), piece.data(), piece.data() + got);
    if (pending.size() <= kTailBytes) continue;
    hash.Add(pending.data(), pending.size() - kTailBytes);
    pending.erase(pending.begin(), pending.end() - static_cast<std::ptrdiff_t>(kTailBytes));
  }
  if (size < kHeadBytes + kTailBytes) return NotWhole(path);
  RunningHash::Value written;
  std::memcpy(&written.low, pending.data(), sizeof written.low);
  std::memcpy(&written.high, pending.data() + sizeof written.low, sizeof written.high);
  if (!(written == hash.value())) return NotWhole(path);
  std::rewind(file.get());
  SearchFileReader reader(std::move(file), path, size - kTailBytes);
  if (reader.Word() != kMagic) return NotWhole(path);
  if (reader.Word() != identity) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": is of another search (model, parameters, symmetry or keys differ); "
                     "give --resume another name"));
  }
  return reader;
}

void SearchFileReader::Get(void* bytes, std::size_t size) {
  if (size > left_ || std::fread(bytes, 1, size, file_.get()) != size) {
    std::memset(bytes, 0, size);
    overran_ = true;
    left_ = 0;
    return;
  }
  left_ -= size;
}

std::uint64_t SearchFileReader::Word() {
  std::uint64_t word = 0;
  Get(&word, sizeof word);
  return word;
}

absl::Status SearchFileReader::Broken() const { return NotWhole(path_); }

}  // namespace iommufd_check::explore
