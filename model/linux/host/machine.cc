#include "model/linux/host/machine.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/linux/host/machine_entry.h"
#include "model/linux/host/machine_memory.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::linux_host {

using sim::RunEnds;
using sim::Splat;
using sim::Task;

namespace {

// Places of arenas are few; a machine has one as long as it lives.
std::atomic<uint32_t> taken_slots{0};

int TakeSlot() {
  for (int slot = 0; slot < Arena::kSlots; ++slot) {
    if ((taken_slots.fetch_or(1u << slot) & (1u << slot)) == 0) return slot;
  }
  return -1;
}
void GiveSlot(int slot) { taken_slots.fetch_and(~(1u << slot)); }

}  // namespace

absl::StatusOr<std::unique_ptr<Machine>> Machine::Load(const std::string& path) {
  absl::StatusOr<ImageFile> file = ImageFile::Load(path);
  if (!file.ok()) return file.status();
  const int slot = TakeSlot();
  if (slot < 0) return absl::ResourceExhaustedError("no more than 16 images run in one process");
  std::unique_ptr<Machine> machine(new Machine(*std::move(file), slot));
  if (!machine->arena_.mapped() || !machine->memory_->mapped()) {
    return absl::ResourceExhaustedError("the addresses of an image's memory are in use");
  }
  absl::StatusOr<const struct linux_image*> image = machine->file_.Connect(&machine->host_);
  if (!image.ok()) return image.status();
  machine->image_ = *image;
  if (machine->image_->stack_bytes != sim::Fiber::kStackBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has stacks of ", machine->image_->stack_bytes, " bytes, fibers have ",
                     sim::Fiber::kStackBytes, "; build it again with fuzz/linux/build"));
  }
  const char* data = machine->image_->data;
  machine->unbooted_.assign(data, data + machine->image_->data_bytes);
  return machine;
}

Machine::~Machine() { GiveSlot(slot_); }

absl::Status Machine::Start(const MachineConfig& config, sim::Runtime* runtime,
                            const CallPlan& plan) {
  IOMMUFD_CHECK(config.devices <= LINUX_DEVICES, "programs have no more devices than images");
  if (!booted_ || !(config == config_)) {
    const absl::Status status = Boot(config);
    if (!status.ok()) return status;
  } else {
    Reset();
  }
  runtime_ = runtime;
  plan_ = plan;
  calls_ = 0;
  complaints_.clear();
  exhausted_.clear();
  return absl::OkStatus();
}

absl::Status Machine::Boot(const MachineConfig& config) {
  booted_ = false;
  config_ = config;
  plan_ = {};
  complaints_.clear();
  exhausted_.clear();
  arena_.Clear();
  locks_.Clear();
  memory_->Clear(config);
  std::memcpy(image_->data, unbooted_.data(), unbooted_.size());
  sim::LockTable no_locks;
  sim::Runtime runtime;
  runtime.Reset({.locks = &no_locks});
  runtime_ = &runtime;
  long error = 0;
  const struct linux_machine machine = memory_->Describe(config);
  runtime.RunSequential([&](Task& t) {
    error = Enter(t, [&] { return static_cast<long>(image_->boot(&machine)); });
  });
  runtime_ = nullptr;
  if (runtime.stopped() || error != 0 || !complaints_.empty() || !exhausted_.empty()) {
    const std::string why = complaints_.empty() ? exhausted_ : complaints_.front().text;
    return absl::FailedPreconditionError(
        absl::StrCat("the image does not boot: ",
                     why.empty() ? std::string(sim::ErrnoName(static_cast<int>(error))) : why));
  }
  Keep();
  booted_ = true;
  return absl::OkStatus();
}

void Machine::Keep() {
  arena_.Keep();
  locks_.Keep();
  kept_data_.assign(image_->data, image_->data + image_->data_bytes);
  memory_->Keep(image_->page_high(), image_->descriptor_bytes, image_->pages_in_use());
}

void Machine::Reset() {
  const uint64_t high = image_->page_high();
  arena_.Reset();
  locks_.Reset();
  std::memcpy(image_->data, kept_data_.data(), kept_data_.size());
  memory_->Reset(high, image_->descriptor_bytes);
}

size_t Machine::bytes_to_reset() const {
  return kept_data_.size() + arena_.kept_bytes() + memory_->kept_bytes();
}

void Machine::RunEntry(Entry& entry) {
  const unsigned task = entry.task->id();
  entries_[task] = &entry;
  current_ = entry.task;
  if (++inside_ == 1) {
    guard_.emplace(
        image_->text, image_->text_bytes,
        [](void* machine, const Fault& fault) { static_cast<Machine*>(machine)->Land(fault); },
        this);
  }
  if (setjmp(entry.back) == 0) {
    // The boot makes the tasks, so it enters its own.
    if (booted_) image_->enter(task);
    entry.result = (*entry.call)();
    if (booted_) image_->return_to_user();
    CheckNothingHeld(task);
  } else {
    entry.ended = true;
  }
  entries_[task] = nullptr;
  if (--inside_ == 0) guard_.reset();
}

long Machine::Enter(Task& t, const std::function<long()>& call) {
  Entry entry{.machine = this, .task = &t, .call = &call};
  if (t.id() == 0) {
    main_stack_.Start(
        [](void* raw) {
          Entry& own = *static_cast<Entry*>(raw);
          own.machine->RunEntry(own);
        },
        &entry);
    const bool suspended = main_stack_.Resume();
    IOMMUFD_CHECK(!suspended, "a call of task 0 runs to its end");
  } else {
    RunEntry(entry);
  }
  if (!entry.ended) return entry.result;
  IOMMUFD_CHECK(runtime_->stopped(), "only the end of the run leaves the kernel");
  throw RunEnds{};
}

long Machine::OpenIommu(Task& t) {
  return Enter(t, [&] { return image_->open_iommu(); });
}
long Machine::Ioctl(Task& t, int fd, unsigned request, void* argument) {
  return Enter(t, [&] { return image_->ioctl(fd, request, argument); });
}
long Machine::Close(Task& t, int fd) {
  return Enter(t, [&] { return image_->close(fd); });
}
long Machine::DeviceBind(Task& t, int fd, unsigned device, unsigned* id) {
  return Enter(t, [&] { return static_cast<long>(image_->device_bind(fd, device, id)); });
}
long Machine::DeviceUnbind(Task& t, unsigned device) {
  return Enter(t, [&] { return static_cast<long>(image_->device_unbind(device)); });
}
long Machine::DeviceAttach(Task& t, unsigned device, unsigned pt_id) {
  return Enter(t, [&] { return static_cast<long>(image_->device_attach(device, pt_id)); });
}
long Machine::DeviceDetach(Task& t, unsigned device) {
  return Enter(t, [&] { return static_cast<long>(image_->device_detach(device)); });
}

Machine::Machine(ImageFile file, int slot)
    : host_(HostTable()),
      file_(std::move(file)),
      slot_(slot),
      arena_(slot),
      memory_(std::make_unique<MachineMemory>(slot)) {}

}  // namespace iommufd_check::linux_host
