// The bytes of a file by position, inflated if its name ends in .gz: positions are then those of the inflated text.
#pragma once
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>

#include "runtime/base/result.h"

namespace piperun::file {

class FileBytes {
 public:
  virtual ~FileBytes() = default;

  // Up to `size` bytes from `position`; fewer only at the end. A .gz is read forwards; going back begins anew.
  virtual base::Result<std::size_t> read_at(std::int64_t position, char* to, std::size_t size) = 0;

  // Of the text, now. For a .gz whose file changed this reads it through.
  virtual base::Result<std::int64_t> size() = 0;

  // Microseconds since 1970, of the file.
  virtual std::int64_t modified() = 0;
};

std::int64_t micros_of(const timespec& time);

base::Result<std::unique_ptr<FileBytes>> open_file(const std::string& path);  // CannotOpen
base::Result<std::string> read_file(const std::string& path);                // all of it, but a byte-order mark

}  // namespace piperun::file
