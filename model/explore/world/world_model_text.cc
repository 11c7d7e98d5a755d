// States of the World in words and as programs.
#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/explore/world/world_model.h"
#include "model/program/text/text_codec.h"
#include "model/sim/errno.h"

namespace iommufd_check::explore {

using program::Execution;
using program::Program;
using spec::Invariant;
using Spelled = WorldAlphabet::Spelled;

std::string WorldModel::Describe(const State& state) const {
  const Spelled spelled = Spell(state.start, std::span(state.path).first(state.length));
  ExecutorPool::Lease executor(&pool_);
  const Execution& run = executor->Keep(design_, spelled.program);
  std::string text = "answer ";
  if (state.ended != 0) {
    text += "none";
  } else {
    text += sim::ErrnoName(run.results.back().result);
  }
  const liveupdate::World& world = executor->world();
  std::size_t marked = 0;
  std::uint64_t immutable = 0;
  std::size_t files = 0;
  world.kernel.iommufd.hwpts.ForEach(
      [&](iommufd::HwptHandle, const iommufd::Hwpt& hwpt) { marked += hwpt.IsMarked() ? 1 : 0; });
  world.kernel.iommufd.ioas.ForEach([&](iommufd::IoasHandle, const iommufd::Ioas& ioas) {
    immutable += ioas.iopt.immutable.Peek();
  });
  world.kernel.luo.sessions.ForEach(
      [&](liveupdate::SessionHandle, const liveupdate::Session& session) {
        files += session.files.Peek().size();
      });
  absl::StrAppend(&text, "; areas ", world.kernel.iommufd.areas.live(), "; hwpts ",
                  world.kernel.iommufd.hwpts.live(), ", marked ", marked, "; immutable ", immutable,
                  "; files ", files, "; registered pages ",
                  world.kernel.luo.kho.PreservedPages().size(), "; broken");
  for (int i = 0; i < spec::kInvariants; ++i) {
    const auto invariant = static_cast<Invariant>(i);
    if ((state.broken & BitOf(invariant)) == 0) continue;
    absl::StrAppend(&text, " ", std::string(spec::IdOf(invariant)));
  }
  return text;
}

std::string WorldModel::Artefact(const State& state) const {
  Program text = Spell(state.start, std::span(state.path).first(state.length)).program;
  text.design = std::string(design_.name());
  ExecutorPool::Lease executor(&pool_);
  const Execution& run = executor->Run(design_, text);
  std::optional<Invariant> subject;
  for (const spec::Violation& violation : run.violations) {
    const bool wanted = (state.broken & BitOf(violation.invariant)) != 0;
    if (wanted && (!subject.has_value() || violation.invariant < *subject)) {
      subject = violation.invariant;
    }
  }
  if (subject.has_value()) {
    const std::string id(spec::IdOf(*subject));
    text.title = absl::StrCat("No shorter sequence of these operations breaks ", id, ":\n",
                              std::string(spec::SentenceOf(*subject)));
    const std::uint16_t at = run.Find(*subject)->operation;
    program::ExpectedViolation line{.invariant = id};
    if (at < text.operations.size()) line.operation = text.operations[at].code;
    text.expected.push_back(line);
  }
  for (const spec::Violation& violation : run.violations) {
    const std::string id(spec::IdOf(violation.invariant));
    const bool said = violation.invariant == subject ||
                      std::find(text.also.begin(), text.also.end(), id) != text.also.end();
    if (!said) text.also.push_back(id);
  }
  return program::PrintProgram(text);
}

}  // namespace iommufd_check::explore
