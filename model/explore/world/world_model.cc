#include "model/explore/world/world_model.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/program/identity.h"
#include "model/program/text/text_codec.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Executor;
using program::Program;
using spec::Invariant;
using Spelled = WorldAlphabet::Spelled;

static_assert(spec::kInvariants <= kMaxInvariants, "a verdict has a bit for each");
static_assert(sizeof(WorldModel::State) == 104, "the frontier holds millions");

InvariantBits ArmedBits(const Execution& run) {
  InvariantBits bits = 0;
  for (std::size_t i = 0; i < run.armed.size(); ++i) {
    if (run.armed[i] > 0) bits |= InvariantBits{1} << i;
  }
  return bits;
}

// Identities in a file between sittings: a byte for each part.
std::uint64_t WordOf(const program::Identity& identity) {
  const auto operation = identity.operation ? static_cast<std::uint64_t>(*identity.operation)
                                            : static_cast<std::uint64_t>(program::OpCode::kCount);
  return static_cast<std::uint64_t>(identity.invariant) | operation << 8 |
         static_cast<std::uint64_t>(identity.object) << 16 |
         static_cast<std::uint64_t>(identity.function) << 24 |
         static_cast<std::uint64_t>(identity.splat) << 32 |
         static_cast<std::uint64_t>(identity.condition) << 40;
}

std::optional<program::Identity> IdentityOfWord(std::uint64_t word) {
  const auto part = [word](int i) { return static_cast<std::uint8_t>(word >> 8 * i); };
  program::Identity identity;
  identity.invariant = static_cast<Invariant>(part(0));
  if (part(1) < static_cast<int>(program::OpCode::kCount)) {
    identity.operation = static_cast<program::OpCode>(part(1));
  }
  identity.object = static_cast<sim::ObjectKind>(part(2));
  identity.function = static_cast<sim::Fn>(part(3));
  identity.splat = static_cast<sim::Splat>(part(4));
  identity.condition = static_cast<sim::Condition>(part(5));
  const bool known = identity.invariant < Invariant::kCount &&
                     identity.object < sim::ObjectKind::kCount &&
                     identity.function < sim::Fn::kCount && identity.splat <= sim::Splat::kCount &&
                     identity.condition < sim::Condition::kCount;
  if (!known || WordOf(identity) != word) return std::nullopt;
  return identity;
}

// One image of a sequence under a renaming.
struct Image {
  std::uint16_t start = 0;
  std::array<std::uint8_t, WorldModel::kMaxDepth> path{};
  std::uint16_t renaming = 0;

  bool Same(const Image& other) const { return start == other.start && path == other.path; }
  auto operator<=>(const Image&) const = default;
};

}  // namespace

WorldModel::WorldModel(liveupdate::Design& design, const WorldScope& scope,
                       const program::FindingPolicy& policy)
    : design_(design), alphabet_(scope), symmetry_(alphabet_), policy_(policy) {}

std::vector<std::string> WorldModel::InvariantIds() const {
  std::vector<std::string> ids;
  for (int i = 0; i < spec::kInvariants; ++i) {
    const auto invariant = static_cast<Invariant>(i);
    ids.push_back(absl::StrCat(std::string(spec::IdOf(invariant)), " ",
                               std::string(spec::NameOf(invariant))));
  }
  return ids;
}

Spelled WorldModel::Spell(std::uint16_t start, std::span<const std::uint8_t> path) const {
  Spelled spelled = alphabet_.Preamble(symmetry_.renaming(start));
  for (const std::uint8_t entry : path) WorldAlphabet::Append(alphabet_.entry(entry), &spelled);
  return spelled;
}

void WorldModel::AddLockOrder(const sim::LockOrder& order) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  lock_order_.Merge(order);
}

WholeVerdict WorldModel::VerdictOfAll() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  int pairs = 0;
  std::string cycle;
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  for (const auto& [identity, count] : tolerated_) counts.emplace_back(TextOf(identity), count);
  for (int outer = 0; outer < sim::Count<sim::LockClass>(); ++outer) {
    for (int inner = 0; inner < sim::Count<sim::LockClass>(); ++inner) {
      const auto from = static_cast<sim::LockClass>(outer);
      const auto to = static_cast<sim::LockClass>(inner);
      if (!lock_order_.HasEdge(from, to)) continue;
      ++pairs;
      if (!lock_order_.Reaches(to, from)) continue;
      absl::StrAppend(&cycle, cycle.empty() ? "CYCLE: " : ", ", std::string(sim::Name(to)),
                      " inside ", std::string(sim::Name(from)));
    }
  }
  // No one operation has it: it is tolerated where every lock cycle is.
  const bool tolerated =
      !policy_.Wants({.invariant = Invariant::kI19, .splat = sim::Splat::kLockCycle});
  const std::string known = tolerated ? " (tolerated)" : "";
  return {.subject = "lock order",
          .text = cycle.empty() ? absl::StrCat("no cycle; ", pairs, " pairs of classes nest")
                                : cycle + known,
          .broken = !cycle.empty() && !tolerated,
          .tolerated = std::move(counts)};
}

