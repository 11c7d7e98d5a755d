// Executors for models that run programs: an executor is used by one thread at a time, a model by
// any number at once. What a run leaves in an executor is no part of any later run.
//
// Threads: Take from any number at once; a lease by one.
//
//   ExecutorPool::Lease lease(&pool);
//   lease->Run(*design, program);
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "model/program/execute/executor.h"

namespace iommufd_check::explore {

class ExecutorPool {
 public:
  class Lease {
   public:
    explicit Lease(ExecutorPool* pool) : pool_(*pool), executor_(pool->Take()) {}
    ~Lease() { pool_.Return(std::move(executor_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    program::Executor* operator->() const { return executor_.get(); }

   private:
    ExecutorPool& pool_;
    std::unique_ptr<program::Executor> executor_;
  };

 private:
  std::unique_ptr<program::Executor> Take() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<program::Executor> executor = std::move(idle_.back());
        idle_.pop_back();
        return executor;
      }
    }
    return std::make_unique<program::Executor>();
  }
  void Return(std::unique_ptr<program::Executor> executor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(executor));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<program::Executor>> idle_;
};

}  // namespace iommufd_check::explore
