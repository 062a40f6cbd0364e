// Types of expressions: what each names, whether it may be null, can fail, is volatile. Writes Facts::exprs.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lang/sema/signatures.h"
#include "lang/sema/types.h"

namespace piperun::sema {

struct Parameter {
  std::string name;
  TypeId type;
};

struct Variable {  // of a fold
  std::string name;
  TypeId type;
  std::uint32_t id = 0;
  bool is_volatile = false;
};

// What can be named at one place of the program.
struct Scope {
  std::uint32_t module = 0;
  const RowSchema* row = nullptr;                  // fields that can be read; null: none
  bool is_row_known = true;                        // false behind a mistake: unknown names are then silent
  const std::vector<Parameter>* parameters = nullptr;
  const std::map<std::string, Span>* lost = nullptr;  // fields that a `map` or `drop` left behind, and where
  bool has_environment = false;                    // env() and secret() may be called
  bool may_look_up = false;                        // `table[key]`
  std::vector<Variable> variables = {};
  std::set<std::string> present = {};              // paths known not to be null: `a`, `a.b`, `$p`
};

class Functions;
class Values;

class Expressions {
 public:
  Expressions(Context& context, TypeReader& types, Values& values, Functions& functions)
      : context_(context), types_(types), values_(values), functions_(functions) {}

  // Checks an expression that stands for itself: no failure may be left open. `hint`: the type that would be welcome (Error: none).
  TypeId check(ExprId id, Scope& scope, TypeId hint = {});
  // The same, and its value must become a `target`; `what` it is for begins the message: "the condition of `filter`".
  bool check_as(ExprId id, Scope& scope, TypeId target, std::string_view what);
  bool condition(ExprId id, Scope& scope, std::string_view what);

  // Paths that are not null if `id` is `truth`.
  void narrow(ExprId id, bool truth, std::set<std::string>& present) const;

  // A value that is known while compiling; nullopt: it is none, which was reported.
  std::optional<Constant> evaluate(ExprId id, Scope& scope, TypeId hint, std::string_view what);

  // Without the rule about open failures.
  TypeId infer(ExprId id, Scope& scope, TypeId hint = {});
  bool coerce(ExprId id, TypeId target, std::string_view what);
  bool handle_failure(ExprId id);  // false and reported: a failure is left open
  bool is_secret_misused(ExprId id);  // reported then

  ExprFact& fact(ExprId id) { return context_.facts.exprs[id.index]; }

 private:
  TypeId infer_node(ExprId id, Scope& scope, TypeId hint);
  TypeId literal(ExprId id, Constant constant, TypeId hint);

  TypeId name(ExprId id, const ast::Name& name, Scope& scope, TypeId hint);
  TypeId narrowed(ExprId id, TypeId type, const std::string& path_text, const Scope& scope);
  std::optional<TypeId> local_name(ExprId id, const std::string& text, const Scope& scope);
  static bool is_local(const std::string& text, const Scope& scope);  // such a name
  void no_value(const ast::Name& name, const ast::Declaration& declaration);
  void unknown_name(const ast::Name& name, const Scope& scope);
  TypeId param(ExprId id, const ast::ParamRef& ref, Scope& scope);
  TypeId member(ExprId id, const ast::Member& member, Scope& scope, TypeId hint);
  std::optional<TypeId> qualified(ExprId id, const ast::Member& member, Scope& scope, TypeId hint);
  std::optional<TypeId> module_member(ExprId id, std::uint32_t module, std::string_view module_name,
                                      const std::vector<ast::Name>& parts, TypeId hint);
  TypeId enum_value(ExprId id, Symbol symbol, Span named_at, const ast::Name& value);
  bool is_value(std::string_view text, const Scope& scope) const;
  void no_members(const ast::Member& member, TypeId object);  // reports
  TypeId record_member(ExprId id, const ast::Member& member, TypeId object, bool object_may_be_null, Scope& scope);
  TypeId meta(ExprId id, const ast::Name& name, Scope& scope);
  TypeId index(ExprId id, const ast::Index& index, Scope& scope);
  const Symbol* table_named(ExprId id, const Scope& scope);
  bool has_elements(ExprId id, const ast::Index& index, TypeId object);
  TypeId element(ExprId id, const ast::Index& index, TypeId object, TypeId key);
  TypeId lookup(ExprId id, const ast::Index& index, Symbol table, Scope& scope);

