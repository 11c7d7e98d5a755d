#include "model/spec/oracle/oracle.h"

#include <algorithm>
#include <initializer_list>

#include "model/sim/check.h"
#include "model/sim/errno.h"
#include "model/spec/oracle/oracle_leaves.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec {
namespace {

using sim::Errno;
using Kind = Call::Kind;
using Errnos = std::initializer_list<Errno>;

// Calls whose effect stays when their answer cannot be written: uapi.md oddity 4, luo_kho.md L4.
bool KeepsEffect(Kind kind) {
  return kind == Kind::kMap || kind == Kind::kMapFile || kind == Kind::kUnmap ||
         kind == Kind::kLuoPreserve;
}

bool Replies(Kind kind) {
  return KeepsEffect(kind) || kind == Kind::kIoasAlloc || kind == Kind::kHwptAlloc ||
         kind == Kind::kLuoCreateSession;
}

// Calls that are ioctls with a struct of arguments (uapi.md section 3; the device's own, VFIO's).
bool CopiesArguments(Kind kind) {
  switch (kind) {
    case Kind::kDeviceUnbind:  // close(2), as the next two
    case Kind::kCloseIommufd:
    case Kind::kLuoCloseSession:
    case Kind::kMemfdSeal:
    case Kind::kMemfdPunchHole:
    case Kind::kMemfdTruncate:
      return false;
    default:
      return true;
  }
}

bool Contains(Errnos errnos, int result) {
  return std::any_of(errnos.begin(), errnos.end(), [&](Errno e) { return result == -e; });
}

// Answers other than a lost reply.
bool IsAnswer(Kind kind, int result) {
  const auto among = [&](Errnos errnos) { return Contains(errnos, result); };
  switch (kind) {
    case Kind::kIoasAlloc:
      return among({sim::kEBADF, sim::kENOMEM});
    case Kind::kDeviceBind:
      return among({sim::kEBADF, sim::kENODEV, sim::kEBUSY, sim::kEPERM, sim::kENOMEM});
    case Kind::kDeviceUnbind:
    case Kind::kDeviceDetach:
      return among({sim::kENOENT});
    case Kind::kDeviceAttach:
      return among({sim::kENOENT, sim::kEINVAL, sim::kEBUSY, sim::kENOMEM});
    case Kind::kHwptAlloc:
      return among({sim::kEBADF, sim::kENOENT, sim::kEINVAL, sim::kEOPNOTSUPP, sim::kENOMEM,
                    sim::kEADDRINUSE, sim::kEFAULT});
    case Kind::kMap:
      return among({sim::kEBADF, sim::kEOVERFLOW, sim::kEINVAL, sim::kENOENT, sim::kENOMEM,
                    sim::kEBUSY, sim::kENOSPC, sim::kEEXIST, sim::kEFAULT});
    case Kind::kMapFile:
      return among({sim::kEBADF, sim::kEOVERFLOW, sim::kEINVAL, sim::kENOENT, sim::kENOMEM,
                    sim::kEBUSY, sim::kENOSPC, sim::kEEXIST});
    case Kind::kUnmap:
      return among({sim::kEBADF, sim::kENOENT, sim::kEOVERFLOW, sim::kEINVAL, sim::kEBUSY});
    case Kind::kDestroy:
      return among({sim::kEBADF, sim::kENOENT, sim::kEBUSY});
    case Kind::kCloseIommufd:
    case Kind::kLuoCloseSession:
      return among({sim::kEBADF});
    case Kind::kMemfdSeal:
      return among({sim::kEBADF, sim::kEINVAL, sim::kEPERM, sim::kEBUSY});
    case Kind::kMemfdPunchHole:
      return among({sim::kEBADF, sim::kEINVAL, sim::kEFBIG, sim::kEPERM});
    case Kind::kMemfdTruncate:
      return among({sim::kEBADF, sim::kEFBIG, sim::kEPERM});
    case Kind::kLuoCreateSession:
      return among({sim::kEMFILE, sim::kEINVAL, sim::kENOMEM, sim::kENOSPC, sim::kEEXIST});
    case Kind::kLuoPreserve:
      return among({sim::kEEXIST, sim::kENOMEM, sim::kENOSPC, sim::kEBADF, sim::kENOENT,
                    sim::kEBUSY, sim::kEINVAL, sim::kEOPNOTSUPP, sim::kE2BIG, sim::kEFBIG});
    case Kind::kLuMark:
      return among({sim::kEBADF, sim::kENOENT, sim::kEBUSY, sim::kEADDRINUSE});
  }
  IOMMUFD_CHECK(false, "a call of an unknown kind");
}

}  // namespace

