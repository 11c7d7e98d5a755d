// The sequential oracle: what one caller may observe of each call, written from the specification
// (uapi.md, io_pagetable.md section 3 and 5, luo_kho.md section 3, designs.md for the mark ioctl).
//
// It is a second description: intervals, ids and errno, no locks, tables or frames. It predicts the
// answer of each call from its own state, and its own state is all it keeps. A run of several tasks
// is outside its reach; afterwards it is started again from what the machine shows.
//
// Its state is in oracle_state.h, its rules, one function per call, in oracle_rules.h.
//
//   Oracle oracle; oracle.Restart(limits, observed);
//   Prediction p = oracle.Apply(call);          // p.result is what the kernel must answer
//   std::string difference = oracle.Compare(observed_after);   // empty: as predicted
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/spec/oracle/oracle_state.h"
#include "model/spec/snapshot.h"
#include "model/uapi/contract.h"
#include "model/uapi/operation.h"

namespace iommufd_check::spec {

// One system call with its arguments as numbers, those that its row in operations.def names.
// Objects are named as in object_id.h, those that a call creates too; sessions are named by their
// number in Snapshot (kNoSession: a descriptor that is not open).
struct Call {
  using Kind = uapi::OpCode;
  Kind kind = Kind::kIoasAlloc;
  uint16_t iommufd = 0;  // that it is made on
  uint32_t id = 0;       // the first object that it names
  uint32_t id2 = 0;      // the second
  uint16_t index = 0;    // of a memfd, buffer or device
  uint64_t offset = 0;   // in the file or buffer
  uint64_t iova = 0;
  bool fixed = true;         // false: the kernel chooses the IOVA
  uint64_t length = 0;       // bytes; of a truncate the new size
  uint64_t permissions = 0;  // 1 read, 2 write
  uint32_t seals = 0;
  uint64_t token = 0;
  uint16_t session = 0;
  mm::FileRef file;
  std::string name;
};
inline constexpr uint16_t kNoSession = UINT16_MAX;

struct Prediction {
  int result = 0;           // 0 or negative errno
  uint32_t created_id = 0;  // of IoasAlloc, HwptAlloc, DeviceBind
  Iova iova = 0;            // of Map and MapFile: where it landed
  uint64_t unmapped = 0;    // of Unmap: bytes, also of one that failed after removing some areas
  uint16_t session = kNoSession;  // of LuoCreateSession: the lowest free number
  friend bool operator==(const Prediction&, const Prediction&) = default;
};

// What a call answered: its result, and every output that the caller reads. A call that fails
// writes none (uapi.md sections 4.5 to 4.8: the count of a failing unmap is lost).
using Reply = Prediction;

// Empty when the answer is the predicted one, else the first difference as a clause.
std::string ReplyDifference(const Prediction& predicted, const Reply& reply);

// The machine's boot-time sizes that calls depend on.
struct Limits {
  std::vector<uint64_t> buffer_bytes;  // anonymous buffers of the process, in whole pages
  uint16_t endpoints = 0;              // devices of the machine
  uint64_t max_memfd_bytes = 0;        // truncate beyond it: EFBIG
  uapi::Contract contract;             // of the design
};

// The copy between user and kernel that failed in a call, if one did.
enum class LostCopy : uint8_t { kNone, kArguments, kReply };

class Oracle {
 public:
  // Forgets everything and takes over what is observed. REQUIRES: no call in progress.
  void Restart(const Limits& limits, const Snapshot& observed);

  // The state after the call without any failure on the way; the state changes only on success (or
  // as documented for a failing call, e.g. an unmap that removed some areas).
  Prediction Apply(const Call& call);

  // After a call on whose way a fault was injected and that answered `result` (negative): the
  // documented effects that stay, nothing else. `answer_lost`: the fault was copy_to_user.
  void ApplyFailed(const Call& call, int result, bool answer_lost);

  // May a call answer `result` (negative) at all, whatever other tasks and failures do? With a copy
  // that failed that is EFAULT, of calls that make this copy, and nothing else.
  static bool MayAnswer(Call::Kind kind, int result, LostCopy lost);

  // The first difference between the oracle's state and the machine's, or empty. Compares object
  // ids and kinds, attachments, areas (range, permissions, backing), leaves of each domain against
  // areas, memfd size, seals, frozen, sessions with files and tokens, marks and tokens of HWPTs.
  // Pages are compared by identity: a leaf has the pfn of the memfd's page exactly when that is the
  // page that was pinned.
  std::string Compare(const Snapshot& observed) const;

  const Limits& limits() const { return limits_; }
  const oracle::State& state() const { return state_; }

 private:
  Limits limits_;
  oracle::State state_;
};

}  // namespace iommufd_check::spec
