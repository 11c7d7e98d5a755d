#include "fuzz/targets/extra_counters.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "model/sim/lookup_map.h"

namespace iommufd_check::cli {
namespace {

using sim::Event;
using sim::Primitive;

// Few, because a fuzzer walks all of them after each run; two facts in one byte are one fact less.
constexpr int kCounterBits = 12;
constexpr size_t kCounters = size_t{1} << kCounterBits;

__attribute__((used, section("__libfuzzer_extra_counters"))) uint8_t counters[kCounters];

// Every bit of the fact reaches the highest bits of the product, and those alone.
void Set(uint64_t fact) { counters[fact * 0x9e3779b97f4a7c15u >> (64 - kCounterBits)] = 1; }

// Facts are told apart by their lowest bit, those of successes by their highest.
constexpr uint64_t kOfSuccesses = uint64_t{1} << 63;

class Answers {
 public:
  void OnEvent(const Event& event, uint64_t operation) {
    State& state = states_[event.task];
    switch (event.primitive) {
      case Primitive::kOpBegin:
        state = {};
        return;
      case Primitive::kFail:
        state.site = event.detail + 1u;
        return;
      case Primitive::kNote:
        if (static_cast<sim::Note>(event.detail) == sim::Note::kGateRefused) state.refused = 1;
        return;
      case Primitive::kOpEnd:
        Set(operation << 40 | (static_cast<uint64_t>(-event.value) & 0xffff) << 24 |
            state.site << 8 | state.refused << 1);
        if (event.value == 0) Succeeded(operation);
        return;
      default:
        return;
    }
  }

 private:
  struct State {
    uint64_t site = 0;
    uint64_t refused = 0;
  };
  static_assert(static_cast<int>(program::OpCode::kCount) <= 64, "one bit for each operation");

  // What a deep state is made of: this, after each that succeeded before.
  void Succeeded(uint64_t operation) {
    for (uint64_t left = succeeded_; left != 0; left &= left - 1) {
      Set(kOfSuccesses | operation << 8 | static_cast<uint64_t>(std::countr_zero(left)) << 1);
    }
    succeeded_ |= uint64_t{1} << operation;
  }

  uint64_t succeeded_ = 0;  // bit of each operation
  std::array<State, sim::kMaxTasks> states_{};
};

class Meetings {
 public:
  void Clear() { last_.Clear(); }
  void OnEvent(const Event& event, uint64_t operation) {
    if (!sim::IsAccess(event)) return;
    const uint64_t kind = static_cast<uint64_t>(event.object.kind);
    const bool writes = event.primitive != Primitive::kRead;
    Access& last = last_[kind << 40 | uint64_t{event.object.number} << 8 | event.detail];
    if (last.task != 0 && last.task != event.task && (last.writes || writes)) {
      Set(kind << 56 | uint64_t{event.detail} << 48 | last.operation << 32 |
          uint64_t{last.writes} << 31 | operation << 8 | uint64_t{writes} << 7 | 1);
    }
    last = {operation, event.task, writes};
  }

 private:
  struct Access {
    uint64_t operation = 0;
    sim::TaskId task = 0;
    bool writes = false;
  };
  sim::LookupMap<Access> last_;
};

}  // namespace

void SetExtraCounters(const program::Program& program, const std::vector<Event>& events) {
  static Meetings meetings;
  meetings.Clear();
  Answers answers;
  for (const Event& event : events) {
    // The exit is no operation of the program.
    if (event.operation >= program.operations.size()) continue;
    const auto operation = static_cast<uint64_t>(program.operations[event.operation].code);
    answers.OnEvent(event, operation);
    if (event.task != 0) meetings.OnEvent(event, operation);
  }
}

}  // namespace iommufd_check::cli
