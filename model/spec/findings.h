// Collects what the checks find, and how often each had something to check.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "model/sim/event.h"
#include "model/spec/invariants.h"

namespace iommufd_check::spec {

class Findings {
 public:
  // Where the run stands: violations are attributed to it.
  struct Position {
    uint16_t operation = 0;
    uint8_t task = 0;
    uint32_t step = 0;
    uint32_t event = 0;
    sim::Fn function = sim::Fn::kNone;
    sim::Splat splat = sim::Splat::kCount;  // that is being judged
    sim::Condition condition = sim::Condition::kNone;
  };

  void Clear() {
    violations_.clear();
    raised_ = 0;
    armed_.fill(0);
    SetPosition({});
    function_ = sim::Fn::kNone;
  }
  // The function that the task of the next event is in: of all events only splats say theirs.
  void SetFunction(sim::Fn function) { function_ = function; }
  sim::Fn function() const { return function_; }
  void SetPosition(const Position& position) {
    position_ = position;
    event_.reset();
  }
  // The run stands at this event, the `number`th of it. What position() is made of is kept as it
  // is: hardly any event is asked where it was.
  void SetEvent(const sim::Event& event, uint32_t number, bool exiting) {
    event_ = {event, number, function_, exiting};
  }
  Position position() const { return event_.has_value() ? PositionOf(*event_) : position_; }

  // The antecedent of the invariant was true once more, or so many times.
  void Arm(Invariant invariant, uint64_t times = 1) {
    armed_[static_cast<size_t>(invariant)] += times;
  }

  // Keeps the first violation of each invariant, operation, kind of object, function, splat and
  // condition: what makes two of them one finding.
  void Violate(Invariant invariant, sim::ObjectRef object, std::string detail,
               std::vector<LockNesting> chain = {});

  // Arm, and Violate unless `holds`. `detail` is called only on violation.
  template <class Detail>
  void Require(Invariant invariant, bool holds, sim::ObjectRef object, Detail&& detail) {
    Arm(invariant);
    if (!holds) Violate(invariant, object, detail());
  }

  const std::vector<Violation>& violations() const { return violations_; }
  // How often something was found wrong, also what is one finding with an earlier one.
  uint64_t raised() const { return raised_; }
  const std::array<uint64_t, kInvariants>& armed() const { return armed_; }

 private:
  struct At {
    sim::Event event;
    uint32_t number = 0;
    sim::Fn function = sim::Fn::kNone;
    bool exiting = false;
  };
  static Position PositionOf(const At& at);

  Position position_;
  std::optional<At> event_;  // instead of it
  sim::Fn function_ = sim::Fn::kNone;
  std::vector<Violation> violations_;
  uint64_t raised_ = 0;
  std::array<uint64_t, kInvariants> armed_{};
};

// "ioas 1"; objects with ids as in object_id.h.
std::string Named(sim::ObjectRef object);

// "0x1000".
std::string Hex(uint64_t value);

}  // namespace iommufd_check::spec
