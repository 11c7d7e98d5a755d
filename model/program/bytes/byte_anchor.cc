// Anchors of switches as bytes of their record (byte_layout.h).
#include <algorithm>
#include <iterator>

#include "model/program/bytes/byte_layout.h"
#include "model/sim/check.h"

namespace iommufd_check::program {
namespace {

// Acts of switches, by number; and those whose detail is open, which fuzzers meet often.
constexpr sim::Primitive kActs[] = {sim::Primitive::kOpBegin, sim::Primitive::kOpEnd,
                                    sim::Primitive::kLock,    sim::Primitive::kUnlock,
                                    sim::Primitive::kWait,    sim::Primitive::kRead,
                                    sim::Primitive::kCall};
struct OpenAct {
  sim::Side side;
  sim::Primitive primitive;
};
constexpr OpenAct kOpenActs[] = {
    {sim::Side::kBefore, sim::Primitive::kLock},   {sim::Side::kBefore, sim::Primitive::kLock},
    {sim::Side::kBefore, sim::Primitive::kUnlock}, {sim::Side::kAfter, sim::Primitive::kUnlock},
    {sim::Side::kBefore, sim::Primitive::kRead},   {sim::Side::kBefore, sim::Primitive::kCall},
    {sim::Side::kAfter, sim::Primitive::kWait},    {sim::Side::kBefore, sim::Primitive::kRead}};
constexpr uint8_t kOpenAct = 0x80;
constexpr uint8_t kAfterBit = 0x10;

}  // namespace

std::optional<sim::Switch> DecodeAnchor(const uint8_t* record) {
  sim::Switch change;
  const uint8_t act = record[4];
  if (act >= kOpenAct) {
    const OpenAct& open = kOpenActs[act % std::size(kOpenActs)];
    change.side = open.side;
    change.act = {open.primitive, sim::kAnyDetail};
    change.nth = static_cast<uint16_t>(1 + record[8] % 8);
    return change;
  }
  const size_t number = act & ~kAfterBit;
  if (number >= std::size(kActs)) return std::nullopt;
  change.side = (act & kAfterBit) != 0 ? sim::Side::kAfter : sim::Side::kBefore;
  change.act.primitive = kActs[number];
  const bool once = change.act.primitive == sim::Primitive::kOpBegin ||
                    change.act.primitive == sim::Primitive::kOpEnd;
  if (once) return IsAnchor(change.side, change.act) ? std::optional(change) : std::nullopt;
  change.act.detail = record[5];
  if (change.act.primitive == sim::Primitive::kRead && record[5] != sim::kAnyDetail) {
    change.act.kind = static_cast<sim::ObjectKind>(record[6]);
  }
  change.nth = std::max<uint16_t>(1, Load16(record + 8));
  return IsAnchor(change.side, change.act) ? std::optional(change) : std::nullopt;
}

void EncodeAnchor(const sim::Switch& change, uint8_t* record) {
  const auto* const act = std::find(std::begin(kActs), std::end(kActs), change.act.primitive);
  IOMMUFD_CHECK(act != std::end(kActs), "every act of a switch has a number");
  record[4] = static_cast<uint8_t>(act - kActs);
  if (change.side == sim::Side::kAfter) record[4] |= kAfterBit;
  record[5] = change.act.detail;
  record[6] = static_cast<uint8_t>(change.act.kind);
  Store(record + 8, 2, change.nth);
}

}  // namespace iommufd_check::program
