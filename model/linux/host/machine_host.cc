// What an image asks of its machine: steps, locks, waits, memory, complaints.
#include <csetjmp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/linux/host/machine.h"
#include "model/linux/host/machine_entry.h"
#include "model/linux/host/machine_memory.h"
#include "model/sim/check.h"

namespace iommufd_check::linux_host {

using sim::ObjectKind;
using sim::Primitive;
using sim::RunEnds;
using sim::Splat;
using sim::Task;

namespace {

// What a task waits for, as an object of the simulation: a lock, or to be woken.
sim::ObjectRef QueueOf(uint32_t lock) {
  return {ObjectKind::kNone, static_cast<uint16_t>(lock % 0x8000)};
}
sim::ObjectRef QueueOfTask(unsigned task) {
  return {ObjectKind::kNone, static_cast<uint16_t>(0x8000 + task)};
}

}  // namespace

void Machine::Leave(Task& t) {
  Entry* entry = entries_[t.id()];
  IOMMUFD_CHECK(entry != nullptr, "who leaves the kernel has entered it");
  std::longjmp(entry->back, 1);
}

// Runs what may switch tasks or end the run.
template <class Action>
void Machine::AsTask(const Action& action) {
  Task& t = *current_;
  bool ends = false;
  try {
    action(t);
  } catch (const RunEnds&) {
    ends = true;
  }
  current_ = &t;
  if (ends) Leave(t);
}

void Machine::Complain(Splat splat, std::string text) {
  // One is enough to tell what is wrong; a loop must not make millions.
  constexpr size_t kMost = 64;
  current_->Report(splat, {});
  if (complaints_.size() < kMost)
    complaints_.push_back({splat, std::move(text), current_->operation()});
}

void Machine::AddOops(Splat splat, std::string text) {
  complaints_.push_back({splat, std::move(text), current_->operation()});
}

void Machine::Land(const Fault& fault) {
  Splat splat = Splat::kBadPointer;
  if (fault.no_address) splat = Splat::kUseAfterFree;
  if (!fault.no_address && fault.address < 4096) splat = Splat::kNullDereference;
  OopsAt(splat, std::string(sim::Name(splat)).c_str(), fault.instruction);
}

void Machine::OopsAt(Splat splat, const char* what, Site site) {
  AddOops(splat, absl::StrCat(what, " at ", file_.Describe(site)));
  AsTask([&](Task& t) { t.Oops(splat, {}); });
  IOMMUFD_CHECK(false, "an oops ends the run");
  __builtin_unreachable();
}

void Machine::Exhausted(const char* what) {
  exhausted_ = what;
  runtime_->RequestStop();
  AsTask([](Task& t) { t.Step(); });
  IOMMUFD_CHECK(false, "a run that is stopped ends at the next step");
  __builtin_unreachable();
}

bool Machine::Fails() {
  AsTask([](Task& t) { t.Step({Primitive::kCall, sim::kAnyDetail}); });
  const uint64_t call = ++calls_;
  return plan_.first != 0 && call >= plan_.first && call - plan_.first < plan_.count;
}

void Machine::CheckNothingHeld(unsigned task) {
  if (locks_.HeldBy(task).empty()) return;
  Complain(Splat::kLockHeldAtReturn,
           absl::StrCat("returns to user space with ",
                        locks_.ClassName(locks_.at(locks_.HeldBy(task).back()).lock_class)));
}

uint32_t Machine::NumberOf(unsigned* word, LockKind kind) {
  if (*word == 0) *word = locks_.Add(kind, "", reinterpret_cast<uintptr_t>(word));
  return *word;
}

void Machine::Acquire(unsigned* word, LockKind kind, bool shared, Site site) {
  AsTask([](Task& t) { t.Step({Primitive::kLock, sim::kAnyDetail}); });
  const uint32_t number = NumberOf(word, kind);
  if (!locks_.Exists(number) || locks_.at(number).kind != kind) {
    OopsAt(Splat::kUseAfterFree, "lock that is none taken", site);
  }
  NoteOrder(number, site);
  const unsigned task = current_->id();
  if (locks_.at(number).HeldBy(task, shared) || locks_.at(number).HeldBy(task, !shared)) {
    OopsAt(Splat::kRecursiveLock, "lock taken again by its holder", site);
  }
  WaitFor(number, shared, site);
  locks_.Take(number, task, shared);
  current_->Record(Primitive::kLock, QueueOf(number), sim::kNoLockClass, 0, shared ? 1 : 0,
                   static_cast<int>(number));
}

void Machine::WaitFor(uint32_t number, bool shared, Site site) {
  const unsigned task = current_->id();
  const auto bit = static_cast<uint8_t>(1u << task);
  while (!locks_.at(number).CanTake(task, shared)) {
    if (!shared) locks_.at(number).waiting_writers |= bit;
    SleepOn(QueueOf(number), false, site);
    if (!shared) locks_.at(number).waiting_writers &= static_cast<uint8_t>(~bit);
  }
}

void Machine::NoteOrder(uint32_t number, Site site) {
  const std::vector<std::string> circle = locks_.NoteOrder(current_->id(), number);
  if (circle.empty()) return;
  std::string text = absl::StrCat("circle of locks at ", file_.Describe(site), ":");
  for (const std::string& name : circle) absl::StrAppend(&text, " ", name);
  Complain(Splat::kLockCycle, std::move(text));
}

void Machine::Release(unsigned* word, bool shared, Site site) {
  AsTask([](Task& t) { t.Step({Primitive::kUnlock, sim::kAnyDetail}); });
  const uint32_t number = *word;
  if (!locks_.Exists(number) || !locks_.at(number).HeldBy(current_->id(), shared)) {
    OopsAt(Splat::kUnlockNotOwner, "unlock by a task that does not hold the lock", site);
  }
  locks_.Give(number, current_->id(), shared);
  current_->Record(Primitive::kUnlock, QueueOf(number), sim::kNoLockClass, 0, shared ? 1 : 0,
                   static_cast<int>(number));
  runtime_->Wake(*current_, QueueOf(number));
}

// False: the time-out was taken.
bool Machine::SleepOn(sim::ObjectRef queue, bool has_timeout, Site site) {
  bool woken = false;
  Task& t = *current_;
  bool ends = false;
  try {
    woken = runtime_->Sleep(t, queue, has_timeout);
  } catch (const RunEnds&) {
    ends = true;
  }
  current_ = &t;
  if (!ends) return woken;
  if (runtime_->end() == sim::RunEnd::kDeadlock && complaints_.empty()) {
    AddOops(Splat::kDeadlock, absl::StrCat("no task can continue at ", file_.Describe(site)));
  }
  Leave(t);
}

bool Machine::SleepTask(unsigned task, bool has_timeout, Site site) {
  AsTask([](Task& t) { t.Step({Primitive::kWait, sim::kNoLockClass}); });
  bool woken = woken_[task];
  if (!woken) woken = SleepOn(QueueOfTask(task), has_timeout, site);
  woken_[task] = false;
  return woken;
}

void Machine::WakeTask(unsigned task) {
  woken_[task] = true;
  runtime_->Wake(*current_, QueueOfTask(task));
}

void Machine::FreeObject(const void* object, Site site) {
  AsTask([](Task& t) { t.Step(); });
  const size_t bytes = arena_.SizeOf(object);
  const auto begin = reinterpret_cast<uintptr_t>(object);
  if (locks_.HeldIn(begin, begin + bytes) != 0) {
    OopsAt(Splat::kFreeLockedLock, "held lock freed", site);
  }
  switch (arena_.Free(object, site)) {
    case Arena::Freed::kOk:
      return;
    case Arena::Freed::kTwice:
      OopsAt(Splat::kUseAfterFree, "object freed twice", site);
    case Arena::Freed::kNoObject:
      OopsAt(Splat::kBadPointer, "what is freed is no object", site);
    case Arena::Freed::kDamaged:
      OopsAt(Splat::kOutOfBounds, "store beyond the object that is freed", site);
  }
}

// What the image calls. `self` is the machine.
struct Machine::Callbacks {
  static Machine& Of(void* self) { return *static_cast<Machine*>(self); }
  static LockKind Kind(enum linux_lock_kind kind) { return static_cast<LockKind>(kind); }

