// Names of what a program declares, by its place in the tables of Facts.
#pragma once
#include <cstdint>

namespace piperun::sema {

// Indices into the vectors of Facts.
using ConnectionId = std::uint32_t;
using SourceId = std::uint32_t;
using TableId = std::uint32_t;
using SinkId = std::uint32_t;
using FlowId = std::uint32_t;
using FunctionId = std::uint32_t;
using ParamId = std::uint32_t;
inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

}  // namespace piperun::sema
