// The closed vocabularies of the simulation as enums with names: object kinds, lock classes, shared
// fields, fault sites, primitives, splats, notes, functions and conditions. Lists stand in
// objects.def and vocabulary.def.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/sim/errno.h"

namespace iommufd_check::sim {

#define IOMMUFD_CHECK_ENUMERATOR(id, ...) id,

// Two bytes wide, so that an ObjectRef has no padding: events are hashed as bytes.
enum class ObjectKind : uint16_t {
#define KIND(kind, name, life) kind,
#include "model/sim/objects.def"
  kCount
};

enum class LockClass : uint8_t {
#define IOMMUFD_CHECK_LOCK_CLASSES IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_LOCK_CLASSES
  kCount
};

enum class Field : uint8_t {
#define IOMMUFD_CHECK_FIELDS IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FIELDS
  kCount
};

enum class FieldUse : uint8_t { kValue, kCounter };
constexpr FieldUse UseOf(Field field) {
  using enum FieldUse;
  constexpr FieldUse kUses[] = {
#define IOMMUFD_CHECK_FIELDS(id, name, ...) FieldUse{__VA_ARGS__},
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FIELDS
  };
  return kUses[static_cast<uint8_t>(field)];
}
constexpr bool IsCounter(Field field) { return UseOf(field) == FieldUse::kCounter; }

enum class FaultSite : uint8_t {
#define IOMMUFD_CHECK_FAULT_SITES IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FAULT_SITES
  kCount
};

enum class Primitive : uint8_t {
#define IOMMUFD_CHECK_PRIMITIVES IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_PRIMITIVES
  kCount
};

enum class Splat : uint8_t {
#define IOMMUFD_CHECK_SPLATS IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_SPLATS
  kCount
};

enum class Note : uint8_t {
#define IOMMUFD_CHECK_NOTES IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_NOTES
  kCount
};

enum class Fn : uint8_t {
#define IOMMUFD_CHECK_FUNCTIONS IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_FUNCTIONS
  kCount
};

enum class Condition : uint8_t {
#define IOMMUFD_CHECK_CONDITIONS IOMMUFD_CHECK_ENUMERATOR
#include "model/sim/vocabulary.def"
#undef IOMMUFD_CHECK_CONDITIONS
  kCount
};

#undef IOMMUFD_CHECK_ENUMERATOR

enum class LockKind : uint8_t { kSpin, kMutex, kRwsem };

std::string_view Name(ObjectKind kind);
std::string_view Name(LockClass lock_class);
std::string_view Name(Field field);
std::string_view Name(FaultSite site);
std::string_view Name(Primitive primitive);
std::string_view Name(Splat splat);
std::string_view Name(Note note);
std::string_view Name(Fn function);
std::string_view Name(Condition condition);

// One word made of the identifier, for identities of findings: "sleep-in-atomic", "count-differs".
std::string Slug(Splat splat);
std::string Slug(Condition condition);

LockKind KindOf(LockClass lock_class);

// An object of this kind may be freed while a program runs. (What outlives every program is freed
// when its process exits.)
bool CanDie(ObjectKind kind);

// The errno (negative) with which the call at `site` fails.
int FailureOf(FaultSite site);

std::optional<FaultSite> FaultSiteFromName(std::string_view name);

template <class Enum>
constexpr int Count() {
  return static_cast<int>(Enum::kCount);
}

// Names one object in events and reports: a kind and the number a person sees (the user-visible id
// where there is one, else the index in its table).
struct ObjectRef {
  ObjectKind kind = ObjectKind::kNone;
  uint16_t number = 0;

  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("kind", s.kind...);
    v("number", s.number...);
  }
  friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
};

}  // namespace iommufd_check::sim
