// A place among the processes that run one pipeline on one host: what stays the same when a process is started again after a crash, so
// that the new one can settle what the old one left open.
#pragma once
#include <string>

#include "runtime/base/result.h"

namespace piperun::commit {

// Holds the lowest free lock file of the pipeline until it is destroyed; the operating system frees it when the process dies.
class Slot {
 public:
  // `<host>-<number>`. The host is a random id that the state directory keeps, so that two directories never make the same name.
  // CannotOpen when nothing can be written there.
  static base::Result<Slot> take(const std::string& state_dir, const std::string& pipeline);

  Slot(Slot&& other) noexcept : name_(std::move(other.name_)), file_(other.file_) { other.file_ = -1; }
  Slot& operator=(Slot&&) = delete;
  ~Slot();

  const std::string& name() const { return name_; }

 private:
  Slot(std::string name, int file) : name_(std::move(name)), file_(file) {}

  std::string name_;
  int file_;
};

}  // namespace piperun::commit
