// The folds of lists: what becomes of the values that the element function emits, one after the other.
#pragma once
#include <optional>
#include <string_view>

#include "lang/ir/program.h"
#include "lang/value/arena.h"
#include "lang/value/failure.h"

namespace piperun::expr {

// One run of one fold. `room` elements at most will come.
class Accumulator {
 public:
  Accumulator(const ir::FoldSpec& spec, const value::TypeTable& types, value::Arena& arena, std::size_t room,
              std::string_view separator);

  // The cells of one value of spec.value_type. A fault is the fold's.
  std::optional<value::Fault> add(const value::Cell* value);
  std::optional<value::Fault> finish(value::Cell* result);

 private:
  std::optional<value::Fault> add_up(value::Cell value);
  void keep(const value::Cell* value);
  void put_kept(value::Cell* result) const;
  std::optional<value::Fault> put_mean(value::Cell* result) const;

  const ir::FoldSpec& spec_;
  const value::TypeTable& types_;
  value::Arena& arena_;
  std::string_view separator_;
  std::size_t width_;               // cells of a value
  value::Cell* items_ = nullptr;    // List, Join
  std::size_t count_ = 0;
  value::Cell kept_[2] = {};        // Min, Max, First, Last: so far
  value::Cell sum_{};
  bool truth_ = false;              // Any, All
};

}  // namespace piperun::expr
