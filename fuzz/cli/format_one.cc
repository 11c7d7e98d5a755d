#include "fuzz/cli/format_one.h"

#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "fuzz/cli/input_file.h"
#include "fuzz/cli/names.h"
#include "model/explore/schedules/program_subject.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/text/switch_text.h"
#include "model/program/text/text_codec.h"
#include "model/sim/step_schedule.h"

namespace iommufd_check::cli {
namespace {

std::optional<sim::TaskId> TaskOf(absl::string_view name) {
  const auto task = program::TaskFromName({name.data(), name.size()});
  if (!task.has_value() || program::PhaseOf(*task) != 1) return std::nullopt;
  return task;
}

// A line without its comment and blanks: "switchA@37->B".
std::string Bare(absl::string_view line) {
  return absl::StrReplaceAll(line.substr(0, line.find('#')), {{" ", ""}, {"\t", ""}, {"\r", ""}});
}

std::optional<sim::StepSwitch> StepSwitchIn(absl::string_view line) {
  const std::string bare = Bare(line);
  absl::string_view rest = bare;
  if (!absl::ConsumePrefix(&rest, "switch") || rest.size() < 2 || rest[1] != '@') return {};
  const std::vector<absl::string_view> parts = absl::StrSplit(rest.substr(2), "->");
  const auto from = TaskOf(rest.substr(0, 1));
  uint32_t after = 0;
  if (!from || parts.size() != 2 || !absl::SimpleAtoi(parts[0], &after)) return {};
  const auto to = TaskOf(parts[1]);
  if (!to) return {};
  return sim::StepSwitch{*from, after, *to};
}

bool SaysFormatOne(absl::string_view line) { return Bare(line) == "format1"; }

// What a text of format 1 is made of.
struct OldText {
  std::vector<std::string> lines;  // where a switch or the format stood, an empty one
  std::vector<bool> gone;          // by line: it is one of those
  std::vector<sim::StepSwitch> switches;
  size_t first = 0;  // line of the first switch
};

OldText Split(const std::string& text) {
  OldText old;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const auto change = StepSwitchIn(line);
    if (change && old.switches.empty()) old.first = old.lines.size();
    if (change) old.switches.push_back(*change);
    old.gone.push_back(change || SaysFormatOne(line));
    old.lines.emplace_back(old.gone.back() ? absl::string_view() : line);
  }
  return old;
}

sim::PlaceSet AllPlaces() {
  sim::PlaceSet places;
  for (int kind = 0; kind < sim::Count<sim::ObjectKind>(); ++kind) {
    for (int field = 0; field < sim::Count<sim::Field>(); ++field) {
      places.Add(static_cast<sim::ObjectKind>(kind), static_cast<sim::Field>(field));
    }
  }
  return places;
}

absl::StatusOr<program::Program> Anchored(const program::Program& program,
                                          const std::vector<sim::StepSwitch>& switches,
                                          const std::string& path) {
  liveupdate::Design* design = liveupdate::FindDesign(
      program.design.empty() ? kDefaultDesign : std::string_view(program.design));
  if (design == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", UnknownDesign(program.design)));
  }
  program::Executor executor;
  explore::ProgramSubject subject(&executor, design, program);
  subject.UsePlaces(AllPlaces());
  sim::StepSchedule schedule(switches);
  subject.RunUnder(&schedule);
  const uint64_t digest = subject.digest();
  program::Program anchored = subject.Replayable();
  if (executor.Run(*design, anchored).digest == digest) return anchored;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": its schedule cannot be repeated by switches at events"));
}

}  // namespace

bool IsFormatOne(std::string_view text) {
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    if (StepSwitchIn(line).has_value() || SaysFormatOne(line)) return true;
  }
  return false;
}

absl::StatusOr<std::string> FromFormatOne(const std::string& text, const std::string& path) {
  OldText old = Split(text);
  const absl::StatusOr<program::Program> program =
      DecodeProgram(absl::StrJoin(old.lines, "\n"), Form::kText, path);
  if (!program.ok()) return program.status();
  const absl::StatusOr<program::Program> anchored = Anchored(*program, old.switches, path);
  if (!anchored.ok()) return anchored.status();
  std::string converted;
  for (size_t i = 0; i < old.lines.size(); ++i) {
    if (!old.switches.empty() && i == old.first) {
      for (const sim::Switch& change : anchored->switches) {
        absl::StrAppend(&converted, "switch ", program::SwitchText(*anchored, change), "\n");
      }
    }
    if (old.gone[i]) continue;
    absl::StrAppend(&converted, old.lines[i], i + 1 < old.lines.size() ? "\n" : "");
  }
  return converted;
}

}  // namespace iommufd_check::cli
