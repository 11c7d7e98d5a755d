#include "model/explore/states/toy_model.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

struct NamedPlant {
  const char* name;
  ToyModel::Plant plant;
};
constexpr std::array<NamedPlant, 2> kPlants = {{
    {"preserved-at-commit", ToyModel::Plant::kPreservedAtCommit},
    {"all-preserved", ToyModel::Plant::kAllPreserved},
}};

constexpr const char* kPcNames[] = {"idle", "want", "check", "alloc", "commit", "done"};
constexpr const char* kOpNames[] = {"map", "unmap", "preserve", "unpreserve"};
constexpr const char* kPageNames[] = {"unmapped", "mapped", "preserved"};

std::uint64_t Factorial(int n) {
  std::uint64_t product = 1;
  for (int i = 2; i <= n; ++i) product *= static_cast<std::uint64_t>(i);
  return product;
}

}  // namespace

std::vector<std::string> ToyModel::PlantNames() {
  std::vector<std::string> names;
  for (const NamedPlant& known : kPlants) names.emplace_back(known.name);
  return names;
}

std::optional<ToyModel::Plant> ToyModel::PlantNamed(std::string_view name) {
  for (const NamedPlant& known : kPlants) {
    if (name == known.name) return known.plant;
  }
  return std::nullopt;
}

ToyModel::ToyModel(int workers, int pages, Plant plant)
    : workers_(workers),
      pages_(pages),
      plant_(plant),
      page_shift_(kWorkerBits * workers),
      owner_shift_(page_shift_ + 2 * pages) {
  IOMMUFD_CHECK(workers >= 1, "the toy has a worker");
  IOMMUFD_CHECK(workers <= kMaxWorkers, "the owner field has three bits");
  IOMMUFD_CHECK(pages >= 1, "the toy has a page");
  IOMMUFD_CHECK(pages <= kMaxPages, "the page field has two bits");
  std::array<std::uint8_t, kMaxPages> renaming{};
  std::iota(renaming.begin(), renaming.end(), std::uint8_t{0});
  do {
    page_renamings_.push_back(renaming);
  } while (std::next_permutation(renaming.begin(), renaming.begin() + pages));
}

bool ToyModel::IsState(const State& state) const {
  for (int worker = 0; worker < workers_; ++worker) {
    if (PcOf(state, worker) > kDone) return false;
    if (PageOf(state, worker) >= static_cast<unsigned>(pages_)) return false;
  }
  for (unsigned page = 0; page < static_cast<unsigned>(pages_); ++page) {
    if (StateOfPage(state, page) > kPreserved) return false;
  }
  return state.bits >> owner_shift_ <= static_cast<unsigned>(workers_);
}

StateVerdict ToyModel::Check(const State& state) const {
  StateVerdict verdict;
  const unsigned owner = Owner(state);
  bool anyone_inside = false;
  bool only_owner_inside = true;
  bool anyone_commits = false;
  for (int worker = 0; worker < workers_; ++worker) {
    const unsigned pc = PcOf(state, worker);
    const bool inside = pc >= kCheck;
    anyone_inside = anyone_inside || inside;
    only_owner_inside =
        only_owner_inside && (!inside || owner == static_cast<unsigned>(worker) + 1);
    anyone_commits = anyone_commits || pc == kCommit;
  }
  verdict.Note(0, anyone_inside, only_owner_inside);
  verdict.Note(1, owner != 0, anyone_inside);
  if (plant_ == Plant::kNone) return verdict;

  unsigned preserved = 0;
  for (unsigned page = 0; page < static_cast<unsigned>(pages_); ++page) {
    preserved += StateOfPage(state, page) == kPreserved;
  }
  if (plant_ == Plant::kPreservedAtCommit) verdict.Note(2, anyone_commits, preserved == 0);
  if (plant_ == Plant::kAllPreserved) {
    verdict.Note(2, preserved > 0, preserved < static_cast<unsigned>(pages_));
  }
  return verdict;
}

std::vector<std::string> ToyModel::InvariantIds() const {
  std::vector<std::string> ids = {"one-lock-holder", "held-by-someone-inside"};
  for (const NamedPlant& known : kPlants) {
    if (known.plant == plant_) ids.push_back(absl::StrCat("plant:", known.name));
  }
  return ids;
}

