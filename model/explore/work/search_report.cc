#include "model/explore/work/search_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

bool IsBrokenAsAWhole(const SearchOutcome& outcome) {
  return outcome.whole.has_value() && outcome.whole->broken;
}

const char* EndingWord(const SearchOutcome& outcome) {
  if (IsBrokenAsAWhole(outcome)) return "violated";
  switch (outcome.ending) {
    case Ending::kExhausted:
      return "exhausted";
    case Ending::kViolation:
      return "violated";
    case Ending::kDepthBound:
      return "depth-bound";
    case Ending::kStateBound:
      return "state-bound";
    case Ending::kMemoryBound:
      return "memory-bound";
    case Ending::kStopped:
      return "stopped";
  }
  IOMMUFD_CHECK(false, "every ending has a word");
}

std::string EndingSentence(const SearchReport& report) {
  const SearchOutcome& outcome = report.outcome;
  const std::string so_far =
      absl::StrCat("; what is said here holds to depth ", outcome.depth, " only");
  switch (outcome.ending) {
    case Ending::kExhausted:
      if (IsBrokenAsAWhole(outcome)) {
        return absl::StrCat("every reachable state was visited, and together they break the ",
                            outcome.whole->subject);
      }
      return "every reachable state was visited, and all invariants hold";
    case Ending::kViolation:
      return absl::StrCat("invariant ", outcome.counterexample->invariant, " is broken after ",
                          outcome.counterexample->steps.size() - 1, " steps, and not after fewer");
    case Ending::kDepthBound:
      if (report.depth_is_stated) {
        return absl::StrCat("every state within max_depth=", report.max_depth,
                            " steps was visited, and all invariants hold there");
      }
      return absl::StrCat("NOT exhausted: max_depth ended the search", so_far);
    case Ending::kStateBound:
      return absl::StrCat("NOT exhausted: max_states=", WithCommas(report.max_states),
                          " ended the search", so_far);
    case Ending::kMemoryBound:
      return absl::StrCat("NOT exhausted: max_memory=", WithCommas(report.max_memory_bytes),
                          " bytes ended the search", so_far);
    case Ending::kStopped:
      return absl::StrCat("NOT exhausted: max_seconds ended the search", so_far);
  }
  IOMMUFD_CHECK(false, "every ending has a sentence");
  __builtin_unreachable();
}

std::string Parameters(const Choice& choice) {
  std::string text = absl::StrJoin(choice.parameters, " ", absl::PairFormatter("="));
  if (!choice.variant.empty()) absl::StrAppend(&text, " variant=", choice.variant);
  if (!choice.plant.empty()) absl::StrAppend(&text, " plant=", choice.plant);
  if (!choice.design.empty()) absl::StrAppend(&text, " design=", choice.design);
  return text;
}

double BytesPerState(const SearchOutcome& outcome) {
  if (outcome.states == 0) return 0;
  return static_cast<double>(outcome.set_bytes + outcome.frontier_bytes) /
         static_cast<double>(outcome.states);
}

void AppendLine(std::string* text, const char* label, const std::string& value) {
  absl::StrAppendFormat(text, "  %-12s %s\n", label, value);
}

void AppendCounts(const SearchReport& report, std::string* text) {
  const SearchOutcome& outcome = report.outcome;
  AppendLine(text, "states", WithCommas(outcome.states));
  AppendLine(text, "transitions", WithCommas(outcome.transitions));
  AppendLine(
      text, "depth",
      absl::StrCat(outcome.depth, ", widest level ", WithCommas(outcome.widest_level), " states"));
  if (outcome.dead_ends > 0) AppendLine(text, "dead ends", WithCommas(outcome.dead_ends));
  AppendLine(
      text, "reduction",
      report.symmetry
          ? absl::StrCat("symmetry; stands for ", WithCommas(outcome.represented_states),
                         " states, ", WithCommas(outcome.represented_transitions), " transitions")
          : "none");
  AppendLine(text, "keys",
             outcome.exact_keys
                 ? absl::StrCat("exact, ", outcome.key_bits, " bits; collision probability 0")
                 : absl::StrFormat("fingerprints, %d bits; collision probability %.2e",
                                   outcome.key_bits, outcome.collision_probability));
  AppendLine(
      text, "memory",
      absl::StrFormat("%.2f bytes per state: set %s, two widest levels %s", BytesPerState(outcome),
                      WithCommas(outcome.set_bytes), WithCommas(outcome.frontier_bytes)));
}

