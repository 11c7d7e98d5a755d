#include "fuzz/report/swim_lanes.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/report/event_text.h"
#include "fuzz/targets/row_choice.h"
#include "model/sim/errno.h"

namespace iommufd_check::cli {
namespace {

constexpr size_t kMarkerWidth = 4;
constexpr size_t kNarrowest = 9;  // of a lane that others may overlap

using Row = Lanes::Row;

// With as many of the locks, the last ones, as fit into `width`.
std::string TextOf(const Row& row, size_t width) {
  const std::string text = absl::StrFormat("%4d %s", row.step, row.text);
  if (row.locks.empty()) return text;
  size_t skipped = 0;
  const auto whole = [&] { return text + "  " + Bracketed(row.locks, skipped); };
  while (skipped < row.locks.size() && whole().size() > width) ++skipped;
  return whole();
}

std::vector<Row> RowsOf(const program::Program& program, const std::vector<sim::Event>& events,
                        const std::vector<size_t>& chosen) {
  std::vector<Row> rows;
  std::set<std::pair<sim::TaskId, uint16_t>> begun;  // operations whose begin has a row
  HeldLocks held;
  size_t next = 0;
  for (const size_t i : chosen) {
    for (; next <= i; ++next) held.Apply(events[next]);
    const sim::Event& event = events[i];
    const bool whole =
        event.primitive == sim::Primitive::kOpEnd && !begun.contains({event.task, event.operation});
    if (event.primitive == sim::Primitive::kOpBegin) begun.insert({event.task, event.operation});
    const std::string text =
        whole ? absl::StrCat(CallText(program, event.operation), " -> ",
                             std::string(sim::ErrnoName(static_cast<int>(event.value))))
              : EventText(program, event);
    rows.push_back(
        {.task = event.task, .step = event.step, .text = text, .locks = held.Of(event.task)});
  }
  return rows;
}

// Where lanes stand. Rows hold one task each, so that a row may run over the lanes to its right;
// lanes are as wide as their rows while that fits, else they share what the last one leaves.
class Layout {
 public:
  Layout(const Lanes& lanes, size_t width) : tasks_(lanes.tasks), width_(width) {
    std::vector<size_t> needed;
    for (const sim::TaskId task : tasks_) {
      size_t most = HeaderOf(task).size();
      for (const Row& row : lanes.rows) {
        if (row.task == task) most = std::max(most, TextOf(row, width).size());
      }
      needed.push_back(most + kGap);
    }
    Place(needed);
  }

  std::string Header() const {
    std::string line = Blank();
    for (size_t k = 0; k < tasks_.size(); ++k) Put(&line, offsets_[k], HeaderOf(tasks_[k]));
    return Finish(std::move(line));
  }
  std::string Line(const Row& row) const {
    std::string line = Blank();
    if (row.seen) Put(&line, 0, ">>>");
    const auto lane = std::find(tasks_.begin(), tasks_.end(), row.task) - tasks_.begin();
    Put(&line, offsets_[lane], TextOf(row, width_ - offsets_[lane]));
    return Finish(std::move(line));
  }
  std::string Elision(uint32_t steps) const {
    return absl::StrFormat("%s... %d step%s\n", std::string(kMarkerWidth, ' '), steps,
                           steps == 1 ? "" : "s");
  }

 private:
  static constexpr size_t kGap = 3;  // " | "

  static std::string HeaderOf(sim::TaskId task) {
    return absl::StrCat("step ", program::TaskName(task));
  }

  void Place(const std::vector<size_t>& needed) {
    const size_t room = width_ - kMarkerWidth;
    const size_t all_but_last = std::accumulate(needed.begin(), needed.end() - 1, size_t{0});
    const size_t last = std::min(needed.back(), room * 5 / 8);
    size_t shared = 0;  // width of each lane but the last, when they cannot have what they need
    if (all_but_last + last > room + kGap) {
      shared = std::max((room - last) / (needed.size() - 1), kNarrowest);
    }
    size_t offset = kMarkerWidth;
    for (const size_t lane : needed) {
      offsets_.push_back(offset);
      offset += shared > 0 ? shared : lane;
    }
  }

  std::string Blank() const {
    std::string line(kMarkerWidth, ' ');
    for (size_t k = 1; k < offsets_.size(); ++k) Put(&line, offsets_[k] - 2, "|");
    return line;
  }
  static void Put(std::string* line, size_t at, const std::string& text) {
    if (line->size() < at + text.size()) line->resize(at + text.size(), ' ');
    line->replace(at, text.size(), text);
  }
  std::string Finish(std::string line) const {
    if (line.size() > width_) {
      line.resize(width_ - 1);
      line += '~';
    }
    line.resize(line.find_last_not_of(' ') + 1);
    return line + "\n";
  }

  const std::vector<sim::TaskId>& tasks_;
  size_t width_;
  std::vector<size_t> offsets_;
};

std::vector<sim::TaskId> TasksShown(const program::Program& program, const std::vector<Row>& rows) {
  std::set<sim::TaskId> tasks;
  for (const program::Operation& operation : program.operations) {
    if (program::PhaseOf(operation.task) == 1) tasks.insert(operation.task);
  }
  for (const Row& row : rows) tasks.insert(row.task);
  return {tasks.begin(), tasks.end()};
}

}  // namespace

Lanes LanesOf(const program::Program& program, const std::vector<sim::Event>& events,
              const spec::Violation& subject, size_t max_rows) {
  if (events.empty()) return {};
  const std::vector<size_t> chosen = ChooseRows(events, subject, max_rows);
  Lanes lanes{.rows = RowsOf(program, events, chosen)};
  lanes.tasks = TasksShown(program, lanes.rows);
  uint8_t shown = 0;
  for (const sim::TaskId task : lanes.tasks) shown |= static_cast<uint8_t>(1u << task);

  const StepCount steps(events, shown);
  const size_t seen = SeenAt(events, subject);
  size_t previous = StepCount::kStart;
  for (size_t i = 0; i < chosen.size(); ++i) {
    lanes.rows[i].skipped = steps.Between(previous, chosen[i]);
    lanes.rows[i].seen = chosen[i] == seen;
    previous = chosen[i];
  }
  return lanes;
}

std::string DrawLanes(const Lanes& lanes, size_t width) {
  if (lanes.rows.empty()) return "";
  const Layout layout(lanes, width);
  std::string table = layout.Header();
  for (const Row& row : lanes.rows) {
    if (row.skipped > 0) table += layout.Elision(row.skipped);
    table += layout.Line(row);
  }
  return table;
}

}  // namespace iommufd_check::cli