Prediction oracle::Apply(State& state, const Limits& limits, const Call& call) {
  switch (call.kind) {
    case Kind::kIoasAlloc:
      return oracle::IoasAlloc(state, call);
    case Kind::kDeviceBind:
      return oracle::DeviceBind(state, limits, call);
    case Kind::kDeviceUnbind:
      return oracle::DeviceUnbind(state, call);
    case Kind::kDeviceAttach:
      return oracle::DeviceAttach(state, call);
    case Kind::kDeviceDetach:
      return oracle::DeviceDetach(state, call);
    case Kind::kHwptAlloc:
      return oracle::HwptAlloc(state, limits, call);
    case Kind::kMap:
    case Kind::kMapFile:
      return oracle::Map(state, limits, call);
    case Kind::kUnmap:
      return oracle::Unmap(state, call);
    case Kind::kDestroy:
      return oracle::Destroy(state, limits, call);
    case Kind::kCloseIommufd:
      return oracle::CloseIommufd(state, call);
    case Kind::kMemfdSeal:
      return oracle::MemfdSeal(state, call);
    case Kind::kMemfdPunchHole:
      return oracle::MemfdPunchHole(state, call);
    case Kind::kMemfdTruncate:
      return oracle::MemfdTruncate(state, limits, call);
    case Kind::kLuoCreateSession:
      return oracle::LuoCreateSession(state, call);
    case Kind::kLuoPreserve:
      return oracle::LuoPreserve(state, limits, call);
    case Kind::kLuoCloseSession:
      return oracle::LuoCloseSession(state, call);
    case Kind::kLuMark:
      return oracle::LuMark(state, limits, call);
  }
  IOMMUFD_CHECK(false, "a call of an unknown kind");
}

std::string ReplyDifference(const Prediction& predicted, const Reply& reply) {
  const auto answer = [](int result) {
    return result == 0 ? std::string("0") : std::string(sim::ErrnoName(result));
  };
  if (reply.result != predicted.result) {
    return "the call answers " + answer(reply.result) + ", documented is " +
           answer(predicted.result);
  }
  const Prediction wanted = predicted.result == 0 ? predicted : Prediction{predicted.result};
  if (reply.created_id != wanted.created_id) {
    return "the new object has id " + uapi::NumberText(reply.created_id) +
           ", the lowest free one is " + uapi::NumberText(wanted.created_id);
  }
  if (reply.iova != wanted.iova) {
    return "the call answers iova " + oracle::Hex(reply.iova) + ", documented is " +
           oracle::Hex(wanted.iova);
  }
  if (reply.unmapped != wanted.unmapped) {
    return "the call answers that " + oracle::Hex(reply.unmapped) +
           " bytes were unmapped, documented is " + oracle::Hex(wanted.unmapped);
  }
  if (reply.session == wanted.session) return "";
  return "the new session has number " + std::to_string(reply.session) +
         ", the lowest free one is " + std::to_string(wanted.session);
}

void Oracle::Restart(const Limits& limits, const Snapshot& observed) {
  limits_ = limits;
  state_ = oracle::StateOf(observed);
}

Prediction Oracle::Apply(const Call& call) {
  const Prediction prediction = oracle::Apply(state_, limits_, call);
  IOMMUFD_CHECK(prediction.result <= 0, "calls answer 0 or a negative errno");
  IOMMUFD_CHECK(prediction.result == 0 || IsAnswer(call.kind, prediction.result),
                "a predicted errno is a documented one");
  return prediction;
}

void Oracle::ApplyFailed(const Call& call, int result, bool answer_lost) {
  IOMMUFD_CHECK(result < 0, "a call that failed answers a negative errno");
  if (answer_lost && KeepsEffect(call.kind)) oracle::Apply(state_, limits_, call);
}

bool Oracle::MayAnswer(Call::Kind kind, int result, LostCopy lost) {
  IOMMUFD_CHECK(result < 0, "success is always possible");
  if (lost == LostCopy::kReply) return Replies(kind) && result == -sim::kEFAULT;
  if (lost == LostCopy::kArguments) return CopiesArguments(kind) && result == -sim::kEFAULT;
  return IsAnswer(kind, result);
}

std::string Oracle::Compare(const Snapshot& observed) const {
  return oracle::Difference(state_, observed);
}

}  // namespace iommufd_check::spec
