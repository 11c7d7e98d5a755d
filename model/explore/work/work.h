// Exploring a program as numbered parts that know nothing of each other, and running them: by
// threads, by shards, at several sittings. The parts and what each does are functions of program,
// design and bounds; the certificate of the whole is the sum. So threads, shards and resumption
// cannot change a result.
//
//   const std::unique_ptr<Work> work = MakeExploreWork(&executor, *design, "a.prog", program, {});
//   Certificate c = RunWork(*work, {.threads = 2});
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/explore/work/certificate.h"
#include "model/explore/work/checkpoint.h"
#include "model/explore/work/meter.h"
#include "model/program/execute/executor.h"

namespace iommufd_check::explore {

// Threads: a Work is immutable, and designs keep nothing of their own.
class Work {
 public:
  virtual ~Work() = default;
  // What is asked, with nothing done yet.
  const Certificate& blank() const { return blank_; }

  // Runs one part and enters it into *c, but for what the meter counts and says. What the meter
  // cuts short is entered as far as it came.
  virtual void RunPart(uint32_t part, program::Executor* executor, Meter* meter,
                       Certificate* c) const = 0;
  // What is done once with the sum of the parts that were asked for. `pulse` may be null.
  virtual void Finish(program::Executor*, Pulse* /*pulse*/, Certificate*) const {}
  // The same work with the tasks switched at `places`, which has more than blank().places; null:
  // places are no matter to it.
  virtual std::unique_ptr<Work> With(const sim::PlaceSet& /*places*/, program::Executor*,
                                     Pulse* /*pulse*/) const {
    return nullptr;
  }

 protected:
  // `work` is "explore", "sweep" or "verdict".
  Work(const char* work, const std::string& program_name, const liveupdate::Design& design) {
    blank_.work = work;
    blank_.program = program_name;
    blank_.design = std::string(design.name());
  }

  Certificate blank_;
};

struct WorkOptions {
  int threads = 1;
  // Of the parts, those whose number is `shard` modulo `shards`.
  uint32_t shard = 0;
  uint32_t shards = 1;
  // Of all these parts together. Parts are run in order until it ends, whatever the threads.
  uint64_t max_executions = UINT64_MAX;
  program::FindingPolicy policy;  // which findings count
  Pulse* pulse = nullptr;
  Checkpoint* checkpoint = nullptr;  // what it knows is not run again; gets what is done
  // After each part that ran to its end, by one thread at a time.
  std::function<void(const Certificate& part)> on_part;
};

// REQUIRES: 1 <= threads <= kMaxThreads, shard < shards.
Certificate RunWork(const Work& work, const WorkOptions& options);

}  // namespace iommufd_check::explore
