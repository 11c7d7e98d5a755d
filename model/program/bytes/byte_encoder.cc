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
  struct Literal {
    uint8_t wide_index;
    uint64_t value;
  };

  void Append(const RecordBytes& record) {
    bytes_.insert(bytes_.end(), record.begin(), record.end());
  }
  void AppendOperation(size_t index);
  // The two bytes of an object or number, or nothing when it takes a literal.
  std::optional<uint16_t> WideBytes(const Operation& operation, size_t argument) const;
  void AppendParts(absl::InlinedVector<RecordBytes, 2>* parts);
  void AppendLiteral(const Literal& literal);
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
  if (!IsObject(spec.kind)) return EncodeNumber(spec, argument);
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
  absl::InlinedVector<RecordBytes, 2> parts(PartsOf(spec));
  parts[0][0] = static_cast<uint8_t>(operation.code);
  parts[0][1] = EncodeTask(operation.task);
  absl::InlinedVector<Literal, kMaxArguments> literals;
  bool name_needs_text = false;
  ArgumentPlace free;
  uint8_t wide_index = 0;
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    const ArgumentKind kind = spec.arguments[i].kind;
    const uint64_t value = operation.arguments[i].value;
    const ArgumentPlace place = NextPlace(free, kind);
    free = {place.part, static_cast<uint8_t>(place.at + WidthOf(kind))};
    uint8_t* at = &parts[place.part][place.at];
    if (IsWide(kind)) {
      const std::optional<uint16_t> bytes = WideBytes(operation, i);
      Store(at, 2, bytes.value_or(0));
      if (!bytes) literals.push_back({wide_index, value});
      ++wide_index;
    } else if (kind == ArgumentKind::kName) {
      const std::optional<uint8_t> byte = EncodeName(operation.name);
      name_needs_text = !byte;
      *at = byte.value_or(0);
    } else {
      *at = kind == ArgumentKind::kIommufd ? EncodeIommufd(value) : EncodeSmall(kind, value);
    }
  }
  AppendParts(&parts);
  for (const Literal& literal : literals) AppendLiteral(literal);
  if (name_needs_text) AppendText(RecordKind::kName, operation.name);
  if (operation.expected_errno) {
    RecordBytes expected{FirstByte(RecordKind::kErrno)};
    expected[1] = static_cast<uint8_t>(*operation.expected_errno);
    IOMMUFD_CHECK(DecodeErrno(expected[1]) == *operation.expected_errno, "errnos fit into a byte");
    Append(expected);
  }
  definitions_.Add(ordinals_[index], spec.result, operation.task);
}

// A continuation of zeros is what is read where there is none.
void Encoder::AppendParts(absl::InlinedVector<RecordBytes, 2>* parts) {
  Append(parts->front());
  for (size_t i = 1; i < parts->size(); ++i) {
    RecordBytes& record = (*parts)[i];
    if (record == RecordBytes{}) continue;
    record[0] = FirstByte(RecordKind::kContinuation);
    record[1] = static_cast<uint8_t>(i - 1);
    Append(record);
  }
}

void Encoder::AppendLiteral(const Literal& literal) {
  RecordBytes record{FirstByte(RecordKind::kLiteral), literal.wide_index};
  Store(&record[2], 8, literal.value);
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
  RecordBytes record{FirstByte(RecordKind::kSwitch), change.to};
  Store(&record[2], 2, ordinals_[change.operation]);
  EncodeAnchor(change, record.data());
  IOMMUFD_CHECK(DecodeAnchor(record.data()).has_value(), "an anchor is read as it was written");
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
