#include "tests/fuzz/golden_cases.h"

#include "fuzz/report/event_text.h"
#include "fuzz/report/report.h"
#include "model/program/text/text_codec.h"
#include "tests/fuzz/cli_fixture.h"
#include "tests/fuzz/event_builder.h"
#include "tests/support/subprocess.h"

namespace iommufd_check::cli {
namespace {

using program::OpCode;
using sim::Field;
using sim::LockClass;
using sim::LockMode;

program::Program Parsed(const std::string& text) {
  return *program::ParseProgram(text, "golden.prog");
}

// Two tasks, written by hand: independent of the model.
std::string Race() {
  const program::Program program = Parsed(
      "# The title is not printed.\n"
      "design v1\n"
      "boot memfds=1 devices=1\n"
      "main:\n"
      "  ioas = ioas_alloc()\n"
      "  s = luo_create_session(name=\"vm\")\n"
      "A:\n"
      "  map_file(ioas, memfd=0, iova=0x1000, length=0x2000)  -> 0\n"
      "B:\n"
      "  luo_preserve(s, iommufd, token=2)  -> EBUSY\n"
      "switch A@4 -> B\n"
      "expect violation I04 luo_preserve\n"
      "also I20\n");
  EventBuilder log;
  log.On(0).Op(0).Begin().End(0).Op(1).Begin().End(0);
  log.On(1)
      .Op(2)
      .Begin()
      .Lock(LockClass::kIovaRwsem, Ioas(1))
      .Note(sim::Note::kGatePassed, Ioas(1));
  log.Write(Area(0), Field::kAreaPages).Skip(2);
  log.On(2).Op(3).Begin().Lock(LockClass::kObjectsXaLock, {sim::ObjectKind::kIommufd, 0});
  log.Lock(LockClass::kDomainsRwsem, Ioas(1)).Wait(LockClass::kIovaRwsem, Ioas(1));
  log.On(1).Unlock(LockClass::kIovaRwsem, Ioas(1));
  log.Wait(LockClass::kDomainsRwsem, Ioas(1), LockMode::kShared);
  log.On(2).Lock(LockClass::kIovaRwsem, Ioas(1)).Note(sim::Note::kImmutableSet, Ioas(1));
  log.Read(Area(0), Field::kAreaPages);
  const spec::Violation subject = log.Violated(spec::Invariant::kI04, Area(0));
  log.Splat(sim::Splat::kNullAreaPages, Area(0));

  program::Execution execution;
  execution.end = sim::RunEnd::kOops;
  execution.violations = {
      subject,
      {.invariant = spec::Invariant::kI20, .operation = 2},
      {.invariant = spec::Invariant::kI20, .operation = 3},
      {.invariant = spec::Invariant::kI37, .operation = 3, .event = subject.event}};
  execution.difference = {"ioas1 immutable: 0 -> 1"};
  return RenderReport(program, execution, log.events(), subject,
                      {.design = "v1", .replay = "corpus/bugs/race.prog"});
}

// One task, a violation at the exit, texts that are too long, nothing optional.
std::string Exit() {
  const program::Program program = Parsed("main:\n  ioas = ioas_alloc()\n");
  EventBuilder log;
  log.Op(0).Begin().Fault(sim::FaultSite::kCopyToUser, 1).End(-sim::kEFAULT);
  log.Op(spec::kExitOperation).Begin().End(0);
  spec::Violation subject = log.Violated(spec::Invariant::kI36);
  for (int i = 0; i < 30; ++i) subject.detail += ", again and again";
  program::Execution execution;
  execution.violations = {subject};
  execution.difference.assign(9, "kernel.luo." + std::string(120, 'x') + ": 0 -> 1");
  return RenderReport(program, execution, log.events(), subject, {.design = "reference"});
}

std::string Details() {
  const program::Program program = ProgramOf({{1, OpCode::kMap}});
  EventBuilder log;
  log.On(1).Op(0).Begin().Lock(LockClass::kIovaRwsem, Ioas(1)).Call(sim::FaultSite::kKcalloc, 2);
  log.Note(sim::Note::kKhoAdd, {sim::ObjectKind::kFlb, 0}, 0x102)
      .Note(sim::Note::kMark, Ioas(1), 7);
  log.Write(Ioas(1), Field::kAreaTree).Unlock(LockClass::kIovaRwsem, Ioas(1)).End(-sim::kENOMEM);
  return RenderDetails(program, log.events());
}

// From the model: changes with it.
std::string RealRun() { return RunCli({"run", "--digest", "-"}, ViolatingProgram()).out; }

}  // namespace

const std::vector<GoldenCase>& GoldenCases() {
  static const std::vector<GoldenCase> cases{
      {"report_race", &Race},
      {"report_exit", &Exit},
      {"details", &Details},
      {"run_v1", &RealRun},
  };
  return cases;
}

std::string GoldenPath(const GoldenCase& golden) {
  return test_support::SourceRoot() + "/tests/fuzz/golden/" + golden.name + ".txt";
}

}  // namespace iommufd_check::cli
