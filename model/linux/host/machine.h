// A machine that runs an image: Linux's own code as straight-line calls of tasks of model/sim.
//
// What the kernel asks of a machine (interface.h) is done here on the primitives of the simulation:
// each call that the kernel makes of the shim is a step of the task, at which a schedule may run
// others, and blocking is a wait of the runtime. A run begins where boot ended: Start copies back
// what has changed since.
//
// What the kernel's own checks and this machine's find are complaints: a run goes on after most of
// them and ends with the others, as RunEnds thrown through the caller (task.h).
//
//   absl::StatusOr<std::unique_ptr<Machine>> machine = Machine::Load(path);
//   (*machine)->Start({.devices = 1}, &runtime);
//   runtime.RunSequential([&](sim::Task& t) { fd = (*machine)->OpenIommu(t); });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/linux/host/arena.h"
#include "model/linux/host/fault_guard.h"
#include "model/linux/host/image_file.h"
#include "model/linux/host/locks.h"
#include "model/sim/fiber.h"
#include "model/sim/runtime.h"

namespace iommufd_check::linux_host {

struct MachineConfig {
  uint32_t devices = 1;       // at most LINUX_DEVICES
  uint32_t buffers = 1;       // anonymous memory of the process
  uint32_t buffer_pages = 4;  // of each buffer
  friend bool operator==(const MachineConfig&, const MachineConfig&) = default;
};

// Which of the calls that can fail do: `count` of them from the `first` on, as the run makes them.
// 0: none.
struct CallPlan {
  uint64_t first = 0;
  uint64_t count = 1;
};

struct Complaint {
  sim::Splat splat = sim::Splat::kWarn;
  std::string text;  // "WARN at drivers/iommu/iommufd/main.c:180"
  uint16_t operation = 0;
};

class MachineMemory;

class Machine {
 public:
  static absl::StatusOr<std::unique_ptr<Machine>> Load(const std::string& path);
  ~Machine();

  // REQUIRES: nothing of an earlier run goes on; `runtime` was Reset and lives until the next
  // Start. FailedPrecondition: the image does not boot.
  absl::Status Start(const MachineConfig& config, sim::Runtime* runtime, const CallPlan& plan = {});

  // System calls; each returns what the kernel does. `argument`: of the process.
  long OpenIommu(sim::Task& t);
  long Ioctl(sim::Task& t, int fd, unsigned request, void* argument);
  long Close(sim::Task& t, int fd);
  long DeviceBind(sim::Task& t, int fd, unsigned device, unsigned* id);
  long DeviceUnbind(sim::Task& t, unsigned device);
  long DeviceAttach(sim::Task& t, unsigned device, unsigned pt_id);
  long DeviceDetach(sim::Task& t, unsigned device);

  // Of this run.
  const std::vector<Complaint>& complaints() const { return complaints_; }
  // Not empty: the machine was too small, and nothing is known about the rest of the run.
  const std::string& exhausted() const { return exhausted_; }
  uint64_t calls_that_can_fail() const { return calls_; }

  // REQUIRES: no task is inside a call. What a process that is gone must not leave behind: memory,
  // references, pins and what is accounted, a line each; and objects that were written to wrongly.
  std::vector<std::string> Remains() const;
  // The page that DMA of the device finds at the IOVA, with 1 read and 2 write in *permissions;
  // 0: nothing, or its tables led astray.
  uint64_t Translate(unsigned device, uint64_t iova, unsigned* permissions) const;
  // An iommufd, the nth that the run opened, as the kernel's structs have it. REQUIRES: no task is
  // inside a call.
  struct Observed {
    bool lost = false;  // the structs led astray: what follows is not all
    bool exists = false;
    bool fd_open = false;
    std::vector<linux_object> objects;  // ascending by id
    std::vector<linux_area> areas;      // by IOAS, then ascending by IOVA
  };
  Observed Observe(unsigned nth) const;
  // The words of a page of memory, or null where none is.
  const uint64_t* Words(uint64_t page) const;
  // The page of the process at that user address, or 0.
  uint64_t UserPage(uint64_t address) const;

  // The orders in which this machine's runs took locks, "outer -> inner", sorted.
  std::vector<std::string> LockOrders() const { return locks_.Orders(); }
  unsigned linux_version() const { return image_->linux_version; }
  size_t bytes_to_reset() const;
  // Of every byte that runs change: equal after each Start with the same machine.
  uint64_t StateDigest() const;

 private:
  struct Callbacks;  // the functions of struct linux_host
  struct Entry;

  Machine(ImageFile file, int slot);
  struct linux_host HostTable();
  absl::Status Boot(const MachineConfig& config);
  void Keep();
  void Reset();
  long Enter(sim::Task& t, const std::function<long()>& call);
  void RunEntry(Entry& entry);
  [[noreturn]] void Leave(sim::Task& t);

  // machine_host.cc: of the task that runs. Whoever does not come back has jumped to its Entry, so
  // nothing on the way may need a destructor.
  template <class Action>
  void AsTask(const Action& action);
  void Complain(sim::Splat splat, std::string text);
  void AddOops(sim::Splat splat, std::string text);
  [[noreturn]] void OopsAt(sim::Splat splat, const char* what, Site site);
  [[noreturn]] void Exhausted(const char* what);
  [[noreturn]] void Land(const Fault& fault);
  bool Fails();
  uint32_t NumberOf(unsigned* word, LockKind kind);
  void Acquire(unsigned* word, LockKind kind, bool shared, Site site);
  void NoteOrder(uint32_t number, Site site);
  void WaitFor(uint32_t number, bool shared, Site site);
  void Release(unsigned* word, bool shared, Site site);
  void CheckNothingHeld(unsigned task);
  bool SleepOn(sim::ObjectRef queue, bool has_timeout, Site site);
  bool SleepTask(unsigned task, bool has_timeout, Site site);
  void WakeTask(unsigned task);
  void FreeObject(const void* object, Site site);

  // Calls the image for a look at its state. False: it led astray.
  bool Look(const std::function<void()>& look) const;

  struct linux_host host_;
  ImageFile file_;
  const int slot_;
  const struct linux_image* image_ = nullptr;
  std::vector<char> unbooted_;  // the image's data as it was loaded

  Arena arena_;
  std::unique_ptr<MachineMemory> memory_;
  Locks locks_;

  bool booted_ = false;
  MachineConfig config_;
  std::vector<char> kept_data_;

  sim::Runtime* runtime_ = nullptr;
  sim::Fiber main_stack_;  // task 0 comes from a stack that is not ours
  sim::Task* current_ = nullptr;
  Entry* entries_[sim::kMaxTasks] = {};
  int inside_ = 0;                   // tasks in calls
  std::optional<FaultGuard> guard_;  // while some are: they leave in any order
  bool woken_[sim::kMaxTasks] = {};
  CallPlan plan_;
  uint64_t calls_ = 0;
  std::vector<Complaint> complaints_;
  std::string exhausted_;
};

}  // namespace iommufd_check::linux_host
