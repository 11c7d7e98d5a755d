// Sessions, preserved files and marks (luo_kho.md section 3 and 7; invariants I10 to I15; what
// revisions differ in: the design's contract).
#include <algorithm>
#include <utility>

#include "model/sim/check.h"
#include "model/spec/oracle/oracle_rules.h"

namespace iommufd_check::spec::oracle {
namespace {

using Kind = mm::FileRef::Kind;
using uapi::Contract;

constexpr size_t kMaxSessionName = 63;

const File* FileIn(const Session& session, const mm::FileRef& file) {
  const auto it = std::find_if(session.files.begin(), session.files.end(),
                               [&](const File& each) { return each.file == file; });
  return it == session.files.end() ? nullptr : &*it;
}

bool IsOpen(const State& state, const mm::FileRef& file) {
  if (file.kind == Kind::kIommufd) return state.iommufds[file.index].fd_open;
  return file.kind == Kind::kMemfd && state.memfds.contains(file.index);
}

// designs.md section 5, step 2d; luo_kho.md section 7: not sealed against changes of size.
constexpr uint32_t kNeededSeals = 1 | 2 | 4;  // F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW

// May the memory of this area survive? It must be file memory that the same session preserves,
// sealed as it was serialized, and each mapped page the one that was serialized.
int CheckArea(const State& state, const Session& session, const Contract& contract,
              const Area& area) {
  if (!area.is_file) return -sim::kEINVAL;
  const Memfd& memfd = state.memfds.at(area.memfd);
  const File* file = FileIn(session, mm::FileRef{Kind::kMemfd, area.memfd});
  const uint32_t seals = file != nullptr ? file->seals : memfd.seals;
  const bool sealed = (seals & kNeededSeals) == kNeededSeals;
  if (contract.area_check == Contract::AreaCheck::kSealsFirst && !sealed) return -sim::kEINVAL;
  if (file == nullptr) return -sim::kENOENT;
  if (!sealed) return -sim::kEINVAL;
  IOMMUFD_CHECK(area.versions.size() == area.pages, "areas below a HWPT are pinned");
  for (uint64_t i = 0; i < area.pages; ++i) {
    if (area.versions[i] != memfd.VersionOf(area.first_page() + i)) return -sim::kEINVAL;
  }
  return 0;
}

bool InFlight(const Ioas& ioas) {
  return std::any_of(ioas.areas.begin(), ioas.areas.end(),
                     [](const auto& entry) { return !entry.second.finished; });
}

// First problem of the marked HWPTs by id: EBUSY where a map of their IOAS is in flight, else of
// its areas by IOVA.
int CheckMarked(const State& state, uint16_t iommufd, const Session& session,
                const Contract& contract) {
  int marked = 0;
  for (const auto& [id, hwpt] : state.hwpts) {
    if (uapi::IommufdOf(id) != iommufd || !hwpt.mark.has_value()) continue;
    ++marked;
    const auto ioas = state.ioas.find(hwpt.ioas);
    if (ioas == state.ioas.end()) continue;
    if (InFlight(ioas->second)) return -sim::kEBUSY;
    for (const auto& [first, area] : ioas->second.areas) {
      const int error = CheckArea(state, session, contract, area);
      if (error != 0) return error;
    }
  }
  const bool refused = contract.empty_preserve == Contract::EmptyPreserve::kRefused;
  return marked == 0 && refused ? -sim::kEINVAL : 0;
}

// What LUO answers before it asks the file's handler: 0 or a negative errno.
int CheckFile(const State& state, const Call& call) {
  const auto session = state.sessions.find(call.session);
  if (session == state.sessions.end() || session->second.closed) return -sim::kEBADF;
  for (const File& file : session->second.files) {
    if (file.token == call.token) return -sim::kEEXIST;
  }
  if (!IsOpen(state, call.file)) return -sim::kEBADF;
  return state.IsPreserved(call.file) ? -sim::kEBUSY : 0;
}

// The file is out of its session already.
void Unpreserve(State& state, const File& file) {
  if (file.file.kind == Kind::kIommufd) {
    for (auto& [id, hwpt] : state.hwpts) {
      if (uapi::IommufdOf(id) == file.file.index) hwpt.preserved = false;
    }
    return ReleaseIfUnused(state, file.file.index);
  }
  const auto memfd = state.memfds.find(file.file.index);
  if (memfd != state.memfds.end()) memfd->second.frozen = false;
}

}  // namespace

Prediction LuoCreateSession(State& state, const Limits&, const Call& call) {
  if (call.name.empty() || call.name.size() > kMaxSessionName) return Fails(sim::kEINVAL);
  for (const auto& [number, session] : state.sessions) {
    if (session.name == call.name) return Fails(sim::kEEXIST);
  }
  const uint16_t number = state.FreeSession();
  state.sessions[number] = Session{.name = call.name};
  return Prediction{.session = number};
}

Prediction LuoPreserve(State& state, const Limits& limits, const Call& call) {
  const int refused = CheckFile(state, call);
  if (refused != 0) return Prediction{.result = refused};
  Session& session = state.sessions.at(call.session);
  File file{.token = call.token, .file = call.file};
  if (call.file.kind == Kind::kMemfd) {
    Memfd& memfd = state.memfds[call.file.index];
    memfd.frozen = true;
    file.size = memfd.size;
    file.seals = memfd.seals;
  } else {
    const uint16_t iommufd = call.file.index;
    const int error = CheckMarked(state, iommufd, session, limits.contract);
    if (error != 0) return Prediction{.result = error};
    for (auto& [id, hwpt] : state.hwpts) {
      if (uapi::IommufdOf(id) == iommufd) hwpt.preserved = hwpt.mark.has_value();
    }
  }
  session.files.push_back(file);
  IOMMUFD_CHECK(state.IsPreserved(call.file), "a file has its one preserver");
  return {};
}

bool PreserveWaits(const State& state, const Limits& limits, const Call& call) {
  if (limits.contract.map_in_flight != Contract::MapInFlight::kWaitedFor) return false;
  if (call.file.kind != Kind::kIommufd || CheckFile(state, call) != 0) return false;
  const Session& session = state.sessions.at(call.session);
  return CheckMarked(state, call.file.index, session, limits.contract) == -sim::kEBUSY;
}

Prediction LuoCloseSession(State& state, const Limits&, const Call& call) {
  const auto session = state.sessions.find(call.session);
  if (session == state.sessions.end() || session->second.closed) return Fails(sim::kEBADF);
  // The kernel unpreserves last first; nobody can see a state in between.
  const std::vector<File> files = std::move(session->second.files);
  state.sessions.erase(session);
  for (const File& file : files) Unpreserve(state, file);
  return {};
}

bool ReleaseStep(State& state, uint16_t session) {
  const auto found = state.sessions.find(session);
  IOMMUFD_CHECK(found != state.sessions.end(), "a closed session is released once");
  if (found->second.files.empty()) {
    state.sessions.erase(found);
    return true;
  }
  const File file = found->second.files.back();
  found->second.files.pop_back();
  Unpreserve(state, file);
  return false;
}

Prediction LuMark(State& state, const Limits& limits, const Call& call) {
  const Contract& contract = limits.contract;
  if (!FileOf(state, call).fd_open) return Fails(sim::kEBADF);
  const auto target = state.hwpts.find(call.id);
  if (target == state.hwpts.end()) return Fails(sim::kENOENT);
  const bool frozen = contract.mark_while_preserved == Contract::MarkWhilePreserved::kRefused;
  if (frozen && state.IommufdPreserved(call.iommufd)) return Fails(sim::kEBUSY);
  for (const auto& [id, hwpt] : state.hwpts) {
    if (uapi::IommufdOf(id) != call.iommufd || hwpt.mark != call.token) continue;
    const bool itself = contract.same_token == Contract::SameToken::kRefused;
    if (id != call.id || itself) return Fails(sim::kEADDRINUSE);
  }
  const bool again = target->second.mark.has_value() && target->second.mark != call.token;
  if (again && contract.new_token == Contract::NewToken::kRefused) return Fails(sim::kEBUSY);
  target->second.mark = call.token;
  return {};
}

}  // namespace iommufd_check::spec::oracle
