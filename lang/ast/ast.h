// What a file says, as immutable plain structs: a Module has declarations, a flow has stages; expressions live in a Pool.
// Findings about nodes are kept in tables beside the tree, never in it.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lang/ast/expr.h"
#include "lang/ast/pool.h"
#include "lang/ast/stage.h"

namespace piperun::ast {

struct Option {  // `name = value`; the value's own span is pool[value].span
  Name name;
  ExprId value;
};

struct OnError {  // `on error { … }` of the pipeline or of one flow
  Span span;
  std::vector<Option> options;
};

// `postgres { url = … }`, or a connection's name with further options.
struct Connector {
  Path path;
  std::vector<Option> options;
  Span span;
};

struct ErrorDecl {};  // a mistake was reported in it; the name (if it has one) counts as declared

struct PipelineDecl {
  std::vector<Option> options;
  std::optional<OnError> on_error;
};
struct ParamDecl {
  TypeExprId type;
  ExprId value;  // none: it must be given
};
struct ConstDecl {
  ExprId value;
};
struct EnumDecl {
  std::vector<Name> values;
};
struct TypeField {
  Span span;
  Name name;
  TypeExprId type;
  std::optional<Name> from;  // name in the data
  ExprId value;              // when absent or null; may be none
  std::string doc;
};
struct TypeDecl {
  std::vector<TypeField> fields;
  std::optional<Name> schema;  // `type Trip from "trip.avsc"`: then there are no fields
};
struct ConnectionDecl {
  Connector connector;
};
struct SourceDecl {
  TypeExprId type;
  Connector connector;
};
struct TableDecl {
  TypeExprId type;
  Connector connector;
};
struct SinkDecl {
  Connector connector;
};
struct FnParameter {
  Name name;
  TypeExprId type;
};
struct FnDecl {
  std::vector<FnParameter> parameters;
  TypeExprId result;
  ExprId body;            // none: `intrinsic fn`, of standard library modules alone
  bool can_fail = false;  // `-> T!`: said of an intrinsic; of others it follows from the body
};
struct FlowDecl {
  std::vector<Stage> stages;
  std::optional<OnError> on_error;
};
struct UseDecl {  // Declaration::name is the name it gets here: `as NAME`, else the path's last part
  Path module;              // `std.text`; no parts if it is a file
  std::optional<Name> file;  // "./money.pipe"
};

using DeclarationNode = std::variant<ErrorDecl, PipelineDecl, ParamDecl, ConstDecl, EnumDecl, TypeDecl, ConnectionDecl,
                                     SourceDecl, TableDecl, SinkDecl, FnDecl, FlowDecl, UseDecl>;

struct Declaration {
  DeclarationNode node;
  Name name;
  std::string doc;  // its `##` lines joined by '\n', without the signs
  Span keyword;     // of its first word
  Span span;        // of the whole declaration
};

struct Module {
  source::FileId file;
  std::vector<Declaration> declarations;  // in the order of the file
};

}  // namespace piperun::ast