// What a search of the World did with which operations; nothing for other models.
void AppendAlphabet(const SearchReport& report, std::string* text) {
  const Choice& choice = report.choice;
  if (choice.operations.empty()) return;
  AppendLine(text, "operations",
             absl::StrCat(absl::StrJoin(choice.operations, " "), ": ", report.alphabet,
                          " with their arguments"));
  AppendLine(text, "bounds", absl::StrCat("at most ", report.max_depth, " after the preamble"));
  if (!choice.only.empty()) AppendLine(text, "only", absl::StrJoin(choice.only, " "));
  if (!choice.tolerated.empty()) {
    AppendLine(text, "tolerated", absl::StrJoin(choice.tolerated, " "));
  }
  if (!report.outcome.whole.has_value()) return;
  for (const auto& [finding, count] : report.outcome.whole->tolerated) {
    AppendLine(text, "tolerated",
               absl::StrCat(finding, " in ", WithCommas(count),
                            count == 1 ? " transition" : " transitions"));
  }
}

void AppendInvariants(const SearchReport& report, std::string* text) {
  const SearchOutcome& outcome = report.outcome;
  int width = 24;
  for (const InvariantTally& invariant : outcome.invariants) {
    if (report.alphabet > 0) width = std::max(width, static_cast<int>(invariant.id.size()));
  }
  for (const InvariantTally& invariant : outcome.invariants) {
    const std::string verdict = invariant.broken > 0
                                    ? absl::StrCat("BROKEN in ", WithCommas(invariant.broken))
                                : invariant.armed > 0 ? "held"
                                                      : "never put to the test";
    AppendLine(text, "invariant",
               absl::StrFormat("%-*s %s; antecedent true in %s %s", width, invariant.id, verdict,
                               WithCommas(invariant.armed),
                               outcome.armed_by_transitions ? "transitions" : "states"));
  }
}

// The parts of a state's description that differ from those of the one before.
std::string Changes(const std::string& before, const std::string& after) {
  const std::vector<std::string> old_parts = absl::StrSplit(before, "; ");
  const std::vector<std::string> new_parts = absl::StrSplit(after, "; ");
  if (old_parts.size() != new_parts.size()) return after;
  std::vector<std::string> changed;
  for (std::size_t i = 0; i < new_parts.size(); ++i) {
    if (new_parts[i] != old_parts[i]) changed.push_back(new_parts[i]);
  }
  return absl::StrJoin(changed, "; ");
}

void AppendTrace(const Counterexample& counterexample, std::string* text) {
  const std::vector<TraceStep>& steps = counterexample.steps;
  int task_width = 4;
  int action_width = 6;
  for (const TraceStep& step : steps) {
    task_width = std::max(task_width, static_cast<int>(step.task.size()));
    action_width = std::max(action_width, static_cast<int>(step.action.size()));
  }
  absl::StrAppendFormat(text, "trace to %s, %d steps\n", counterexample.invariant,
                        steps.size() - 1);
  absl::StrAppendFormat(text, "  step  %-*s  %-*s  state\n", task_width, "task", action_width,
                        "action");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string state = i == 0 ? steps[i].state : Changes(steps[i - 1].state, steps[i].state);
    std::string line = absl::StrFormat("  %4d  %-*s  %-*s  %s", i, task_width, steps[i].task,
                                       action_width, steps[i].action, state);
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(text, line, "\n");
  }
  if (counterexample.artefact.empty()) return;
  absl::StrAppend(text, "program, to be replayed with `iommufd-check run FILE`\n");
  for (const absl::string_view line : absl::StrSplit(counterexample.artefact, '\n')) {
    absl::StrAppend(text, line.empty() ? "" : "  ", line, "\n");
  }
}

nlohmann::ordered_json LimitJson(std::uint64_t limit) {
  return limit == kNoLimit ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(limit);
}

