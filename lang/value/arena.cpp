#include "lang/value/arena.h"

#include <algorithm>
#include <cstring>

namespace piperun::value {

Text Arena::copy(std::string_view text) {
  char* memory = chars(text.size());
  if (!text.empty()) std::memcpy(memory, text.data(), text.size());
  return {memory, text.size()};
}

void Arena::reset() {
  if (blocks_.size() > 1) {
    const std::size_t total = capacity();
    blocks_.clear();
    start(total);
  } else if (!blocks_.empty()) {
    next_ = blocks_.front().memory.get();
    left_ = blocks_.front().size;
  }
}

std::size_t Arena::capacity() const {
  std::size_t total = 0;
  for (const Block& block : blocks_) total += block.size;
  return total;
}

void* Arena::allocate_from_new_block(std::size_t bytes) {
  const std::size_t doubled = blocks_.empty() ? first_block_ : blocks_.back().size * 2;
  start(std::max(doubled, bytes));
  char* result = next_;
  next_ += bytes;
  left_ -= bytes;
  return result;
}

void Arena::start(std::size_t size) {
  blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
  next_ = blocks_.back().memory.get();
  left_ = size;
}

}  // namespace piperun::value
