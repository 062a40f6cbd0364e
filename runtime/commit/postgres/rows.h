// What a statement returned.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pqxx {
class result;
}  // namespace pqxx

namespace piperun::postgres {

// Rows and columns count from 0; views live as long as this.
class Rows {
 public:
  explicit Rows(std::unique_ptr<pqxx::result> result);
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;
  ~Rows();

  std::size_t size() const { return size_; }
  std::int64_t changed() const { return changed_; }
  int columns() const;
  std::string column_name(int column) const;
  bool is_null(std::size_t row, int column) const;
  std::string_view view(std::size_t row, int column) const;
  std::string text(std::size_t row, int column) const { return std::string(view(row, column)); }
  std::int64_t integer(std::size_t row, int column) const;
  bool boolean(std::size_t row, int column) const { return view(row, column) == "t"; }
  std::string bytes(std::size_t row, int column) const;
  std::optional<std::string> optional_bytes(std::size_t row, int column) const;

 private:
  std::unique_ptr<pqxx::result> result_;
  std::size_t size_;
  std::int64_t changed_;
};

}  // namespace piperun::postgres