ToyModel::State ToyModel::Renamed(const State& state, const std::uint8_t* new_page) const {
  State renamed;
  for (unsigned page = 0; page < static_cast<unsigned>(pages_); ++page) {
    const int shift = page_shift_ + 2 * new_page[page];
    renamed.bits |= std::uint64_t{StateOfPage(state, page)} << shift;
  }
  // Workers are sorted by their fields, of which the lock's owner is one.
  std::array<unsigned, kMaxWorkers> fields;
  for (int worker = 0; worker < workers_; ++worker) {
    unsigned field = Worker(state, worker);
    if ((field & 7) != kIdle) field = (field & 31) | unsigned{new_page[field >> 5]} << 5;
    field |= static_cast<unsigned>(Owner(state) == static_cast<unsigned>(worker) + 1)
             << kWorkerBits;
    int at = worker;
    for (; at > 0 && fields[static_cast<std::size_t>(at - 1)] > field; --at) {
      fields[static_cast<std::size_t>(at)] = fields[static_cast<std::size_t>(at - 1)];
    }
    fields[static_cast<std::size_t>(at)] = field;
  }
  for (int worker = 0; worker < workers_; ++worker) {
    const unsigned field = fields[static_cast<std::size_t>(worker)];
    renamed.bits |= (field & kWorkerMask) << (kWorkerBits * worker);
    if (field >> kWorkerBits != 0) {
      renamed.bits |= (static_cast<std::uint64_t>(worker) + 1) << owner_shift_;
    }
  }
  return renamed;
}

ToyModel::State ToyModel::Canonical(const State& state) const {
  State least = Renamed(state, page_renamings_.front().data());
  for (std::size_t i = 1; i < page_renamings_.size(); ++i) {
    least = std::min(least, Renamed(state, page_renamings_[i].data()));
  }
  return least;
}

std::uint64_t ToyModel::OrbitSize(const State& state) const {
  // Orbit and stabiliser multiply to the group's size. A renaming of the pages that leaves the
  // sorted state alone is completed to one that leaves the state alone by as many renamings of the
  // workers as there are ways to permute equal ones.
  const State sorted = Renamed(state, page_renamings_.front().data());
  std::uint64_t stabiliser = 0;
  for (const auto& renaming : page_renamings_) {
    stabiliser += Renamed(state, renaming.data()) == sorted;
  }
  for (int worker = 0, equal = 1; worker + 1 < workers_; ++worker) {
    equal = Worker(sorted, worker) == Worker(sorted, worker + 1) ? equal + 1 : 1;
    stabiliser *= static_cast<std::uint64_t>(equal);
  }
  const std::uint64_t group = Factorial(workers_) * Factorial(pages_);
  IOMMUFD_CHECK(group % stabiliser == 0, "a subgroup's size divides the group's");
  return group / stabiliser;
}

std::string ToyModel::Describe(const State& state) const {
  std::string text = "pages";
  for (unsigned page = 0; page < static_cast<unsigned>(pages_); ++page) {
    absl::StrAppend(&text, " ", kPageNames[StateOfPage(state, page)]);
  }
  absl::StrAppend(&text, "; workers");
  for (int worker = 0; worker < workers_; ++worker) {
    absl::StrAppend(&text, " ", kPcNames[PcOf(state, worker)]);
    if (PcOf(state, worker) == kIdle) continue;
    absl::StrAppend(&text, "(", kOpNames[OpOf(state, worker)], " ", PageOf(state, worker), ")");
  }
  return text;
}

std::string ToyModel::Describe(const Action& action) const {
  using Kind = Action::Kind;
  switch (action.kind) {
    case Kind::kChoose:
      return absl::StrCat("choose ", kOpNames[action.op], " page ", action.page);
    case Kind::kLock:
      return "lock";
    case Kind::kTest:
      return absl::StrCat("check ", kOpNames[action.op], " page ", action.page);
    case Kind::kAllocate:
      return "alloc";
    case Kind::kFail:
      return "alloc FAULT";
    case Kind::kCommit:
      return absl::StrCat("commit ", kOpNames[action.op], " page ", action.page);
    case Kind::kUnlock:
      return "unlock";
  }
  IOMMUFD_CHECK(false, "every kind of action has words");
}

std::string ToyModel::TaskOf(const Action& action) const {
  return absl::StrCat("worker ", action.worker);
}

}  // namespace iommufd_check::explore