std::vector<std::uint64_t> WorldModel::Memory() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::uint64_t> words;
  for (int outer = 0; outer < sim::Count<sim::LockClass>(); ++outer) {
    std::uint64_t inner_classes = 0;
    for (int inner = 0; inner < sim::Count<sim::LockClass>(); ++inner) {
      const bool nests = lock_order_.HasEdge(static_cast<sim::LockClass>(outer),
                                             static_cast<sim::LockClass>(inner));
      inner_classes |= std::uint64_t{nests} << inner;
    }
    words.push_back(inner_classes);
  }
  for (const auto& [identity, count] : tolerated_) {
    words.push_back(WordOf(identity));
    words.push_back(count);
  }
  return words;
}

bool WorldModel::Recall(const std::vector<std::uint64_t>& words) const {
  constexpr std::size_t kClasses = sim::Count<sim::LockClass>();
  if (words.size() < kClasses || (words.size() - kClasses) % 2 != 0) return false;
  sim::LockOrder order;
  for (std::size_t outer = 0; outer < kClasses; ++outer) {
    for (std::uint64_t left = words[outer]; left != 0; left &= left - 1) {
      const auto inner = static_cast<std::size_t>(std::countr_zero(left));
      if (inner >= kClasses || inner == outer) return false;
      order.AddEdge(static_cast<sim::LockClass>(outer), static_cast<sim::LockClass>(inner));
    }
  }
  Tally tolerated;
  for (std::size_t i = kClasses; i < words.size(); i += 2) {
    const std::optional<program::Identity> identity = IdentityOfWord(words[i]);
    if (!identity.has_value() || !tolerated.emplace(*identity, words[i + 1]).second) return false;
  }
  AddLockOrder(order);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [identity, count] : tolerated) tolerated_[identity] += count;
  return true;
}

// Runs the sequence: the names that are live decide what may come next, and they depend on which
// calls succeeded.
bool WorldModel::IsState(const State& state) const {
  const std::vector<std::uint16_t>& starts = symmetry_.starts();
  if (std::find(starts.begin(), starts.end(), state.start) == starts.end()) return false;
  if (state.length > kMaxDepth || state.ended > 1) return false;
  Spelled spelled = Spell(state.start, {});
  const std::size_t first = spelled.program.operations.size();
  unsigned created = alphabet_.live_at_start();
  for (std::size_t i = 0; i < kMaxDepth; ++i) {
    if (i >= state.length && state.path[i] != 0) return false;
    if (i >= state.length) continue;
    if (state.path[i] >= alphabet_.size()) return false;
    const WorldAlphabet::Entry& entry = alphabet_.entry(state.path[i]);
    if ((entry.needs & ~created) != 0) return false;
    if (entry.creates >= 0) created |= 1u << entry.creates;
    WorldAlphabet::Append(entry, &spelled);
  }
  // Nothing follows these, so it does not matter what else they are.
  if (state.ended != 0 || state.broken != 0) return true;
  ExecutorPool::Lease executor(&pool_);
  const Execution& run = executor->Keep(design_, spelled.program);
  if (run.end != sim::RunEnd::kCompleted) return false;
  std::uint16_t live = alphabet_.live_at_start();
  for (std::size_t i = 0; i < state.length; ++i) {
    const WorldAlphabet::Entry& entry = alphabet_.entry(state.path[i]);
    if (!Enabled(entry, live)) return false;
    if (run.results[first + i].result == 0) live = LiveAfter(entry, live);
  }
  State again = state;
  again.live = live;
  Identify(spelled, run, &again);
  return live == state.live && again == state;
}

InvariantBits WorldModel::BrokenBits(const Program& program, const Execution& run,
                                     Tally* tolerated) const {
  InvariantBits bits = 0;
  for (const spec::Violation& violation : run.violations) {
    const program::Identity identity = IdentityOf(program, violation);
    if (policy_.Wants(identity)) {
      bits |= BitOf(violation.invariant);
    } else if (tolerated != nullptr) {
      ++(*tolerated)[identity];
    }
  }
  return bits;
}

void WorldModel::Identify(const Spelled& spelled, const Execution& run, State* state) {
  std::array<std::uint64_t, 4 + kWorldNames> words = {
      run.boundary.low, run.boundary.high, std::uint64_t{state->broken} << 32 | state->ended,
      state->live};
  for (std::size_t name = 0; name < kWorldNames; ++name) {
    if ((state->live >> name & 1) == 0) continue;
    words[4 + name] = run.results[spelled.bound[name]].created_id;
  }
  const XXH128_hash_t hash = XXH3_128bits(words.data(), sizeof words);
  state->high = hash.high64;
  state->low = hash.low64;
}

