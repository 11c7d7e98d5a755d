#include "model/explore/work/work.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "model/explore/states/search.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

Certificate RunOnePart(const Work& work, uint32_t part, program::Executor* executor, Meter* meter) {
  Certificate c = work.blank();
  work.RunPart(part, executor, meter, &c);
  c.executions = meter->used();
  c.finished = c.finished && !meter->refused();
  if (c.finished) c.done = {part};
  return c;
}

class Crew {
 public:
  Crew(const Work& work, const WorkOptions& options) : work_(work), options_(options) {
    for (uint32_t part = options.shard; part < work.blank().parts; part += options.shards) {
      const Certificate* known =
          options.checkpoint == nullptr ? nullptr : options.checkpoint->Find(work.blank(), part);
      parts_.push_back({part, known == nullptr ? std::nullopt : std::optional(*known)});
    }
  }

  void Run() {
    if (options_.pulse != nullptr) options_.pulse->Begin(work_.blank(), Unknown());
    std::vector<std::thread> helpers;
    const size_t useful = std::min(static_cast<size_t>(options_.threads), parts_.size());
    for (size_t i = 1; i < useful; ++i) helpers.emplace_back([this] { RunParts(); });
    RunParts();
    for (std::thread& helper : helpers) helper.join();
  }

  // The sum in the order of the parts, as far as the budget goes.
  Certificate Sum() {
    Certificate sum = work_.blank();
    for (Part& part : parts_) {
      const uint64_t left = options_.max_executions - sum.executions;
      if (!part.result.has_value() || left == 0) {
        sum.finished = false;
        continue;
      }
      if (part.result->executions > left) {
        // Another thread was ahead of the budget.
        program::Executor executor;
        Meter meter(left);
        part.result = RunOnePart(work_, part.number, &executor, &meter);
      }
      sum.Merge(*part.result);
    }
    if (!sum.finished && sum.ended_by.empty()) {
      sum.ended_by = sum.executions >= options_.max_executions ? "max_executions" : StoppedBy();
    }
    return sum;
  }

 private:
  struct Part {
    uint32_t number = 0;
    std::optional<Certificate> result;
  };

  // Parts that no earlier sitting ran.
  uint64_t Unknown() const {
    return static_cast<uint64_t>(std::count_if(
        parts_.begin(), parts_.end(), [](const Part& part) { return !part.result.has_value(); }));
  }

  std::string StoppedBy() const {
    return options_.pulse == nullptr ? "" : std::string(options_.pulse->reason());
  }

  // The next part to run, and what the parts before it leave of the budget as far as is known.
  Part* Claim(uint64_t* budget) {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (next_ < parts_.size() && parts_[next_].result.has_value()) ++next_;
    uint64_t used = 0;
    for (size_t i = 0; i < next_ && parts_[i].result.has_value(); ++i) {
      used += parts_[i].result->executions;
    }
    *budget = options_.max_executions - std::min(used, options_.max_executions);
    if (stopped_ || *budget == 0 || next_ == parts_.size()) return nullptr;
    return &parts_[next_++];
  }

  void RunParts() {
    program::Executor executor;
    uint64_t budget = 0;
    while (Part* part = Claim(&budget)) {
      Meter meter(budget, options_.pulse);
      Certificate c = RunOnePart(work_, part->number, &executor, &meter);
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = stopped_ || (meter.refused() && meter.used() < budget);
      if (c.finished && options_.checkpoint != nullptr) options_.checkpoint->Keep(c);
      if (c.finished && options_.pulse != nullptr) options_.pulse->NotePart(c);
      if (c.finished && options_.on_part) options_.on_part(c);
      part->result = std::move(c);
    }
  }

  const Work& work_;
  const WorkOptions& options_;
  std::mutex mutex_;
  std::vector<Part> parts_;  // results guarded by mutex_ while threads run
  size_t next_ = 0;
  bool stopped_ = false;  // by the pulse
};

}  // namespace

Certificate RunWork(const Work& work, const WorkOptions& options) {
  IOMMUFD_CHECK(options.threads >= 1 && options.threads <= kMaxThreads, "threads are few");
  IOMMUFD_CHECK(options.shard < options.shards, "shards are counted from 0");
  program::Executor executor;
  std::unique_ptr<Work> wider;
  const Work* asked = &work;
  WorkOptions left = options;
  for (uint32_t round = 1;; ++round) {
    Crew crew(*asked, left);
    crew.Run();
    Certificate sum = crew.Sum();
    sum.rounds = std::max(sum.rounds, round);
    // One shard sees only its own part of the meetings: it says so, and leaves it at that.
    if (sum.complete() && !sum.closed() && options.shards == 1) {
      sim::PlaceSet places = sum.places;
      places.Merge(sum.met);
      std::unique_ptr<Work> next = asked->With(places, &executor, options.pulse);
      IOMMUFD_CHECK(next != nullptr, "work whose tasks meet can be done with more places");
      left.max_executions -= std::min(left.max_executions, sum.executions);
      wider = std::move(next);
      asked = wider.get();
      continue;
    }
    sum.Tolerate(options.policy);
    asked->Finish(&executor, options.pulse, &sum);
    sum.Tolerate(options.policy);  // what only the last search found
    return sum;
  }
}

}  // namespace iommufd_check::explore
