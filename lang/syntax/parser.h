// The door of this folder: text in, AST and diagnostics P01xx out. One mistake gives one diagnostic, and what is right is kept.
#pragma once
#include "lang/ast/ast.h"
#include "lang/diag/report.h"
#include "lang/source/source.h"

namespace piperun::syntax {

// A whole file. Adds its expressions to `pool`. Declarations and stages with a mistake are ErrorDecl and ErrorStage; expressions in them
// are ErrorExpr. Never throws; takes time linear in the length of the text.
ast::Module parse(const source::SourceMap& sources, source::FileId file, ast::Pool& pool, diag::Report& report);

// A text that is one expression (`--where EXPR`).
ast::ExprId parse_expression(const source::SourceMap& sources, source::FileId file, ast::Pool& pool, diag::Report& report);

}  // namespace piperun::syntax
