// EncodeBytes of byte_codec.h.
#include <algorithm>

#include "model/program/bytes/byte_codec.h"
#include "model/program/bytes/byte_layout.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

class Encoder {
 public:
  explicit Encoder(const Program& program) : program_(program) {}

  std::vector<uint8_t> Encode();

 private:
  void Append(const RecordBytes& record) {
    bytes_.insert(bytes_.end(), record.begin(), record.end());
  }
  void AppendOperation(size_t index);
  // The two bytes of an object or number, or nothing when it takes a literal.
  std::optional<uint16_t> WideBytes(const Operation& operation, size_t argument) const;
  void AppendLiteral(uint8_t wide_index, uint64_t value);
  void AppendFault(const sim::PlannedFault& fault);
  void AppendSwitch(const sim::Switch& change);
  void AppendText(RecordKind kind, std::string_view text, uint8_t extra = 0);

  const Program& program_;
  std::vector<uint8_t> bytes_;
  std::vector<uint16_t> ordinals_;  // number of the record, by index of the operation
  Definitions definitions_;
};

std::vector<uint8_t> Encoder::Encode() {
  const HeaderBytes header = EncodeBoot(program_.boot);
  bytes_.assign(header.begin(), header.end());
  const std::vector<uint16_t> order = DefinitionOrder(program_);
  IOMMUFD_CHECK(order.size() == program_.operations.size(), "only a valid program has bytes");
  ordinals_.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) ordinals_[order[i]] = static_cast<uint16_t>(i);
  for (const uint16_t index : order) AppendOperation(index);
  for (const sim::PlannedFault& fault : program_.faults) AppendFault(fault);
  for (const sim::Switch& change : program_.switches) AppendSwitch(change);
  for (const ExpectedViolation& expected : program_.expected) {
    const int operation = expected.operation ? static_cast<int>(*expected.operation) + 1 : 0;
    AppendText(RecordKind::kExpected, expected.invariant, static_cast<uint8_t>(operation));
  }
  for (const std::string& also : program_.also) AppendText(RecordKind::kAlso, also);
  if (!program_.design.empty()) AppendText(RecordKind::kDesign, program_.design);
  if (!program_.title.empty()) AppendText(RecordKind::kTitle, program_.title);
  return std::move(bytes_);
}

std::optional<uint16_t> Encoder::WideBytes(const Operation& operation, size_t index) const {
  const ArgumentSpec& spec = SpecOf(operation.code).arguments[index];
  const Argument& argument = operation.arguments[index];
  if (!IsObject(spec.kind)) return EncodeNumber(spec, argument.value);
  if (!argument.variable) {
    if (argument.value > UINT8_MAX) return std::nullopt;
    return static_cast<uint16_t>(kRawIdForm | argument.value);
  }
  const Definitions::List& visible = definitions_.Visible(spec.kind, operation.task);
  const uint16_t ordinal = ordinals_[*argument.variable];
  const auto found = std::lower_bound(visible.begin(), visible.end(), ordinal);
  IOMMUFD_CHECK(found != visible.end(), "a variable is defined above");
  IOMMUFD_CHECK(*found == ordinal, "a variable is visible to its user");
  return static_cast<uint16_t>(found - visible.begin());
}

void Encoder::AppendOperation(size_t index) {
  const Operation& operation = program_.operations[index];
  const OperationSpec& spec = SpecOf(operation.code);
  RecordBytes record{};
  record[0] = static_cast<uint8_t>(operation.code);
  record[1] = EncodeTask(operation.task);
  struct Literal {
    uint8_t wide_index;
    uint64_t value;
  };
  absl::InlinedVector<Literal, kMaxArguments> literals;
  bool named = false;
  bool name_needs_text = false;
  size_t at = 2;
  uint8_t wide_index = 0;
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    const ArgumentSpec& wanted = spec.arguments[i];
    const uint64_t value = operation.arguments[i].value;
    IOMMUFD_CHECK(at + WidthOf(wanted.kind) <= kRecordBytes, "arguments fit into a record");
    if (IsWide(wanted.kind)) {
      const std::optional<uint16_t> bytes = WideBytes(operation, i);
      Store(&record[at], 2, bytes.value_or(0));
      if (!bytes) literals.push_back({wide_index, value});
      ++wide_index;
    } else if (wanted.kind == ArgumentKind::kName) {
      IOMMUFD_CHECK(!named, "an operation has at most one name");
      named = true;
      const std::optional<uint8_t> byte = EncodeName(operation.name);
      name_needs_text = !byte;
      record[at] = byte.value_or(0);
    } else if (wanted.kind == ArgumentKind::kIommufd) {
      record[kRecordBytes - 1] |= EncodeIommufd(value);
    } else {
      record[at] = EncodeSmall(wanted.kind, value);
    }
    at += WidthOf(wanted.kind);
  }
  Append(record);
  for (const Literal& literal : literals) AppendLiteral(literal.wide_index, literal.value);
  if (name_needs_text) AppendText(RecordKind::kName, operation.name);
  if (operation.expected_errno) {
    RecordBytes expected{FirstByte(RecordKind::kErrno)};
    expected[1] = static_cast<uint8_t>(*operation.expected_errno);
    IOMMUFD_CHECK(DecodeErrno(expected[1]) == *operation.expected_errno, "errnos fit into a byte");
    Append(expected);
  }
  definitions_.Add(ordinals_[index], spec.result, operation.task);
}

void Encoder::AppendLiteral(uint8_t wide_index, uint64_t value) {
  RecordBytes record{FirstByte(RecordKind::kLiteral), wide_index};
  Store(&record[2], 8, value);
  Append(record);
}

void Encoder::AppendFault(const sim::PlannedFault& fault) {
  IOMMUFD_CHECK(fault.nth >= 1, "occurrences count from 1");
  RecordBytes record{FirstByte(RecordKind::kFault)};
  Store(&record[2], 2, ordinals_[fault.operation]);
  record[4] = static_cast<uint8_t>(fault.site);
  if (fault.nth <= 4) {
    record[6] = static_cast<uint8_t>(fault.nth - 1);
  } else if (fault.nth <= UINT8_MAX + 1) {
    record[5] = 0xc0;
    record[6] = static_cast<uint8_t>(fault.nth - 1);
  } else {
    record[5] = 0xf0;
    Store(&record[6], 2, fault.nth);
  }
  Append(record);
}

void Encoder::AppendSwitch(const sim::Switch& change) {
  RecordBytes record{FirstByte(RecordKind::kSwitch), change.from, change.to};
  if (change.after <= UINT8_MAX) {
    record[3] = 0x80;
    record[4] = static_cast<uint8_t>(change.after);
  } else {
    record[3] = 0xf0;
    Store(&record[8], 4, change.after);
  }
  Append(record);
}

// The first record starts the text, also an empty one; the others append to it.
void Encoder::AppendText(RecordKind kind, std::string_view text, uint8_t extra) {
  constexpr uint8_t kAppend = 0x80;
  uint8_t mode = 0;
  do {
    const size_t length = std::min(text.size(), kTextBytes);
    RecordBytes record{FirstByte(kind), static_cast<uint8_t>(mode | length), extra};
    std::copy_n(text.begin(), length, record.begin() + kTextAt);
    Append(record);
    text.remove_prefix(length);
    mode = kAppend;
    extra = 0;
  } while (!text.empty());
}

}  // namespace

std::vector<uint8_t> EncodeBytes(const Program& program) {
  IOMMUFD_CHECK(FirstProblem(program).empty(), "only a valid program has bytes");
  return Encoder(program).Encode();
}

}  // namespace iommufd_check::program
