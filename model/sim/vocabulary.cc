#include "model/sim/vocabulary.h"

#include "model/sim/check.h"

namespace iommufd_check::sim {
namespace {

#define IOMMUFD_CHECK_NAME(id, name, ...) name,

constexpr std::string_view kObjectKinds[] = {
#define KIND(kind, name, life) #name,
#include "model/sim/objects.def"
};
enum class Life : uint8_t { kStays, kDies };
constexpr Life kLives[] = {
#define KIND(kind, name, life) Life::life,
#include "model/sim/objects.def"
};
constexpr std::string_view kLockClasses[] = {
#define IOMMUFD_CHECK_LOCK_CLASSES IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_LOCK_CLASSES
};
constexpr std::string_view kFields[] = {
#define IOMMUFD_CHECK_FIELDS IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FIELDS
};
constexpr std::string_view kFaultSites[] = {
#define IOMMUFD_CHECK_FAULT_SITES IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FAULT_SITES
};
constexpr std::string_view kPrimitives[] = {
#define IOMMUFD_CHECK_PRIMITIVES IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_PRIMITIVES
};
constexpr std::string_view kSplats[] = {
#define IOMMUFD_CHECK_SPLATS IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_SPLATS
};
constexpr std::string_view kNotes[] = {
#define IOMMUFD_CHECK_NOTES IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_NOTES
};
constexpr std::string_view kFunctions[] = {
#define IOMMUFD_CHECK_FUNCTIONS IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FUNCTIONS
};
constexpr std::string_view kConditions[] = {
#define IOMMUFD_CHECK_CONDITIONS IOMMUFD_CHECK_NAME
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_CONDITIONS
};

#define IOMMUFD_CHECK_IDENTIFIER(id, ...) #id,
constexpr std::string_view kSplatIdentifiers[] = {
#define IOMMUFD_CHECK_SPLATS IOMMUFD_CHECK_IDENTIFIER
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_SPLATS
};
constexpr std::string_view kConditionIdentifiers[] = {
#define IOMMUFD_CHECK_CONDITIONS IOMMUFD_CHECK_IDENTIFIER
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_CONDITIONS
};

#define IOMMUFD_CHECK_KIND(id, name, kind) LockKind::kind,
constexpr LockKind kLockKinds[] = {
#define IOMMUFD_CHECK_LOCK_CLASSES IOMMUFD_CHECK_KIND
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_LOCK_CLASSES
};

#define IOMMUFD_CHECK_ERRNO(id, name, error) -error,
constexpr int kFailures[] = {
#define IOMMUFD_CHECK_FAULT_SITES IOMMUFD_CHECK_ERRNO
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FAULT_SITES
};

template <class Enum, size_t N>
std::string_view Lookup(const std::string_view (&names)[N], Enum value) {
  static_assert(N == static_cast<size_t>(Enum::kCount));
  IOMMUFD_CHECK(static_cast<size_t>(value) < N, "enumerator outside its vocabulary");
  return names[static_cast<size_t>(value)];
}

// "kSleepInAtomic" -> "sleep-in-atomic".
std::string SlugOf(std::string_view identifier) {
  std::string slug;
  for (const char c : identifier.substr(1)) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !slug.empty()) slug += '-';
    slug += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return slug;
}

}  // namespace

std::string_view Name(ObjectKind kind) { return Lookup(kObjectKinds, kind); }
std::string_view Name(LockClass lock_class) { return Lookup(kLockClasses, lock_class); }
std::string_view Name(Field field) { return Lookup(kFields, field); }
std::string_view Name(FaultSite site) { return Lookup(kFaultSites, site); }
std::string_view Name(Primitive primitive) { return Lookup(kPrimitives, primitive); }
std::string_view Name(Splat splat) { return Lookup(kSplats, splat); }
std::string_view Name(Note note) { return Lookup(kNotes, note); }
std::string_view Name(Fn function) { return Lookup(kFunctions, function); }
std::string_view Name(Condition condition) { return Lookup(kConditions, condition); }

std::string Slug(Splat splat) { return SlugOf(Lookup(kSplatIdentifiers, splat)); }
std::string Slug(Condition condition) { return SlugOf(Lookup(kConditionIdentifiers, condition)); }

bool CanDie(ObjectKind kind) {
  IOMMUFD_CHECK(kind < ObjectKind::kCount, "a kind of the vocabulary");
  return kLives[static_cast<size_t>(kind)] == Life::kDies;
}

LockKind KindOf(LockClass lock_class) { return kLockKinds[static_cast<size_t>(lock_class)]; }

int FailureOf(FaultSite site) { return kFailures[static_cast<size_t>(site)]; }

std::optional<FaultSite> FaultSiteFromName(std::string_view name) {
  for (int i = 0; i < Count<FaultSite>(); ++i) {
    if (kFaultSites[i] == name) return static_cast<FaultSite>(i);
  }
  return std::nullopt;
}

}  // namespace iommufd_check::sim
