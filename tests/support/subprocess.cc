#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace iommufd_check::test_support {
namespace {

// Output goes to unnamed files rather than pipes: nothing has to be drained while it runs.
std::string ReadAll(std::FILE* file) {
  std::string text;
  std::fseek(file, 0, SEEK_SET);
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) {
    text.append(buffer, n);
  }
  return text;
}

}  // namespace

RunResult RunProgram(const std::vector<std::string>& argv) {
  RunResult result;
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  if (argv.empty() || out == nullptr || err == nullptr) {
    if (out != nullptr) std::fclose(out);
    if (err != nullptr) std::fclose(err);
    result.status = 127;
    result.err = "no program or no temporary file";
    return result;
  }

  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);

  if (error != 0) {
    result.status = 127;
    result.err = std::strerror(error);
  } else {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = ReadAll(out);
    result.err = ReadAll(err);
  }
  std::fclose(out);
  std::fclose(err);
  return result;
}

std::string SourceRoot() { return IOMMUFD_CHECK_SOURCE_ROOT; }
std::string BinDir() { return IOMMUFD_CHECK_BIN_DIR; }

}  // namespace iommufd_check::test_support
