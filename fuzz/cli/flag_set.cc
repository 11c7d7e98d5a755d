#include "fuzz/cli/flag_set.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/program/text/spelling.h"
#include "model/sim/check.h"

namespace iommufd_check::cli {

void FlagSet::AddFlag(Flag flag) {
  IOMMUFD_CHECK(Find(flag.name) == nullptr, "two flags of one name");
  flags_.push_back(std::move(flag));
}

const FlagSet::Flag* FlagSet::Find(std::string_view name) const {
  for (const Flag& flag : flags_) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

std::string FlagSet::Unknown(const std::string& argument, std::string_view name) const {
  std::vector<std::string_view> known{"help"};
  for (const Flag& flag : flags_) known.push_back(flag.name);
  const std::string nearest(program::Nearest(name, known));
  if (!nearest.empty()) {
    return absl::StrCat("unknown flag ", argument, "; did you mean --", nearest, "?");
  }
  std::string all;
  for (const std::string_view flag : known) absl::StrAppend(&all, " --", std::string(flag));
  return absl::StrCat("unknown flag ", argument, "; known:", all);
}

std::string FlagSet::Parse(std::span<const std::string> arguments,
                           std::vector<std::string>* positional) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      positional->insert(positional->end(), arguments.begin() + i + 1, arguments.end());
      break;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      positional->push_back(argument);
      continue;
    }
    std::string_view name = std::string_view(argument).substr(argument[1] == '-' ? 2 : 1);
    const size_t equals = name.find('=');
    const bool has_value = equals != std::string_view::npos;
    std::string value = has_value ? std::string(name.substr(equals + 1)) : "true";
    name = name.substr(0, equals);

    const Flag* flag = Find(name);
    if (flag == nullptr && name.starts_with("no") && !has_value) {
      flag = Find(name.substr(2));
      if (flag != nullptr && !flag->is_bool) flag = nullptr;
      value = "false";
    }
    if (flag == nullptr) return Unknown(argument.substr(0, argument.find('=')), name);
    if (!flag->is_bool && !has_value) {
      if (++i == arguments.size()) return absl::StrCat("--", flag->name, " needs a value");
      value = arguments[i];
    }
    std::string error;
    if (!flag->assign(value, &error)) {
      return absl::StrCat("--", flag->name, "=", value, " is not a ",
                          flag->is_bool ? "truth value" : flag->value_name);
    }
  }
  return "";
}

std::string FlagSet::Help() const {
  std::string text;
  for (const Flag& flag : flags_) {
    const std::string left =
        flag.is_bool ? flag.name : absl::StrCat(flag.name, "=", flag.value_name);
    absl::StrAppendFormat(&text, "  --%-22s %s\n", left, flag.help);
  }
  return text;
}

}  // namespace iommufd_check::cli
