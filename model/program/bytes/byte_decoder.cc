// DecodeBytes of byte_codec.h.
//
// Two passes. The first finds the operation records and their tasks, which fixes where each
// operation goes and what switches can be anchored in; the second fills operations in at their
// place, so that nothing is sorted or moved.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/bytes/byte_layout.h"
#include "model/program/designs.h"
#include "model/program/widths.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> bytes);

  Program Decode();

 private:
  static constexpr size_t kRanks = kMaxTask + 2;  // main, A..G, finally

  static size_t RankOf(uint8_t task) { return task == kFinally ? kRanks - 1 : task; }
  static uint8_t TaskOf(uint8_t rank) { return rank == kRanks - 1 ? kFinally : rank; }

  template <class Visitor>
  void ForEachRecord(Visitor visit) const;
  bool IsOperation(const uint8_t* record) const;
  void PlaceOperations();
  void ReadRecord(const uint8_t* record);
  void ReadOperation(const uint8_t* record);
  void ReadArguments(const uint8_t* record, size_t part, Operation* operation) const;
  Argument ReadObject(ArgumentKind kind, uint8_t task, uint16_t bytes) const;
  void ReadContinuation(const uint8_t* record);
  void Define(size_t ordinal);
  void ReadFault(const uint8_t* record);
  void ReadSwitch(const uint8_t* record);
  void ReadLiteral(const uint8_t* record);
  void ReadName(const uint8_t* record);
  void ReadExpected(const uint8_t* record);
  void ReadAlso(const uint8_t* record);
  uint8_t ConcurrentTask(uint8_t byte) const;

  HeaderBytes header_{};
  std::span<const uint8_t> records_;
  Program program_;
  absl::InlinedVector<uint16_t, 64> places_;      // index in operations, by number of the record
  absl::InlinedVector<uint8_t, kMaxTask> tasks_;  // concurrent tasks with operations, ascending
  Definitions definitions_;
  size_t next_ = 0;              // number of the next operation record
  Operation* latest_ = nullptr;  // what literal, errno, name and continuation records are about
  absl::InlinedVector<uint16_t, 64> concurrent_;  // as places_, of the operations of tasks
};

Decoder::Decoder(std::span<const uint8_t> bytes) {
  const size_t head = std::min(bytes.size(), kHeaderBytes);
  std::copy_n(bytes.begin(), head, header_.begin());
  records_ = bytes.subspan(head);
}

template <class Visitor>
void Decoder::ForEachRecord(Visitor visit) const {
  size_t at = 0;
  for (; at + kRecordBytes <= records_.size(); at += kRecordBytes) visit(&records_[at]);
  if (at == records_.size()) return;
  RecordBytes last{};
  std::copy(records_.begin() + static_cast<ptrdiff_t>(at), records_.end(), last.begin());
  visit(last.data());
}

// One that has a meaning, and what it needs.
bool Decoder::IsOperation(const uint8_t* record) const {
  if (KindOf(record[0]) != RecordKind::kOperation || !DecodeTask(record[1])) return false;
  const std::optional<OpCode> code = DecodeOpCode(record[0]);
  return code && IsPossible(*code, program_.boot);
}

void Decoder::PlaceOperations() {
  std::array<uint16_t, kRanks> counts{};
  absl::InlinedVector<uint8_t, 64> ranks;
  ForEachRecord([&](const uint8_t* record) {
    if (ranks.size() >= kMaxOperations || !IsOperation(record)) return;
    ranks.push_back(static_cast<uint8_t>(RankOf(*DecodeTask(record[1]))));
    ++counts[ranks.back()];
  });
  std::array<uint16_t, kRanks> next{};
  for (size_t rank = 1; rank < kRanks; ++rank) {
    next[rank] = static_cast<uint16_t>(next[rank - 1] + counts[rank - 1]);
  }
  places_.reserve(ranks.size());
  program_.operations.resize(ranks.size());
  for (const uint8_t rank : ranks) {
    places_.push_back(next[rank]++);
    program_.operations[places_.back()].task = TaskOf(rank);
    if (PhaseOf(TaskOf(rank)) == 1) concurrent_.push_back(places_.back());
  }
  for (uint8_t task = 1; task <= kMaxTask; ++task) {
    if (counts[task] > 0) tasks_.push_back(task);
  }
}

Program Decoder::Decode() {
  program_.boot = DecodeBoot(header_);
  PlaceOperations();
  ForEachRecord([&](const uint8_t* record) { ReadRecord(record); });
  IOMMUFD_CHECK(next_ == program_.operations.size(), "both passes see the same operations");
  return std::move(program_);
}