  TypeId interpolation(ExprId id, const ast::Interpolation& text, Scope& scope);
  TypeId list(ExprId id, const ast::ListLiteral& literal, Scope& scope, TypeId hint);
  TypeId record(ExprId id, const ast::RecordLiteral& literal, Scope& scope, TypeId hint);
  TypeId unary(ExprId id, const ast::Unary& unary, Scope& scope, TypeId hint);
  TypeId binary(ExprId id, const ast::Binary& binary, Scope& scope, TypeId hint);
  void infer_both(const ast::Binary& binary, Scope& scope, TypeId hint);
  TypeId logic(ExprId id, const ast::Binary& binary, Scope& scope);
  TypeId compare(ExprId id, const ast::Binary& binary, Scope& scope);
  TypeId contains(ExprId id, const ast::Binary& binary, Scope& scope);
  TypeId arithmetic(ExprId id, const ast::Binary& binary, Scope& scope, TypeId hint);
  TypeId decimal_arithmetic(ExprId id, const ast::Binary& binary, TypeId hint);
  TypeId time_arithmetic(const ast::Binary& binary, TypeKind left, TypeKind right);
  bool fold_constant(ExprId id, const ast::Binary& binary, TypeId type);
  bool is_fixed(ExprId id) const;  // made of literals and consts alone: the same whatever the params are
  bool divisor_is_safe(const ast::Binary& binary);
  void compared_with_null(const ast::Binary& binary);
  TypeId no_operator(const ast::Binary& binary);
  void number_with_time(diag::Diagnostic& found, const ast::Binary& binary);
  TypeId null_test(ExprId id, const ast::NullTest& test, Scope& scope);
  TypeId needless_coalesce(ExprId id, const ast::Coalesce& coalesce, TypeId left);
  TypeId coalesce(ExprId id, const ast::Coalesce& coalesce, Scope& scope, TypeId hint);
  TypeId catching(ExprId id, const ast::Catch& node, Scope& scope, TypeId hint);
  TypeId bang(ExprId id, const ast::Bang& bang, Scope& scope, TypeId hint);
  TypeId conditional(ExprId id, const ast::If& node, Scope& scope, TypeId hint);
  TypeId both_branches(ExprId a, ExprId b, TypeId hint);

  TypeId call(ExprId id, const ast::Call& call, Scope& scope, TypeId hint);
  void infer_all(const ast::Call& call, Scope& scope);
  TypeId named_call(ExprId id, const ast::Call& call, const ast::Name& name, Scope& scope, TypeId hint);
  TypeId member_call(ExprId id, const ast::Call& call, const ast::Member& member, Scope& scope);
  bool help_with_module(diag::Diagnostic& found, const ast::Call& call, const ast::NameRef& root, const ast::Name& function,
                        const Scope& scope);
  TypeId environment_call(ExprId id, const ast::Call& call, const std::string& name, Scope& scope);
  TypeId declared_call(ExprId id, const ast::Call& call, Symbol symbol, Scope& scope);
  TypeId builtin_call(ExprId id, const ast::Call& call, const ast::Name& name, Scope& scope, TypeId hint);
  struct Overload {
    const catalog::Function* function;
    Signature signature;
    Bindings bindings;
  };
  int digits_at(const ast::Call& call, std::size_t i) const;
  TypeId declared_decimal(const ast::Call& call, std::string_view name);
  bool is_arithmetic(ExprId id) const;
  std::optional<std::vector<TypeId>> infer_arguments(const ast::Call& call, std::string_view name, Scope& scope, TypeId dividend);
  bool take_secret_key(ExprId id, const ast::Call& call);
  std::optional<Overload> choose(const ast::Call& call, std::string_view name, const std::vector<TypeId>& given, Scope& scope);
  TypeId no_overload(ExprId id, std::string_view name, const std::vector<TypeId>& given);
  bool coerce_arguments(const ast::Call& call, const Overload& overload);
  TypeId rounded(const ast::Call& call, TypeId type, TypeId hint);
  TypeId fold_call(ExprId id, const ast::Call& call, const ast::Name& name, Scope& scope, TypeId hint);
  struct FoldTypes {
    TypeId element, value;  // of the list; of what is taken of each element
  };
  FoldTypes folded_list(ExprId id, const ast::Argument& argument, std::string_view name, Scope& scope);
  FoldTypes folded_values(ExprId id, const ast::Argument& argument, std::uint32_t variable, Scope& scope, TypeId hint);
  TypeId wrong_fold(ExprId id, const ast::Call& call, std::string_view name, Scope& scope);
  static bool is_fold(std::string_view name);
  static bool is_builtin(std::string_view name);
  std::optional<TypeId> fold_type(FoldKind kind, TypeId value);
  bool check_pattern(ExprId id, std::string_view native, const ast::Call& call);
  void unknown_function(const ast::Name& name, const Scope& scope);
  void take_arguments(ExprId id, const ast::Call& call);

  // Reports a value that may be null where none is wanted; true if it is fine.
  bool present(ExprId id, std::string_view what);
  void absorb(ExprId into, ExprId part);  // failure, volatility and secrecy of a part are those of the whole
  bool is_literal(ExprId id) const;  // its type adapts
  bool is_operand(ExprId id) const;  // a sign behind it is about all of it
  std::string path(ExprId id) const;  // "" if it is none
  const ast::Expr& node(ExprId id) const { return context_.program.pool[id]; }
  Span span(ExprId id) const { return context_.program.pool[id].span; }
  std::string_view text(ExprId id) const { return context_.sources.text(span(id)); }

  Context& context_;
  TypeReader& types_;
  Values& values_;
  Functions& functions_;
  std::uint32_t variables_ = 0;
  std::map<ExprId, ExprId> failing_;  // expression → the part of it that can fail
  std::set<ExprId> catchable_;  // can fail without having to be handled: overflow, `fail`
};

}  // namespace piperun::sema
