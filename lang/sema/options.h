// Options against the catalog's tables: names, types of values, words, env() and secret().
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "lang/sema/expressions.h"

namespace piperun::sema {

class OptionReader {
 public:
  OptionReader(Context& context, Expressions& expressions) : context_(context), expressions_(expressions) {}

  // Reads what was written; an option that is wrong is reported and left out. `owner` for messages: "`kafka`", "`on error`".
  // Names of fields and expressions over the record are kept as written: the schema is not known yet.
  OptionMap read(const std::vector<ast::Option>& options, std::span<const catalog::Option> table,
                 std::span<const catalog::Option> more, catalog::Roles roles, std::uint32_t module, std::string_view owner);

  // Reports each option that must be there and is not; silent if what was read last had a mistake, which may be the reason.
  void require(const OptionMap& options, std::span<const catalog::Option> table, catalog::Roles roles, Span where,
               std::string_view owner);

  // Whether one of the options that were read last is wrong: what follows from that is not said again.
  bool had_mistake() const { return had_mistake_; }

 private:
  using Value = decltype(OptionValue::value);

  const catalog::Option* find(const ast::Option& option, std::span<const catalog::Option> table,
                              std::span<const catalog::Option> more, catalog::Roles roles, std::string_view owner);
  std::optional<Value> value(const ast::Option& option, const catalog::Option& known, Scope& scope);
  std::optional<Value> constant(ExprId id, Scope& scope, TypeKind kind, std::string_view name, std::string_view example);
  std::optional<Value> address(ExprId id, Scope& scope, const catalog::Option& known);
  std::optional<Value> word(ExprId id, const catalog::Option& known);
  std::optional<Value> moment(ExprId id, Scope& scope, const catalog::Option& known, std::string_view example);
  std::optional<Value> backoff(ExprId id, Scope& scope, std::string_view name);
  std::optional<Value> names(ExprId id, const catalog::Option& known);
  std::optional<Value> settings(ExprId id, Scope& scope, std::string_view name, std::string_view names);
  std::optional<Value> record(ExprId id, std::string_view name);
  std::optional<Secret> secret(ExprId id) const;
  std::nullopt_t wrong(ExprId id, std::string_view name, std::string_view wanted, std::string_view example);

  Context& context_;
  Expressions& expressions_;
  bool had_mistake_ = false;  // in what was read last
};

// The value of an option as a constant's part; `otherwise` if it was not given.
std::int64_t number_of(const OptionMap& options, std::string_view name, std::int64_t otherwise);
std::string text_of(const OptionMap& options, std::string_view name, const value::TypeTable& types,
                    std::string_view otherwise = "");
const OptionValue* find_option(const OptionMap& options, std::string_view name);

}  // namespace piperun::sema
