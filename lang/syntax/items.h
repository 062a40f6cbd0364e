// What stands in blocks and in the file: options, fields, stages, declarations. Each item says how it ends (`end`) and, for telling
// a missing `}` from a wrong item, how one begins (`head`: only looked at, never parsed).
#pragma once
#include "lang/syntax/expressions.h"

namespace piperun::syntax::rules {

template <typename... Next>
struct name_before : p::seq<any_name_text, p::star<p::blank>, Next...> {};
struct behind_shorthand : p::sor<p::one<',', '}', '#', '\r'>, p::eolf> {};

// ---- Names with values

struct entry : node<Kind::Entry, field_name, p::opt<equals, need<value>>> {  // of a map, an aggregate or a record
  using end = end_of_item;
  using head = name_before<p::sor<behind_shorthand, single_equals>>;
  static constexpr std::string_view expected = "`name = value`";
};
struct option : node<Kind::Option, field_name, need<equals, value>> {
  using end = end_of_item;
  using head = name_before<single_equals>;
  static constexpr std::string_view expected = "`name = value`";
};
struct on_error : node<Kind::OnError, word<"on">, need<word<"error">, block<option>>> {};
struct pipeline_item : p::sor<p::seq<p::at<bare_word<"on">, p::plus<p::blank>, bare_word<"error">>, on_error>, option> {
  using end = end_of_item;
  using head = p::sor<bare_word<"on">, option::head>;
  static constexpr std::string_view expected = "`name = value` or `on error`";
};
struct colon : p::seq<p::one<':'>, gap> {
  static constexpr std::string_view expected = "`:`";
};
struct data_name : node<Kind::DataName, word<"from">, need<plain_string>> {};
struct field_default : node<Kind::FieldDefault, equals, need<expression>> {};
struct type_field : node<Kind::TypeField, field_name, need<colon, type>, p::opt<data_name>, p::opt<field_default>> {
  using end = end_of_item;
  using head = name_before<p::one<':'>>;
  static constexpr std::string_view expected = "`name: type`";
};
struct enum_value : field_name {
  using end = end_of_item;
  using head = name_before<behind_shorthand>;
};

// ---- Stages

struct amount : sum {
  static constexpr std::string_view expected = "a number or a duration";
};
struct within : node<Kind::Within, p::sor<word<"forever">, value>> {
  static constexpr std::string_view expected = "a duration or `forever`";
};
struct durable : p::opt<node<Kind::Durable, word<"as">, need<name>>> {};
struct late_policy : p::sor<word<"drop">, p::seq<word<"to">, need<name>>> {
  static constexpr std::string_view expected = "`drop` or `to`";
};
struct late : p::opt<node<Kind::Late, word<"late">, need<late_policy>>> {};
struct window_kind : p::sor<node<Kind::Tumbling, word<"tumbling">, need<amount>>,
                            node<Kind::Hopping, word<"hopping">, need<amount, word<"every">, amount>>,
                            node<Kind::Sliding, word<"sliding">, need<amount>>,
                            node<Kind::Session, word<"session">, need<word<"gap">, amount>, p::opt<word<"max">, need<amount>>>> {
  static constexpr std::string_view expected = "`tumbling`, `hopping`, `sliding` or `session`";
};
struct destination : p::seq<word<"to">, need<name>> {
  static constexpr std::string_view expected = "`to`";
};
struct route_case : node<Kind::RouteCase,
                         p::sor<p::seq<word<"when">, need<expression, destination>>, p::seq<word<"else">, need<destination>>>> {
  using end = end_of_item;
  using head = any_bare_word<"when", "else">;
  static constexpr std::string_view expected = "`when` or `else`";
};

struct from_stage : node<Kind::FromStage, word<"from">, need<names>, p::opt<word<"as">, need<type>>> {};
struct filter_stage : node<Kind::FilterStage, word<"filter">, need<expression>> {};
struct set_stage : node<Kind::SetStage, word<"set">, need<path, equals, expression>> {};
struct map_stage : node<Kind::MapStage, word<"map">, p::opt<type>, need<block<entry>>> {};
struct drop_stage : node<Kind::DropStage, word<"drop">, need<paths>> {};
struct flatten_stage
    : node<Kind::FlattenStage, word<"flatten">, need<expression, word<"as">, name>, p::opt<word<"at">, need<name>>> {};
struct dedup_stage : node<Kind::DedupStage, word<"dedup">, need<paths, word<"within">, within>, durable> {};
struct enrich_stage : node<Kind::EnrichStage, word<"enrich">, need<name, equals, expression>> {};
struct key_stage : node<Kind::KeyStage, word<"key">, need<word<"by">, paths>> {};
struct delete_stage : node<Kind::DeleteStage, word<"delete">, need<word<"when">, expression>> {};
struct route_stage : node<Kind::RouteStage, word<"route">, need<block<route_case>>> {};
struct to_stage : node<Kind::ToStage, word<"to">, need<name>, p::opt<word<"after">, need<name>>> {};
struct grace : p::opt<node<Kind::Grace, word<"grace">, need<amount>>> {};
struct window_stage : node<Kind::WindowStage, word<"window">, need<window_kind>, grace, late, durable> {};
struct join_head : p::sor<word<"join">, p::seq<p::sor<word<"left">, word<"full">>, need<word<"join">>>> {};
struct join_stage
    : node<Kind::JoinStage, join_head, need<name, equals, name, word<"on">, expression, word<"within">, within>, late, durable> {
};
struct aggregate_stage
    : node<Kind::AggregateStage, word<"aggregate">, p::opt<word<"by">, need<paths>>, need<block<entry>>, durable> {};
struct per : p::opt<node<Kind::Per, word<"per">, need<paths>>> {};
struct with_ties : p::opt<node<Kind::WithTies, word<"with">, need<word<"ties">>>> {};
struct ascending : p::opt<node<Kind::Ascending, word<"asc">>> {};
struct top_stage : node<Kind::TopStage, word<"top">, need<amount, word<"by">, expression>, ascending, per, with_ties, durable> {};
struct time_stage : node<Kind::TimeStage, word<"time">, need<word<"by">, expression>> {};

struct stage
    : p::sor<from_stage, filter_stage, set_stage, map_stage, drop_stage, flatten_stage, dedup_stage, enrich_stage, key_stage,
             delete_stage, route_stage, to_stage, window_stage, join_stage, aggregate_stage, top_stage, time_stage, on_error> {
  using end = end_of_line;
  using head = any_bare_word<"from", "filter", "set", "map", "drop", "flatten", "dedup", "enrich", "key", "delete", "route", "to",
                             "window", "join", "left", "full", "aggregate", "top", "time", "on">;
  static constexpr std::string_view expected = "a stage";
  static constexpr Code code = Code::P0112;
};

// ---- Declarations

struct connector : node<Kind::Connector, path, p::opt<block<option>>> {
  static constexpr std::string_view expected = "a connector";
};
struct fn_parameter : node<Kind::FnParameter, name, need<colon, type>> {
  static constexpr std::string_view expected = "`name: type`";
};
struct fn_parameters : p::seq<bracketed<'(', ')', fn_parameter>, gap> {
  static constexpr std::string_view expected = "`(`";
};
struct fn_head : p::seq<word<"fn">, need<name, fn_parameters, sign<"->">, type>> {
  static constexpr std::string_view expected = "`fn`";
};
struct use_target : p::sor<p::seq<plain_string, need<word<"as">, name>>, p::seq<path, p::opt<word<"as">, need<name>>>> {
  static constexpr std::string_view expected = "a module";
};
struct schema : node<Kind::Schema, word<"from">, need<plain_string>> {};
struct type_body : p::sor<schema, block<type_field>> {
  static constexpr std::string_view expected = "`{` or `from`";
};
struct typed_head : need<name, colon, type, equals, connector> {};

struct declaration
    : p::sor<node<Kind::PipelineDecl, word<"pipeline">, need<name, block<pipeline_item>>>,
             node<Kind::ParamDecl, word<"param">, need<name, colon, type>, p::opt<equals, need<expression>>>,
             node<Kind::ConstDecl, word<"const">, need<name, equals, expression>>,
             node<Kind::EnumDecl, word<"enum">, need<name, block<enum_value>>>,
             node<Kind::TypeDecl, word<"type">, need<name, type_body>>,
             node<Kind::ConnectionDecl, word<"connection">, need<name, equals, connector>>,
             node<Kind::SourceDecl, word<"source">, typed_head>, node<Kind::TableDecl, word<"table">, typed_head>,
             node<Kind::SinkDecl, word<"sink">, need<name, equals, connector>>,
             node<Kind::FnDecl, fn_head, need<equals, expression>>,
             node<Kind::IntrinsicDecl, word<"intrinsic">, need<fn_head>, p::opt<node<Kind::CanFail, sign<"!">>>>,
             node<Kind::FlowDecl, word<"flow">, need<name, block<stage>>>, node<Kind::UseDecl, word<"use">, need<use_target>>> {
  using end = end_of_line;
  using head = any_bare_word<"pipeline", "param", "const", "enum", "type", "connection", "source", "table", "sink", "fn",
                             "intrinsic", "flow", "use">;
  static constexpr std::string_view expected = "a declaration";
  static constexpr Code code = Code::P0111;
};

struct file : p::seq<lines, p::star<p::not_at<p::eof>, item<declaration>, lines>, p::eof> {};

struct end_of_text : p::eof {
  static constexpr std::string_view expected = "the end of the expression";
};
struct lone_expression : with_newline<Newline::IsBlank, gap, need<expression, end_of_text>> {};

}  // namespace piperun::syntax::rules
