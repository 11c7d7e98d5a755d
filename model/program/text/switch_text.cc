#include "model/program/text/switch_text.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "model/program/text/spelling.h"
#include "model/program/text/vocabulary_text.h"

namespace iommufd_check::program {
namespace {

using sim::Act;
using sim::Primitive;

constexpr std::string_view kQueue = "queue";

// Acts with a word of their own before the name of what they are about.
struct Verb {
  std::string_view word;
  Primitive primitive;
};
constexpr std::array<Verb, 7> kVerbs = {{{"begin", Primitive::kOpBegin},
                                         {"end", Primitive::kOpEnd},
                                         {"lock", Primitive::kLock},
                                         {"unlock", Primitive::kUnlock},
                                         {"wait", Primitive::kWait},
                                         {"access", Primitive::kRead},
                                         {"call", Primitive::kCall}}};

bool HappensOnce(Primitive primitive) {
  return primitive == Primitive::kOpBegin || primitive == Primitive::kOpEnd;
}

template <class Enum>
std::string Dotted(Enum value) {
  const std::string_view name = sim::Name(value);
  return absl::StrReplaceAll(absl::string_view(name.data(), name.size()),
                             {{"->", "."}, {" ", "_"}});
}

// Locks whose class does not say of which object they are.
std::string LockWord(sim::LockClass lock_class) {
  const bool of_ioas =
      lock_class == sim::LockClass::kIovaRwsem || lock_class == sim::LockClass::kDomainsRwsem;
  return absl::StrCat(of_ioas ? "ioas." : "", Dotted(lock_class));
}

bool IsField(std::string_view word) {
  for (int field = 0; field < sim::Count<sim::Field>(); ++field) {
    if (Dotted(static_cast<sim::Field>(field)) == word) return true;
  }
  return false;
}

// "ioas.iopt.immutable", but "area.pages" of the field area->pages. What would then be spelled like
// that too, a field `pages` of an area, says the kind once more.
std::string FieldWord(sim::ObjectKind kind, sim::Field field) {
  const std::string owner = Dotted(kind) + ".";
  const std::string name = Dotted(field);
  if (name.starts_with(owner)) return name;
  return absl::StrCat(IsField(owner + name) ? owner : "", owner, name);
}

// What stands behind the verb of an act that has one.
std::string ObjectWord(const Act& act) {
  if (act.primitive == Primitive::kRead) {
    return FieldWord(act.kind, static_cast<sim::Field>(act.detail));
  }
  if (act.detail == sim::kNoLockClass) return std::string(kQueue);
  return LockWord(static_cast<sim::LockClass>(act.detail));
}

// The acts of a primitive that `word` could mean, for looking it up and for hints.
std::vector<Act> ActsLike(Primitive primitive, std::string_view word) {
  std::vector<Act> acts;
  if (primitive == Primitive::kRead) {
    const std::string_view owner = word.substr(0, word.find('.'));
    for (int kind = 0; kind < sim::Count<sim::ObjectKind>(); ++kind) {
      if (Dotted(static_cast<sim::ObjectKind>(kind)) != owner) continue;
      for (int field = 0; field < sim::Count<sim::Field>(); ++field) {
        acts.push_back(
            {primitive, static_cast<uint8_t>(field), static_cast<sim::ObjectKind>(kind)});
      }
    }
    return acts;
  }
  for (int lock = 0; lock < sim::Count<sim::LockClass>(); ++lock) {
    acts.push_back({primitive, static_cast<uint8_t>(lock)});
  }
  if (primitive == Primitive::kWait) acts.push_back({primitive, sim::kNoLockClass});
  return acts;
}

bool ParseObjectWord(ParseState& state, Act* act) {
  const bool field = act->primitive == Primitive::kRead;
  Token word;
  if (!state.ExpectWord(field ? "KIND.FIELD, as in hwpt.users," : "a lock, as in ioas.mutex,",
                        &word))
    return false;
  const std::vector<Act> acts = ActsLike(act->primitive, word.text);
  std::vector<std::string> words;
  words.reserve(acts.size());
  for (const Act& candidate : acts) {
    words.push_back(ObjectWord(candidate));
    if (words.back() != word.text) continue;
    *act = candidate;
    return true;
  }
  const std::vector<std::string_view> known(words.begin(), words.end());
  const std::string_view nearest = Nearest(word.text, known);
  std::string hint = field ? "write KIND.FIELD, as in hwpt.users" : "";
  if (!field) hint = Suggestion(word.text, known);
  if (!nearest.empty()) hint = absl::StrCat("did you mean '", std::string(nearest), "'?");
  return state.Fail(
      word, absl::StrCat("unknown ", field ? "field " : "lock ", Quoted(word.text), "; ", hint));
}

bool ParseAct(ParseState& state, Act* act) {
  Token word;
  if (!state.ExpectWord("what happens there", &word)) return false;
  const auto* const verb = std::find_if(kVerbs.begin(), kVerbs.end(),
                                        [&](const Verb& v) { return v.word == word.text; });
  if (verb != kVerbs.end()) {
    act->primitive = verb->primitive;
    if (HappensOnce(act->primitive)) return true;
    act->detail = sim::kAnyDetail;
    if (state.PeekIs("#") || act->primitive == Primitive::kCall) return true;
    return ParseObjectWord(state, act);
  }
  if (const auto site = sim::FaultSiteFromName(word.text)) {
    *act = {Primitive::kCall, sim::Detail(*site)};
    return true;
  }
  std::vector<std::string_view> known(FaultSiteNames().begin(), FaultSiteNames().end());
  for (const Verb& v : kVerbs) known.push_back(v.word);
  const std::string_view nearest = Nearest(word.text, known);
  return state.Fail(
      word,
      absl::StrCat("nothing that happens is called ", Quoted(word.text), "; ",
                   nearest.empty() ? "write begin, end, lock, unlock, wait, access or a fault site"
                                   : absl::StrCat("did you mean '", std::string(nearest), "'?")));
}

}  // namespace

std::string ActText(const Act& act) {
  const bool any = act.detail == sim::kAnyDetail;
  if (act.primitive == Primitive::kCall && !any) {
    return std::string(sim::Name(static_cast<sim::FaultSite>(act.detail)));
  }
  const auto* const verb = std::find_if(
      kVerbs.begin(), kVerbs.end(), [&](const Verb& v) { return v.primitive == act.primitive; });
  if (verb == kVerbs.end()) return "?";
  if (any || HappensOnce(act.primitive)) return std::string(verb->word);
  return absl::StrCat(std::string(verb->word), " ", ObjectWord(act));
}

std::string SwitchText(const Program& program, const sim::Switch& change) {
  std::string text =
      absl::StrCat(OperationLabel(program, change.operation),
                   change.side == sim::Side::kBefore ? " before " : " after ", ActText(change.act));
  if (!HappensOnce(change.act.primitive)) absl::StrAppend(&text, "#", change.nth);
  return absl::StrCat(text, " -> ", TaskName(change.to));
}

bool ParseAnchor(ParseState& state, sim::Switch* change) {
  Token side;
  if (!state.ExpectWord("'before' or 'after'", &side)) return false;
  if (side.text != "before" && side.text != "after") {
    return state.Fail(side, absl::StrCat("unknown word ", Quoted(side.text),
                                         "; write 'before' or 'after' and what happens there"));
  }
  change->side = side.text == "before" ? sim::Side::kBefore : sim::Side::kAfter;
  const Token word = state.Peek();
  if (!ParseAct(state, &change->act)) return false;
  if (!IsAnchor(change->side, change->act)) {
    return state.Fail(word, absl::StrCat("no task can be left ", std::string(side.text), " ",
                                         ActText(change->act), "; write 'after'"));
  }
  if (HappensOnce(change->act.primitive)) return true;
  if (!state.ExpectSymbol("#", "and which one of its operation, as in #1")) return false;
  const Token number = state.Peek();
  uint64_t nth = 0;
  if (!state.ExpectNumber("the number behind '#'", UINT16_MAX, &nth)) return false;
  if (nth == 0) return state.Fail(number, "occurrences count from 1; write #1 for the first");
  change->nth = static_cast<uint16_t>(nth);
  return true;
}

}  // namespace iommufd_check::program
