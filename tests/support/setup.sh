# shellcheck shell=bash
# Set-up shared by tests/run and fuzz/run, which source it: packages of Debian 12, and a build.

# What building and fuzzing need; tests/run asks for a little more.
# shellcheck disable=SC2034  # Used by the scripts that source this file.
BUILD_PACKAGES=(
  clang-19 libclang-rt-19-dev lld-19 llvm-19 g++-12 cmake ninja-build pkg-config git ca-certificates
  libabsl-dev librapidcheck-dev libgtest-dev libgmock-dev libbenchmark-dev libxxhash-dev
  libboost-context-dev nlohmann-json3-dev
)

say() { printf '%s\n' "== $*" >&2; }

# ensure_packages PACKAGE...: installs what is missing when root, else fails and says what to run.
ensure_packages() {
  local package status missing=()
  for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $status == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local install=(apt-get install --yes --no-install-recommends "${missing[@]}")
  if ((EUID != 0)); then
    printf 'missing packages; as root run:\n  apt-get update && %s\n' "${install[*]}" >&2
    return 1
  fi
  say "installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get update >&2
  DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2
}

# build PRESET [TARGET...]: configures and builds, printing only on stderr.
build() {
  local preset=$1
  shift
  say "build $preset $*"
  cmake --preset "$preset" >&2
  cmake --build --preset "$preset" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" \
    ${1+--target "$@"} >&2
}
