// The check of one invariant: what it listens to, what it remembers, when it is armed and violated.
//
// A row of invariants.def declares NewI04(); the file of that row, invariants/i04_..., defines it
// and a class that nobody else names:
//
//   class InFlightExclusion final : public PerCall<Gates> {
//     void Listen(Listeners* to) const override {
//       to->On<&InFlightExclusion::OnTableWrite>(Note::kTableWrite);
//     }
//     void OnTableWrite(const sim::Event& event, const Evidence& seen, Ruling rule) {
//       rule.Require(..., event.object, [&] { return "what was seen"; });
//     }
//   };
//   std::unique_ptr<Check> NewI04() { return std::make_unique<InFlightExclusion>(); }
//
// What a check remembers is of calls in progress (PerCall) or between concurrent tasks (OfTasks).
// What outlives a call of main is the account's, where everybody sees it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/sim/check.h"
#include "model/sim/event.h"
#include "model/spec/evidence.h"
#include "model/spec/findings.h"

namespace iommufd_check::spec {

class Listeners;

// What a check says, of its own invariant alone.
class Ruling {
 public:
  Ruling(Findings* findings, Invariant invariant) : findings_(*findings), invariant_(invariant) {}

  // The antecedent of the invariant was true once more.
  void Arm() { findings_.Arm(invariant_); }
  void Violate(sim::ObjectRef object, std::string detail, std::vector<LockNesting> chain = {}) {
    findings_.Violate(invariant_, object, std::move(detail), std::move(chain));
  }
  // Arm, and Violate unless `holds`. `detail` is called only on violation.
  template <class Detail>
  void Require(bool holds, sim::ObjectRef object, Detail&& detail) {
    findings_.Require(invariant_, holds, object, std::forward<Detail>(detail));
  }

  Findings::Position position() const { return findings_.position(); }
  // For what is seen at another place than the one to which it belongs.
  void MoveTo(const Findings::Position& position) { findings_.SetPosition(position); }

 private:
  Findings& findings_;
  Invariant invariant_;
};

class Check {
 public:
  virtual ~Check() = default;

  virtual void Listen(Listeners* to) const = 0;

  virtual void Forget() {}                // a run begins
  virtual void TakeOver(const Check&) {}  // REQUIRES: of the same invariant
  virtual bool RemembersCalls() const { return false; }
  virtual void ForgetCall(sim::TaskId) {}  // the task's call begins
};

// A check with a State for the call that each task is in.
template <class State>
class PerCall : public Check {
 public:
  void Forget() final { calls_ = {}; }
  void TakeOver(const Check& other) final { calls_ = static_cast<const PerCall&>(other).calls_; }
  bool RemembersCalls() const final { return true; }
  void ForgetCall(sim::TaskId task) final { calls_[task] = State{}; }

 protected:
  State& CallOf(const sim::Event& event) { return calls_[event.task]; }
  std::array<State, sim::kMaxTasks>& calls() { return calls_; }

 private:
  std::array<State, sim::kMaxTasks> calls_{};
};

// A check with a State of what concurrent tasks have done, which has a Clear.
template <class State>
class OfTasks : public Check {
 public:
  void Forget() final { state_.Clear(); }
  void TakeOver(const Check& other) final { state_ = static_cast<const OfTasks&>(other).state_; }

 protected:
  State& StateFor(const sim::Event& event) {
    IOMMUFD_CHECK(event.task != 0, "what outlives a call of main is in the account");
    return state_;
  }

 private:
  State state_;
};

// Who hears of what, for all checks: by event, so that one costs those alone who listen to it, and
// by moment. Of one event or moment they hear in the order of the rows.
class Listeners {
 public:
  template <class Subject>
  struct Ear {
    Invariant invariant;
    PartSet looks_at;  // of a Snapshot; of other subjects kAllParts
    void (*hear)(Check*, const Subject&, const Evidence&, Ruling);
  };
  template <class Subject>
  using Ears = std::vector<Ear<Subject>>;

  // Reads, and all accesses, of concurrent tasks: what main does alone meets nobody, and is not
  // heard (sim::IsHeardAlone).
  struct ReadOf {
    sim::Field field;
  };
  struct AccessOfTask {};

  static const Listeners& All();

