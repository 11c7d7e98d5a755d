// The budget of a piece of work in executions, and the pulse of the whole.
//
//   Meter meter(1000);
//   while (meter.Take()) executor.Run(...);
#pragma once

#include <cstdint>
#include <string_view>

namespace iommufd_check::explore {

struct Certificate;

// Asked before each execution, by any thread; false ends the work. Clocks and progress lines are
// the caller's, since nothing here may look at a clock.
class Pulse {
 public:
  virtual ~Pulse() = default;
  virtual bool Beat() = 0;
  // So many parts of this are to be run now; what was asked before is over.
  virtual void Begin(const Certificate& /*blank*/, uint64_t /*parts*/) {}
  // One of them ran to its end. By one thread at a time.
  virtual void NotePart(const Certificate& /*part*/) {}
  // The name of the budget that ended, once Beat was false.
  virtual std::string_view reason() const = 0;
};

class Meter {
 public:
  explicit Meter(uint64_t max_executions = UINT64_MAX, Pulse* pulse = nullptr)
      : max_executions_(max_executions), pulse_(pulse) {}

  // Counts one execution, unless the budget has ended.
  bool Take() {
    if (used_ == max_executions_ || (pulse_ != nullptr && !pulse_->Beat())) {
      refused_ = true;
      return false;
    }
    ++used_;
    return true;
  }
  uint64_t used() const { return used_; }
  bool refused() const { return refused_; }

 private:
  uint64_t max_executions_;
  Pulse* pulse_;
  uint64_t used_ = 0;
  bool refused_ = false;
};

}  // namespace iommufd_check::explore
