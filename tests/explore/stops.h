// A pulse that ends the work after so many beats.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "model/explore/work/meter.h"

namespace iommufd_check::explore {

class Stops : public Pulse {
 public:
  explicit Stops(uint64_t beats) : left_(static_cast<int64_t>(beats)) {}
  bool Beat() override { return left_-- > 0; }
  std::string_view reason() const override { return "test"; }
  // It was asked once more than it had beats.
  bool stopped() const { return left_ < 0; }

 private:
  std::atomic<int64_t> left_;
};

}  // namespace iommufd_check::explore