// Appends the text of a record to *text, or replaces it, up to `most` bytes.
void ReadText(const uint8_t* record, size_t most, bool is_word, bool newline_too,
              std::string* text) {
  constexpr uint8_t kAppend = 0x80;
  if (!(record[1] & kAppend)) text->clear();
  const size_t length = (record[1] & ~kAppend) % (kTextBytes + 1);
  for (size_t i = 0; i < length && text->size() < most; ++i) {
    const uint8_t byte = record[kTextAt + i];
    *text += is_word ? DecodeWordByte(byte, text->empty()) : DecodePrintable(byte, newline_too);
  }
}

void Decoder::ReadRecord(const uint8_t* record) {
  switch (KindOf(record[0])) {
    case RecordKind::kOperation:
      return ReadOperation(record);
    case RecordKind::kFault:
      return ReadFault(record);
    case RecordKind::kSwitch:
      return ReadSwitch(record);
    case RecordKind::kLiteral:
      return ReadLiteral(record);
    case RecordKind::kErrno:
      if (latest_ != nullptr && DecodeErrno(record[1])) {
        latest_->expected_errno = DecodeErrno(record[1]);
      }
      return;
    case RecordKind::kName:
      return ReadName(record);
    case RecordKind::kExpected:
      return ReadExpected(record);
    case RecordKind::kAlso:
      return ReadAlso(record);
    case RecordKind::kDesign:
      return ReadText(record, kMaxWordBytes, true, false, &program_.design);
    case RecordKind::kTitle:
      return ReadText(record, kMaxTitleBytes, false, true, &program_.title);
    case RecordKind::kContinuation:
      return ReadContinuation(record);
    case RecordKind::kNone:
      return;
  }
}

Argument Decoder::ReadObject(ArgumentKind kind, uint8_t task, uint16_t bytes) const {
  const Definitions::List& visible = definitions_.Visible(kind, task);
  if (!IsVariableForm(bytes) || visible.empty()) return {std::nullopt, DecodeRawId(bytes)};
  return {places_[visible[bytes % visible.size()]], 0};
}

// Those whose bytes stand in this part.
void Decoder::ReadArguments(const uint8_t* record, size_t part, Operation* operation) const {
  const OperationSpec& spec = SpecOf(operation->code);
  ArgumentPlace free;
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    const ArgumentSpec& wanted = spec.arguments[i];
    const ArgumentPlace place = NextPlace(free, wanted.kind);
    free = {place.part, static_cast<uint8_t>(place.at + WidthOf(wanted.kind))};
    if (place.part != part) continue;
    const uint8_t* at = record + place.at;
    Argument& argument = operation->arguments[i];
    if (IsObject(wanted.kind)) {
      argument = ReadObject(wanted.kind, operation->task, Load16(at));
    } else if (IsNumber(wanted.kind)) {
      argument = DecodeNumber(wanted, Load16(at));
    } else if (wanted.kind == ArgumentKind::kName) {
      operation->name = DecodeName(*at);
    } else if (wanted.kind == ArgumentKind::kIommufd) {
      argument.value = DecodeIommufd(program_.boot, *at);
    } else {
      argument.value = DecodeSmall(wanted.kind, program_.boot, *at);
    }
  }
}

void Decoder::ReadOperation(const uint8_t* record) {
  latest_ = nullptr;
  if (next_ >= places_.size() || !IsOperation(record)) return;
  if (next_ > 0) Define(next_ - 1);
  latest_ = &program_.operations[places_[next_++]];
  latest_->code = *DecodeOpCode(record[0]);
  ReadArguments(record, 0, latest_);
  constexpr RecordBytes kNotWritten{};
  for (size_t part = 1; part < PartsOf(SpecOf(latest_->code)); ++part) {
    ReadArguments(kNotWritten.data(), part, latest_);
  }
}

void Decoder::ReadContinuation(const uint8_t* record) {
  if (latest_ == nullptr) return;
  const size_t parts = PartsOf(SpecOf(latest_->code));
  if (parts > 1) ReadArguments(record, 1 + record[1] % (parts - 1), latest_);
}

// Only behind all its own records: what an operation creates is not for its own arguments.
void Decoder::Define(size_t ordinal) {
  const Operation& operation = program_.operations[places_[ordinal]];
  definitions_.Add(static_cast<uint16_t>(ordinal), SpecOf(operation.code).result, operation.task);
}

