#include "model/program/text/parse_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/program/text/spelling.h"
#include "model/program/text/switch_text.h"
#include "model/program/text/vocabulary_text.h"

namespace iommufd_check::program {

bool PlanParser::ParseLabel(Place* place) {
  if (!state_.ExpectWord("task.operation, as in B.1,", &place->label)) return false;
  const std::string_view text = place->label.text;
  const size_t dot = text.find('.');
  const auto bad = [&] {
    return state_.Fail(place->label, absl::StrCat("unknown operation ", Quoted(text),
                                                  "; write task.operation, as in main.3 or B.1"));
  };
  if (dot == std::string_view::npos) return bad();
  const std::optional<uint8_t> task = TaskFromName(text.substr(0, dot));
  const std::string_view digits = text.substr(dot + 1);
  constexpr size_t kMostDigits = 18;  // no overflow
  if (!task || digits.empty() || digits.size() > kMostDigits) return bad();
  for (const char c : digits) {
    if (c < '0' || c > '9') return bad();
    place->number = place->number * 10 + static_cast<uint64_t>(c - '0');
  }
  place->task = *task;
  return true;
}

bool PlanParser::ParseFault() {
  PendingFault pending;
  if (!ParseLabel(&pending.place)) return false;
  if (faults_.size() >= kMaxFaults) {
    return state_.Fail(pending.place.label,
                       absl::StrCat("more than ", kMaxFaults, " faults; remove some"));
  }
  Token site;
  if (!state_.ExpectWord("the site that fails", &site)) return false;
  const std::optional<sim::FaultSite> known = sim::FaultSiteFromName(site.text);
  if (!known) {
    return state_.Fail(site, absl::StrCat("unknown fault site ", Quoted(site.text), "; ",
                                          Suggestion(site.text, FaultSiteNames())));
  }
  pending.fault.site = *known;
  if (state_.Peek().kind == TokenKind::kWord) {
    const Token word = state_.Take();
    if (word.text != "nth") {
      return state_.Fail(word,
                         absl::StrCat("unknown word ", Quoted(word.text), "; write nth=NUMBER"));
    }
    uint64_t nth = 0;
    if (!state_.ExpectSymbol("=", "after 'nth'")) return false;
    const Token number = state_.Peek();
    if (!state_.ExpectNumber("nth", UINT16_MAX, &nth)) return false;
    if (nth == 0) return state_.Fail(number, "occurrences count from 1; write nth=1 for the first");
    pending.fault.nth = static_cast<uint16_t>(nth);
  }
  faults_.push_back(pending);
  return true;
}

bool PlanParser::ParseTask(Token* word, sim::TaskId* task) {
  if (!state_.ExpectWord("the task that continues", word)) return false;
  const std::optional<uint8_t> known = TaskFromName(word->text);
  if (!known || PhaseOf(*known) != 1) {
    return state_.Fail(
        *word, absl::StrCat("no concurrent task ", Quoted(word->text), "; tasks are A to G"));
  }
  *task = *known;
  return true;
}

bool PlanParser::ParseSwitch() {
  PendingSwitch pending;
  const Token first = state_.Peek();
  if (first.kind == TokenKind::kWord && TaskFromName(first.text)) {
    state_.Take();
    return state_.Fail(first, state_.PeekIs("@")
                                  ? "a switch by steps, of format 1; turn the file into format 2 "
                                    "with iommufd-check convert OLD NEW"
                                  : "a task without an operation; write task.operation, as in B.1");
  }
  if (!ParseLabel(&pending.place)) return false;
  if (switches_.size() >= kMaxSwitches) {
    return state_.Fail(pending.place.label,
                       absl::StrCat("more than ", kMaxSwitches, " switches; remove some"));
  }
  if (!ParseAnchor(state_, &pending.change)) return false;
  const Token arrow = state_.Take();
  if (arrow.kind != TokenKind::kArrow) {
    return state_.Fail(arrow, absl::StrCat("unexpected ", Shown(arrow), "; write '->' and a task"));
  }
  if (!ParseTask(&pending.to, &pending.change.to)) return false;
  if (PhaseOf(pending.place.task) != 1) {
    return state_.Fail(pending.place.label,
                       absl::StrCat(TaskName(pending.place.task),
                                    " runs alone; name an operation of a task, A to G"));
  }
  if (pending.place.task == pending.change.to) {
    return state_.Fail(pending.to, "switch to the task that is left; name another task");
  }
  switches_.push_back(pending);
  return true;
}

bool PlanParser::FindOperation(const Place& place, uint16_t* operation) {
  const std::vector<Operation>& operations = state_.program.operations;
  const auto in_task = [&](const Operation& o) { return o.task == place.task; };
  const auto first = std::find_if(operations.begin(), operations.end(), in_task);
  const auto end = std::find_if_not(first, operations.end(), in_task);
  const auto count = static_cast<uint64_t>(end - first);
  if (place.number == 0 || place.number > count) {
    return state_.Fail(place.label,
                       absl::StrCat("no operation ", Quoted(place.label.text), "; ",
                                    TaskName(place.task), " has ", count, ", counted from 1"));
  }
  *operation =
      static_cast<uint16_t>(static_cast<uint64_t>(first - operations.begin()) + place.number - 1);
  return true;
}

bool PlanParser::ResolveSwitch(PendingSwitch* pending) {
  if (!FindOperation(pending->place, &pending->change.operation)) return false;
  const std::vector<Operation>& operations = state_.program.operations;
  const bool known = std::any_of(operations.begin(), operations.end(),
                                 [&](const Operation& o) { return o.task == pending->change.to; });
  if (known) return true;
  return state_.Fail(pending->to, absl::StrCat("task ", Quoted(pending->to.text),
                                               " has no operations; add some or remove the "
                                               "switch"));
}

bool PlanParser::Resolve() {
  for (PendingFault& pending : faults_) {
    if (!FindOperation(pending.place, &pending.fault.operation)) return false;
    state_.program.faults.push_back(pending.fault);
  }
  for (PendingSwitch& pending : switches_) {
    if (!ResolveSwitch(&pending)) return false;
    state_.program.switches.push_back(pending.change);
  }
  return true;
}

}  // namespace iommufd_check::program
