// Memory that is given back all at once: values computed for a batch live here until its commit is known.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "lang/value/cell.h"

namespace piperun::value {

// A bump allocator for trivial data. Not thread-safe. Moving it keeps all pointers valid.
class Arena {
 public:
  explicit Arena(std::size_t first_block = 16 * 1024) : first_block_(first_block) {}

  // Uninitialised memory, aligned for a Cell; valid until `reset`. Any size, also 0.
  void* allocate(std::size_t bytes) {
    const std::size_t rounded = (bytes + 15) & ~std::size_t{15};
    if (rounded > left_ || next_ == nullptr) return allocate_from_new_block(rounded);
    void* result = next_;
    next_ += rounded;
    left_ -= rounded;
    return result;
  }
  Cell* cells(std::size_t count) { return static_cast<Cell*>(allocate(count * sizeof(Cell))); }
  char* chars(std::size_t count) { return static_cast<char*>(allocate(count)); }

  Text copy(std::string_view text);

  // Invalidates everything allocated. Keeps the memory: a steady load allocates nothing from the second round on.
  void reset();

  // Bytes held from the system.
  std::size_t capacity() const;

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    std::size_t size;
  };
  void* allocate_from_new_block(std::size_t bytes);
  void start(std::size_t size);

  std::size_t first_block_;
  std::vector<Block> blocks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace piperun::value