WorldModel::State WorldModel::Initial(std::uint16_t start) const {
  const Spelled spelled = Spell(start, {});
  ExecutorPool::Lease executor(&pool_);
  State state;
  state.start = start;
  state.live = alphabet_.live_at_start();
  const Execution& judged = executor->Run(design_, spelled.program);
  for (const program::OperationResult& result : judged.results) {
    IOMMUFD_CHECK(result.ran && result.result == 0, "every call of a preamble succeeds");
  }
  state.broken = BrokenBits(spelled.program, judged, nullptr);
  AddLockOrder(executor->lock_order());
  Identify(spelled, executor->Keep(design_, spelled.program), &state);
  return state;
}

std::vector<WorldModel::Step> WorldModel::StepsFrom(const State& state) const {
  std::vector<Step> steps;
  if (state.broken != 0 || state.ended != 0 || state.length == kMaxDepth) return steps;
  Spelled spelled = Spell(state.start, std::span(state.path).first(state.length));
  ExecutorPool::Lease executor(&pool_);
  IOMMUFD_CHECK(executor->Keep(design_, spelled.program).end == sim::RunEnd::kCompleted,
                "a state that goes on was reached");
  const std::size_t last = spelled.program.operations.size();
  Program extended = spelled.program;
  extended.operations.emplace_back();
  Tally tolerated;
  sim::LockOrder order;
  sim::LockOrder previous;
  for (std::size_t i = 0; i < alphabet_.size(); ++i) {
    const WorldAlphabet::Entry& entry = alphabet_.entry(i);
    if (!Enabled(entry, state.live)) continue;
    const program::Operation operation = WorldAlphabet::Bound(entry, spelled);
    const Execution& run = executor->Extend(operation);
    if (!(executor->lock_order() == previous)) {
      previous = executor->lock_order();
      order.Merge(previous);
    }
    const program::OperationResult& answer = run.results[last];
    State next = state;
    next.path[next.length++] = static_cast<std::uint8_t>(i);
    next.orbit = 0;
    next.ended = answer.ran ? 0 : 1;
    if (answer.ran && answer.result == 0) next.live = LiveAfter(entry, state.live);
    next.armed = ArmedBits(run);
    extended.operations.back() = operation;
    next.broken = BrokenBits(extended, run, &tolerated);
    Spelled named = spelled;
    if (entry.creates >= 0) {
      named.bound[static_cast<std::size_t>(entry.creates)] = static_cast<std::uint16_t>(last);
    }
    Identify(named, run, &next);
    steps.push_back({{static_cast<std::uint8_t>(i)}, next});
  }
  AddLockOrder(order);
  if (tolerated.empty()) return steps;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [identity, count] : tolerated) tolerated_[identity] += count;
  return steps;
}

WorldModel::State WorldModel::Canonical(const State& state) const {
  std::vector<Image> images;
  for (std::size_t r = 0; r < symmetry_.size(); ++r) {
    Image image{.start = symmetry_.Start(r, state.start),
                .renaming = static_cast<std::uint16_t>(r)};
    for (std::size_t i = 0; i < state.length; ++i) {
      image.path[i] = symmetry_.Entry(r, state.path[i]);
    }
    images.push_back(image);
  }
  std::sort(images.begin(), images.end());
  images.erase(std::unique(images.begin(), images.end(),
                           [](const Image& a, const Image& b) { return a.Same(b); }),
               images.end());
  std::vector<State> renamed;
  ExecutorPool::Lease executor(&pool_);
  for (const Image& image : images) {
    if (image.renaming == 0) {
      renamed.push_back(state);
      continue;
    }
    State moved = state;
    moved.start = image.start;
    moved.path = image.path;
    moved.live = alphabet_.Renamed(state.live, symmetry_.renaming(image.renaming));
    const Spelled spelled = Spell(image.start, std::span(image.path).first(state.length));
    Identify(spelled, executor->Keep(design_, spelled.program), &moved);
    renamed.push_back(moved);
  }
  State least = *std::min_element(renamed.begin(), renamed.end());  // Of equal ones the first.
  std::sort(renamed.begin(), renamed.end());
  renamed.erase(std::unique(renamed.begin(), renamed.end()), renamed.end());
  least.orbit = static_cast<std::uint16_t>(renamed.size());
  return least;
}

std::uint64_t WorldModel::OrbitSize(const State& state) const {
  return state.orbit != 0 ? state.orbit : Canonical(state).orbit;
}

}  // namespace iommufd_check::explore
