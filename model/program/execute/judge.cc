#include "model/program/execute/judge.h"

#include "model/program/execute/world_difference.h"
#include "model/program/execute/written.h"
#include "model/sim/check.h"

namespace iommufd_check::program {

using sim::Primitive;
using spec::Call;

namespace {

constexpr size_t kDifferenceLines = 64;

bool IsPreserve(const Call& call) { return call.kind == Call::Kind::kLuoPreserve; }

spec::LostCopy LostIn(std::optional<sim::FaultSite> failed) {
  if (failed == sim::FaultSite::kCopyFromUser) return spec::LostCopy::kArguments;
  return failed == sim::FaultSite::kCopyToUser ? spec::LostCopy::kReply : spec::LostCopy::kNone;
}

spec::Limits LimitsOf(const Boot& boot, const liveupdate::Design& design) {
  spec::Limits limits;
  limits.buffer_bytes.assign(boot.buffers, uint64_t{boot.buffer_pages} * mm::kPageSize);
  limits.endpoints = static_cast<uint16_t>(boot.devices);
  limits.max_memfd_bytes = mm::Machine::kMaxMemfdBytes;
  limits.contract = design.contract();
  return limits;
}

}  // namespace

void Judge::Bind(const liveupdate::Design& design, const Program& program,
                 const RunOptions& options) {
  design_ = &design;
  program_ = &program;
  options_ = options;
  for (InFlight& flight : in_flight_) flight.Clear();
  observer_.Forget();
  rest_ = 0;
  changed_ = spec::kAllParts;
  agreed_ = false;
  oracle_waits_ = false;
  overlooked_ = false;
  inside_ = 0;
  concurrent_ = false;
  not_judged_ = 0;
  difference_.clear();
}

void Judge::Start(const liveupdate::Design& design, const Program& program,
                  const RunOptions& options) {
  Bind(design, program, options);
  findings_.Clear();
  monitor_.Clear();
  calls_.Reset(program);
  sites_.clear();
  reported_ = 0;
  observer_.Observe(world_, design, &now_);
  RestartOracle(now_);
}

void Judge::Keep(Kept* kept) const {
  IOMMUFD_CHECK(inside_ == 0 && !concurrent_, "kept between two operations");
  *kept = {findings_, monitor_, oracle_, calls_, sites_, reported_};
}

void Judge::GoOnFrom(const Kept& kept, const liveupdate::Design& design, const Program& program,
                     const RunOptions& options) {
  Bind(design, program, options);
  findings_ = kept.findings;
  monitor_ = kept.monitor;
  oracle_ = kept.oracle;
  calls_ = kept.calls;
  calls_.Rebind(program);
  sites_ = kept.sites;
  reported_ = kept.reported;
}

void Judge::RestartOracle(const spec::Snapshot& observed) {
  agreed_ = false;
  oracle_waits_ = false;
  oracle_.Restart(LimitsOf(program_->boot, *design_), observed);
}

void Judge::Recall(const spec::Account& account, const std::vector<OperationResult>& answers) {
  monitor_.Recall(account);
  for (size_t i = 0; i < answers.size(); ++i) calls_.Answered(i, answers[i]);
}

void Judge::OnEvent(const sim::Event& event) {
  switch (event.primitive) {
    case Primitive::kUnlock:  // breaks nothing
      return monitor_.OnUnlock(event);
    case Primitive::kFail:
      in_flight_[event.task].failed_site = static_cast<sim::FaultSite>(event.detail);
      AddSite(event);
      break;
    case Primitive::kCall:
      AddSite(event);
      if (!options_.thorough) return;  // it is a site and nothing else
      break;
    default:
      break;
  }
  findings_.SetFunction(runtime_.task(event.task).function());
  monitor_.SetEventsBefore(static_cast<uint32_t>(runtime_.log().events().size()) - 1);
  monitor_.OnEvent(event);
  if (findings_.violations().size() > reported_) KeepDifference(event.task);
}

void Judge::AddSite(const sim::Event& event) {
  if (event.operation == spec::kExitOperation) return;
  const auto site = static_cast<sim::FaultSite>(event.detail);
  sites_.push_back({event.operation, site, static_cast<uint16_t>(event.value)});
}

bool Judge::Wanted() const {
  for (size_t i = reported_; i < findings_.violations().size(); ++i) {
    if (!options_.stop_at.has_value() || findings_.violations()[i].invariant == *options_.stop_at) {
      return true;
    }
  }
  return false;
}

void Judge::KeepDifference(sim::TaskId task) {
  const bool wanted = Wanted();
  reported_ = findings_.violations().size();
  if (!wanted) return;
  if (options_.stop_at.has_value()) runtime_.RequestStop();
  const auto& before = in_flight_[task].world_before;
  if (difference_.empty() && before.has_value()) {
    difference_ = WorldDifference(*before, world_, kDifferenceLines);
  }
}

void Judge::OperationBegins(sim::Task& t, size_t index) {
  InFlight& flight = in_flight_[t.id()];
  flight.Clear();
  flight.active = true;
  flight.index = index;
  flight.call = calls_.Decode(index);
  const Call& call = flight.call;
  if (oracle_waits_) RestartOracle(now_);
  ++inside_;
  if (concurrent_) {
    flight.past = past_.size();
    past_.push_back({.call = call, .begin = ++clock_, .end = UINT64_MAX});
    past_ends_.emplace_back();
  }
  for (InFlight& other : in_flight_) {
    if (&other == &flight || !other.active) continue;
    other.others.push_back(call);
    flight.others.push_back(other.call);
  }
  if (IsPreserve(call)) Observer().Observe(world_, *design_, &flight.before);
  if (options_.keep_worlds) flight.world_before = world_;
}

void Judge::OperationEnds(sim::Task& t, const OperationResult& result) {
  InFlight& flight = in_flight_[t.id()];
  --inside_;
  calls_.Answered(flight.index, result);
  // A reply that was lost is no failed preserve: the file stays preserved (L4).
  const bool preserve_failed = IsPreserve(flight.call) && result.result < 0 &&
                               flight.failed_site != sim::FaultSite::kCopyToUser;
  const bool at_rest = inside_ == 0;
  if (at_rest || preserve_failed) Look(at_rest ? WrittenSinceRest() : spec::kAllParts);
  TellReturn(flight, result);
  if (preserve_failed) monitor_.Tell(spec::FailedPreserve{flight.before, now_, flight.others});
  if (at_rest) {
    monitor_.TellRest(now_, changed_);
    changed_ = spec::kNoPart;
    rest_ = runtime_.log().events().size();
  }
  const bool handed_over = IsPreserve(flight.call) && result.result == 0 &&
                           flight.call.file.kind == mm::FileRef::Kind::kIommufd;
  if (handed_over) monitor_.Tell(design_->contract());
  if (findings_.violations().size() > reported_) KeepDifference(t.id());
  flight.active = false;
}

void Judge::Look(spec::PartSet written) {
  if (options_.thorough) observer_.Forget();
  changed_ |= observer_.Observe(world_, *design_, &now_, written);
}

// Between calls that overlap, what one gives back was taken before.
spec::PartSet Judge::WrittenSinceRest() const {
  if (options_.thorough || concurrent_ || rest_ == 0) return spec::kAllParts;
  return WrittenBy(std::span(runtime_.log().events()).subspan(rest_));
}

void Judge::TellReturn(const InFlight& flight, const OperationResult& result) {
  spec::Returned returned{.call = flight.call,
                          .reply = ReplyOf(flight.call, result),
                          .lost = LostIn(flight.failed_site)};
  const size_t found = findings_.violations().size();
  if (!concurrent_) {
    AskOracle(flight, &returned);
    return monitor_.Tell(returned);
  }
  monitor_.Tell(returned);
  condemned_ = condemned_ || findings_.violations().size() > found;
  spec::PastCall& past = past_[flight.past];
  past.reply = returned.reply;
  past.end = ++clock_;
  past.failed = flight.failed_site.has_value();
  past.reply_lost =
      flight.failed_site == sim::FaultSite::kCopyToUser && result.result == -sim::kEFAULT;
  past_ends_[flight.past] = findings_.position();
}

// Of a call that ran alone. Where the oracle and the machine part, it goes on from the machine. A
// call that is refused changes neither; but an unmap may fail behind areas that it removed.
void Judge::AskOracle(const InFlight& flight, spec::Returned* returned) {
  returned->now = &now_;
  if (!flight.failed_site.has_value()) {
    const spec::Prediction predicted = oracle_.Apply(flight.call);
    returned->answer_difference = ReplyDifference(predicted, returned->reply);
    if (!returned->answer_difference->empty()) return RestartOracle(now_);
    const bool refused = predicted.result < 0 && flight.call.kind != Call::Kind::kUnmap;
    if (refused && agreed_ && changed_ == spec::kNoPart) return;
  } else if (returned->reply.result < 0) {
    oracle_.ApplyFailed(flight.call, returned->reply.result,
                        returned->lost == spec::LostCopy::kReply);
  } else {
    RestartOracle(now_);
  }
  returned->state_difference = oracle_.Compare(now_);
  agreed_ = returned->state_difference.empty();
  if (!agreed_) RestartOracle(now_);
}

void Judge::TasksBegin() {
  concurrent_ = true;
  past_.clear();
  past_ends_.clear();
  clock_ = 0;
  condemned_ = false;
}

void Judge::TasksEnd() {
  concurrent_ = false;
  if (runtime_.stopped()) return;
  Look(spec::kAllParts);
  JudgeConcurrent();
  oracle_waits_ = true;
}

// A call that is condemned already has no order to look for.
void Judge::JudgeConcurrent() {
  if (condemned_) return;
  const bool in_order =
      !options_.thorough && spec::ExplainedInOrder(oracle_.limits(), oracle_.state(), past_, now_);
  if (in_order) return;
  const spec::Linearization found = spec::Linearize(oracle_.limits(), oracle_.state(), past_, now_);
  if (found.verdict == spec::Linearization::Verdict::kNotJudged) ++not_judged_;
  if (found.verdict != spec::Linearization::Verdict::kUnexplained) return;
  findings_.SetPosition(past_ends_[found.call]);
  monitor_.Tell(spec::Unexplained{past_[found.call].call, found.detail});
  if (findings_.violations().size() > reported_) KeepDifference(past_ends_[found.call].task);
}

// Whoever cannot run the program again finds here what no event said.
void Judge::LookAround() {
  IOMMUFD_CHECK(inside_ == 0 && !concurrent_, "a call changes what it has not finished");
  Observer().Observe(world_, *design_, &around_);
  overlooked_ = !(around_ == now_);
  if (overlooked_) monitor_.TellRest(around_, spec::kAllParts);
}

void Judge::ExitBegins() {
  if (rest_ != 0 && !options_.thorough && !runtime_.stopped()) LookAround();
  monitor_.BeginExit();
  if (options_.keep_worlds) in_flight_[0].world_before = world_;
}

void Judge::ExitEnds(const liveupdate::World& machine) {
  spec::Exited exited;
  if (!(world_ == machine)) {
    const std::vector<std::string> lines = WorldDifference(machine, world_, 1);
    exited.left = lines.empty() ? "?" : lines.front();
  }
  monitor_.Tell(exited);
  if (findings_.violations().size() > reported_) KeepDifference(0);
}

}  // namespace iommufd_check::program