  template <auto kMethod>
  void On(sim::Primitive primitive) {
    IOMMUFD_CHECK(sim::IsHeardAlone(primitive), "accesses are heard by ReadOf and AccessOfTask");
    IOMMUFD_CHECK(!HasDetails(primitive), "notes and splats are heard one by one");
    IOMMUFD_CHECK(primitive != sim::Primitive::kUnlock, "what a release says is in LockWatch");
    AddAt<kMethod>(SlotOf(primitive, 0));
  }
  template <auto kMethod>
  void On(sim::Note note) {
    AddAt<kMethod>(SlotOf(sim::Primitive::kNote, static_cast<uint8_t>(note)));
  }
  template <auto kMethod>
  void On(sim::Splat splat) {
    AddAt<kMethod>(SlotOf(sim::Primitive::kSplat, static_cast<uint8_t>(splat)));
  }
  template <auto kMethod>
  void On(ReadOf read) {
    AddAt<kMethod>(SlotOf(sim::Primitive::kRead, static_cast<uint8_t>(read.field)));
  }
  template <auto kMethod>
  void On(AccessOfTask) {
    AddAt<kMethod>(SlotOf(sim::Primitive::kWrite, 0));
    for (int field = 0; field < sim::Count<sim::Field>(); ++field) {
      AddAt<kMethod>(SlotOf(sim::Primitive::kRead, static_cast<uint8_t>(field)));
    }
  }
  // The moment whose type the method takes.
  template <auto kMethod>
  void On() {
    using Moment = SubjectOf<decltype(kMethod)>;
    static_assert(!std::is_same_v<Moment, Snapshot>, "OnRest says what is looked at");
    Add<kMethod>(&std::get<Ears<Moment>>(moments_));
  }
  // A quiescent point. What the method says is a function of these parts of the Snapshot alone, so
  // that it is not asked again before one of them changes.
  template <auto kMethod>
  void OnRest(PartSet looks_at) {
    Add<kMethod>(&std::get<Ears<Snapshot>>(moments_), looks_at);
  }

  // Those who hear the event, which is no access of main.
  const Ears<sim::Event>& of(const sim::Event& event) const {
    return events_[SlotOf(event.primitive, event.detail)];
  }
  template <class Moment>
  const Ears<Moment>& of_moment() const {
    return std::get<Ears<Moment>>(moments_);
  }
  // Those with a state of each call.
  const std::vector<Invariant>& per_call() const { return per_call_; }

 private:
  template <class Method>
  struct Signature;
  template <class C, class S>
  struct Signature<void (C::*)(const S&, const Evidence&, Ruling)> {
    using Class = C;
    using Subject = S;
  };
  template <class C, class S>
  struct Signature<void (C::*)(const S&, const Evidence&, Ruling) const>
      : Signature<void (C::*)(const S&, const Evidence&, Ruling)> {};
  template <class Method>
  using SubjectOf = typename Signature<Method>::Subject;

  // Events of one slot have the same listeners: a primitive, or one detail of a primitive that is
  // heard by its details.
  static constexpr bool HasDetails(sim::Primitive primitive) {
    return primitive == sim::Primitive::kNote || primitive == sim::Primitive::kSplat ||
           primitive == sim::Primitive::kRead;
  }
  static constexpr size_t kNotesAt = sim::Count<sim::Primitive>();
  static constexpr size_t kSplatsAt = kNotesAt + sim::Count<sim::Note>();
  static constexpr size_t kReadsAt = kSplatsAt + sim::Count<sim::Splat>();
  static constexpr size_t kSlots = kReadsAt + sim::Count<sim::Field>();
  static size_t SlotOf(sim::Primitive primitive, uint8_t detail) {
    switch (primitive) {
      case sim::Primitive::kNote:
        return kNotesAt + detail;
      case sim::Primitive::kSplat:
        return kSplatsAt + detail;
      case sim::Primitive::kRead:
        return kReadsAt + detail;
      default:
        return static_cast<size_t>(primitive);
    }
  }

  template <auto kMethod>
  void AddAt(size_t slot) {
    Add<kMethod>(&events_.at(slot));
  }
  template <auto kMethod, class Subject>
  void Add(Ears<Subject>* ears, PartSet looks_at = kAllParts) {
    using Class = typename Signature<decltype(kMethod)>::Class;
    ears->push_back({listening_, looks_at,
                     [](Check* check, const Subject& subject, const Evidence& seen, Ruling rule) {
                       (static_cast<Class*>(check)->*kMethod)(subject, seen, rule);
                     }});
  }

  Invariant listening_ = Invariant::kCount;
  std::array<Ears<sim::Event>, kSlots> events_;
  std::tuple<Ears<Returned>, Ears<Unexplained>, Ears<FailedPreserve>, Ears<Snapshot>,
             Ears<uapi::Contract>, Ears<Exited>>
      moments_;
  std::vector<Invariant> per_call_;
};

// The checks of all invariants, by their number.
using Checks = std::array<std::unique_ptr<Check>, kInvariants>;
Checks NewChecks();

#define X(id, ...) std::unique_ptr<Check> New##id();
#include "model/spec/invariants.def"
#undef X

}  // namespace iommufd_check::spec
