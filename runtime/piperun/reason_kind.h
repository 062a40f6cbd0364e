// Reasons of dead letters that differ in their values alone: `no customer 17`, `no customer 18`.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace piperun::cli {

// Reasons of one code and place with equal texts here are of one kind. What the program itself says (`fail`) is of one kind there.
std::string kind_of(const std::string& code, const std::string& reason);

// Those of one kind, counted.
class ReasonKind {
 public:
  void add(const std::string& reason);

  std::int64_t letters() const { return letters_; }
  const std::string& example() const { return first_; }  // the first one
  std::string words() const;  // what all begin and end with, and `…` between; if they have nothing in common, the example

 private:
  std::string first_;
  std::vector<std::string> prefix_, suffix_;  // words; the suffix from its end on
  std::size_t fewest_ = 0;  // words of one of them
  std::int64_t letters_ = 0;
  bool is_one_text_ = true;
};

}  // namespace piperun::cli