  static int Fails(void* self, enum linux_call, linux_site) { return Of(self).Fails() ? 1 : 0; }
  static void* Allocate(void* self, unsigned long bytes, unsigned long alignment, linux_site site) {
    void* object = Of(self).arena_.Allocate(bytes, alignment, site);
    if (object == nullptr) Of(self).Exhausted("the machine has no more memory");
    return object;
  }
  static void Release(void* self, const void* object, linux_site site) {
    Of(self).FreeObject(object, site);
  }
  static unsigned long SizeOf(void* self, const void* object, linux_site) {
    return Of(self).arena_.SizeOf(object);
  }
  static void LockInit(void* self, linux_lock_word* word, enum linux_lock_kind kind,
                       const char* name) {
    *word = Of(self).locks_.Add(Kind(kind), name, reinterpret_cast<uintptr_t>(word));
  }
  static void Lock(void* self, linux_lock_word* word, enum linux_lock_kind kind, int shared,
                   linux_site site) {
    Of(self).Acquire(word, Kind(kind), shared != 0, site);
  }
  static void Unlock(void* self, linux_lock_word* word, enum linux_lock_kind, int shared,
                     linux_site site) {
    Of(self).Release(word, shared != 0, site);
  }
  static int Sleep(void* self, unsigned task, int has_timeout) {
    const Site site = __builtin_return_address(0);
    return Of(self).SleepTask(task, has_timeout != 0, site) ? 1 : 0;
  }
  static void Wake(void* self, unsigned task) { Of(self).WakeTask(task); }
  static void Step(void* self) {
    Of(self).AsTask([](Task& t) { t.Step(); });
  }
  static unsigned long UserPage(void* self, unsigned long address) {
    return Of(self).UserPage(address);
  }
  static void Report(void* self, enum linux_splat splat, const char* file, int line,
                     const char* what) {
    constexpr Splat kSplats[] = {Splat::kWarn, Splat::kSleepInAtomic, Splat::kBug};
    Of(self).Complain(kSplats[splat], absl::StrCat(what, " at ", file, ":", line));
  }
  static void Log(void*, const char*) {}
  [[noreturn]] static void Oops(void* self, const char* what, linux_site site) {
    Of(self).OopsAt(Splat::kBug, what, site);
  }
  [[noreturn]] static void Exhausted(void* self, const char* what) { Of(self).Exhausted(what); }
};

struct linux_host Machine::HostTable() {
  return {.self = this,
          .fails = &Callbacks::Fails,
          .allocate = &Callbacks::Allocate,
          .release = &Callbacks::Release,
          .size_of = &Callbacks::SizeOf,
          .lock_init = &Callbacks::LockInit,
          .lock = &Callbacks::Lock,
          .unlock = &Callbacks::Unlock,
          .sleep = &Callbacks::Sleep,
          .wake = &Callbacks::Wake,
          .step = &Callbacks::Step,
          .user_page = &Callbacks::UserPage,
          .report = &Callbacks::Report,
          .log = &Callbacks::Log,
          .oops = &Callbacks::Oops,
          .exhausted = &Callbacks::Exhausted};
}

}  // namespace iommufd_check::linux_host
