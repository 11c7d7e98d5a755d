#include "model/explore/states/preserve_words.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

struct WordText {
  const char* text;
  bool names_domain;
};
constexpr std::array<WordText, kClearFlag + 1> kWords = {{
    {"insert area", false},
    {"insert area -> EBUSY", false},
    {"down_read(domains_rwsem)", false},
    {"test immutable: no", false},
    {"test immutable: yes", false},
    {"fill domain", true},
    {"fill domain FAULT", true},
    {"publish area, up_read", false},
    {"empty domain", true},
    {"drop area, up_read", false},
    {"unmap", false},
    {"preserve", false},
    {"read flag: clear", false},
    {"read flag: set", false},
    {"down_write(domains_rwsem)", false},
    {"set immutable, up_write", false},
    {"check pages of hwpt", true},
    {"check pages FAULT of hwpt", true},
    {"register domain", true},
    {"register FAULT of domain", true},
    {"unpreserve", false},
    {"unregister domain", true},
    {"clear immutable, up_write", false},
}};

constexpr const char* kMapperPcs[] = {"idle",  "want-fill",   "test-fill",   "fill",   "publish",
                                      "abort", "want-unfill", "test-unfill", "unfill", "drop"};
constexpr const char* kLuPcs[] = {"resting",  "look",       "take-to-set",   "set",  "check",
                                  "register", "unregister", "take-to-clear", "clear"};
constexpr const char* kAreas[] = {"absent", "inserted", "mapped"};

}  // namespace

std::string PreserveActionText(const PreserveModel::Action& action) {
  IOMMUFD_CHECK(action.step < kWords.size(), "every step has a word");
  const WordText& word = kWords[action.step];
  return word.names_domain ? absl::StrCat(word.text, " ", action.domain) : word.text;
}

std::string PreserveStateText(const PreserveModel::State& state, int mappers, int hwpts) {
  std::string text = absl::StrCat("immutable ", state.immutable, "; registered");
  for (int domain = 0; domain < hwpts; ++domain) {
    const bool stale = (state.stale >> domain & 1) != 0;
    absl::StrAppend(&text, " ", state.registered >> domain & 1, stale ? "(changed since)" : "");
  }
  absl::StrAppend(&text, "; rwsem ");
  if (state.writer != 0) {
    absl::StrAppend(&text, "W");
  } else {
    absl::StrAppend(&text, "R*", state.readers);
  }
  absl::StrAppend(&text, "; live update ", kLuPcs[state.lu_pc], "; mappers");
  for (int mapper = 0; mapper < mappers; ++mapper) {
    const PreserveModel::Mapper& self = state.mappers[static_cast<std::size_t>(mapper)];
    absl::StrAppend(&text, " ", kMapperPcs[self.pc], "(", kAreas[self.area], ")");
  }
  return text;
}

}  // namespace iommufd_check::explore
