// A folder that is gone after the test, and processes of the test's own.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace piperun::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "piperun-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Two processes that take turns: each side waits for a byte of the other.
class Turns {
 public:
  Turns() {
    if (::pipe(to_child_) != 0 || ::pipe(to_parent_) != 0) std::abort();
  }
  void child_may_go() { give(to_child_[1]); }
  void wait_for_child() { take(to_parent_[0]); }
  void parent_may_go() { give(to_parent_[1]); }
  void wait_for_parent() { take(to_child_[0]); }

 private:
  static void give(int descriptor) {
    if (::write(descriptor, "x", 1) != 1) std::abort();
  }
  static void take(int descriptor) {
    char byte;
    if (::read(descriptor, &byte, 1) != 1) std::abort();
  }
  int to_child_[2], to_parent_[2];
};

// Runs `body` in a process of its own, which ends with its result; no destructor and no test of the parent runs there.
template <typename Body>
pid_t in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}

inline int exit_status(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace piperun::testing