void Decoder::ReadFault(const uint8_t* record) {
  if (places_.empty() || program_.faults.size() >= kMaxFaults) return;
  sim::PlannedFault fault;
  const std::optional<sim::FaultSite> site = DecodeSite(record[4]);
  if (!site) return;
  fault.operation = places_[Load16(record + 2) % places_.size()];
  fault.site = *site;
  if (record[5] < 0xc0) {
    fault.nth = static_cast<uint16_t>(1 + record[6] % 4);
  } else if (record[5] < 0xf0) {
    fault.nth = static_cast<uint16_t>(1 + record[6]);
  } else {
    fault.nth = std::max<uint16_t>(1, Load16(record + 6));
  }
  program_.faults.push_back(fault);
}

// The task of that number if it has operations, else one that does.
uint8_t Decoder::ConcurrentTask(uint8_t byte) const {
  IOMMUFD_CHECK(!tasks_.empty(), "a task to choose");
  const auto exact = std::find(tasks_.begin(), tasks_.end(), byte);
  return exact != tasks_.end() ? *exact : tasks_[byte % tasks_.size()];
}

void Decoder::ReadSwitch(const uint8_t* record) {
  if (tasks_.size() < 2 || program_.switches.size() >= kMaxSwitches) return;
  const std::optional<sim::Switch> anchor = DecodeAnchor(record);
  if (!anchor) return;
  sim::Switch change = *anchor;
  const uint16_t number = Load16(record + 2);
  change.operation = places_[number % places_.size()];
  if (PhaseOf(program_.operations[change.operation].task) != 1) {
    change.operation = concurrent_[number % concurrent_.size()];
  }
  const uint8_t from = program_.operations[change.operation].task;
  change.to = ConcurrentTask(record[1]);
  if (change.to == from) {
    const auto self = std::find(tasks_.begin(), tasks_.end(), from);
    change.to = self + 1 == tasks_.end() ? tasks_.front() : *(self + 1);
  }
  program_.switches.push_back(change);
}

void Decoder::ReadLiteral(const uint8_t* record) {
  if (latest_ == nullptr) return;
  absl::InlinedVector<size_t, kMaxArguments> wide;
  const OperationSpec& spec = SpecOf(latest_->code);
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    if (IsWide(spec.arguments[i].kind)) wide.push_back(i);
  }
  if (wide.empty()) return;
  const size_t index = wide[record[1] % wide.size()];
  const uint64_t value = Load64(record + 2, 8);
  const bool object = IsObject(spec.arguments[index].kind);
  latest_->arguments[index] = {std::nullopt, object ? value & kMaxObjectId : value};
}

void Decoder::ReadName(const uint8_t* record) {
  if (latest_ == nullptr) return;
  const std::span<const ArgumentSpec> specs = SpecOf(latest_->code).arguments;
  const bool named = std::any_of(specs.begin(), specs.end(), [](const ArgumentSpec& spec) {
    return spec.kind == ArgumentKind::kName;
  });
  if (named) ReadText(record, kMaxNameBytes, false, false, &latest_->name);
}

void Decoder::ReadExpected(const uint8_t* record) {
  std::string word;
  ReadText(record, kMaxWordBytes, true, false, &word);
  const bool append = record[1] & 0x80;
  if (append && !program_.expected.empty()) {
    return ReadText(record, kMaxWordBytes, true, false, &program_.expected.back().invariant);
  }
  if (word.empty() || program_.expected.size() >= kMaxExpected) return;
  ExpectedViolation expected{std::move(word), std::nullopt};
  if (record[2] > 0 && record[2] <= static_cast<uint8_t>(OpCode::kCount)) {
    expected.operation = static_cast<OpCode>(record[2] - 1);
  }
  program_.expected.push_back(std::move(expected));
}

void Decoder::ReadAlso(const uint8_t* record) {
  std::string word;
  ReadText(record, kMaxWordBytes, true, false, &word);
  const bool append = record[1] & 0x80;
  if (append && !program_.also.empty()) {
    return ReadText(record, kMaxWordBytes, true, false, &program_.also.back());
  }
  if (word.empty() || program_.also.size() >= kMaxAlso) return;
  program_.also.push_back(std::move(word));
}

}  // namespace

std::string VersionProblem(std::span<const uint8_t> bytes) {
  if (bytes.empty() || bytes[0] == kBytesVersion) return "";
  return absl::StrCat("bytes that begin with ", bytes[0], ", not with version ", kBytesVersion,
                      "; those of version 1 have to be turned into text by the program that wrote "
                      "them");
}

Program DecodeBytes(std::span<const uint8_t> bytes) {
  Program program = Decoder(bytes).Decode();
  if (const liveupdate::Design* design = DesignNamed(program.design)) {
    MaskToWidths(*design, &program);
  }
  return program;
}

}  // namespace iommufd_check::program
