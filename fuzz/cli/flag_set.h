// The flags of one subcommand: a closed list, so that a misspelt one is an error and never ignored.
//
// Abseil's own parser ends the process with 1 on an unknown flag and on --help; only its conversion
// of values is used here. `--name=value`, `--name value` and one dash are the same; a bool flag is
// `--name`, `--name=false` or `--noname`; `--` ends the flags; `-` is an argument.
//
//   FlagSet flags;
//   flags.Add("design", "NAME", "run under this design", &design);
//   std::vector<std::string> files;
//   const std::string problem = flags.Parse(arguments, &files);
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/marshalling.h"

namespace iommufd_check::cli {

class FlagSet {
 public:
  // `value_name` is for the help text; empty for a bool. REQUIRES: `target` outlives the set.
  template <class T>
  void Add(std::string_view name, std::string_view value_name, std::string_view help, T* target) {
    AddFlag({.name = std::string(name),
             .value_name = std::string(value_name),
             .help = std::string(help),
             .is_bool = std::is_same_v<T, bool>,
             .assign = [target](const std::string& text, std::string* error) {
               return absl::ParseFlag(text, target, error);
             }});
  }

  // Sets the targets; what is no flag goes to `positional`. Returns what is wrong in one sentence,
  // or empty.
  std::string Parse(std::span<const std::string> arguments,
                    std::vector<std::string>* positional) const;

  // One line for each flag, indented.
  std::string Help() const;

 private:
  struct Flag {
    std::string name, value_name, help;
    bool is_bool = false;
    std::function<bool(const std::string&, std::string*)> assign;
  };

  void AddFlag(Flag flag);
  const Flag* Find(std::string_view name) const;
  std::string Unknown(const std::string& argument, std::string_view name) const;

  std::vector<Flag> flags_;
};

}  // namespace iommufd_check::cli