nlohmann::ordered_json TraceJson(const Counterexample& counterexample) {
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const TraceStep& step : counterexample.steps) {
    steps.push_back({{"task", step.task}, {"action", step.action}, {"state", step.state}});
  }
  nlohmann::ordered_json json = {{"invariant", counterexample.invariant}, {"steps", steps}};
  if (!counterexample.artefact.empty()) json["program"] = counterexample.artefact;
  return json;
}

}  // namespace

std::string RenderText(const SearchReport& report) {
  const SearchOutcome& outcome = report.outcome;
  std::string text =
      absl::StrCat("search ", report.choice.model, " ", Parameters(report.choice), "\n");
  AppendLine(&text, "result", EndingSentence(report));
  AppendAlphabet(report, &text);
  AppendCounts(report, &text);
  AppendInvariants(report, &text);
  if (outcome.whole.has_value()) {
    AppendLine(&text, outcome.whole->subject.c_str(), outcome.whole->text);
  }
  AppendLine(&text, "digest", absl::StrCat("xxh3-128:", outcome.digest));
  if (outcome.counterexample.has_value()) AppendTrace(*outcome.counterexample, &text);
  absl::StrAppend(&text, "verdict ", EndingWord(outcome), " model=", report.choice.model, " ",
                  Parameters(report.choice), " states=", outcome.states,
                  " transitions=", outcome.transitions, " depth=", outcome.depth,
                  " digest=", outcome.digest, "\n");
  return text;
}

namespace {

nlohmann::ordered_json InvariantsJson(const SearchOutcome& outcome) {
  nlohmann::ordered_json invariants = nlohmann::ordered_json::array();
  for (const InvariantTally& invariant : outcome.invariants) {
    invariants.push_back(
        {{"id", invariant.id}, {"armed", invariant.armed}, {"broken", invariant.broken}});
  }
  return invariants;
}

}  // namespace

std::string RenderJson(const SearchReport& report, const std::vector<std::string>& difference) {
  const SearchOutcome& outcome = report.outcome;
  nlohmann::ordered_json json = {
      {"kind", "state-search"},
      {"model", report.choice.model},
      {"parameters", report.choice.parameters},
      {"variant", report.choice.variant},
      {"plant", report.choice.plant},
      {"symmetry", report.symmetry},
      {"limits",
       {{"max_depth", LimitJson(report.max_depth)},
        {"max_states", LimitJson(report.max_states)},
        {"max_memory_bytes", report.max_memory_bytes}}},
      {"ending", EndingWord(outcome)},
      {"exhausted", outcome.ending == Ending::kExhausted},
      {"states", outcome.states},
      {"transitions", outcome.transitions},
      {"depth", outcome.depth},
      {"dead_ends", outcome.dead_ends},
      {"widest_level", outcome.widest_level},
      {"represented_states", outcome.represented_states},
      {"represented_transitions", outcome.represented_transitions},
      {"keys",
       {{"exact", outcome.exact_keys},
        {"bits", outcome.key_bits},
        {"collision_probability", outcome.collision_probability}}},
      {"memory",
       {{"set_bytes", outcome.set_bytes},
        {"frontier_bytes", outcome.frontier_bytes},
        {"bytes_per_state", BytesPerState(outcome)}}},
      {"invariants", InvariantsJson(outcome)},
      {"digest", outcome.digest},
      {"counterexample", nullptr},
  };
  if (outcome.counterexample.has_value())
    json["counterexample"] = TraceJson(*outcome.counterexample);
  if (outcome.whole.has_value()) {
    json["whole"] = {{"subject", outcome.whole->subject},
                     {"text", outcome.whole->text},
                     {"broken", outcome.whole->broken}};
  }
  if (report.alphabet > 0) {
    json["design"] = report.choice.design;
    json["operations"] = report.choice.operations;
    json["alphabet"] = report.alphabet;
    json["tolerated"] = report.choice.tolerated;
    json["only"] = report.choice.only;
    json["tolerated_findings"] = nlohmann::ordered_json::object();
    if (outcome.whole.has_value()) {
      for (const auto& [finding, count] : outcome.whole->tolerated) {
        json["tolerated_findings"][finding] = count;
      }
    }
  }
  if (!difference.empty()) json["difference"] = difference;
  return json.dump(2) + "\n";
}

std::string WithCommas(std::uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

}  // namespace iommufd_check::explore
