#include "runtime/expr/row_function.h"

namespace piperun::expr {

base::ErrorCode error_code(value::Fault fault) {
  using base::ErrorCode;
  using value::Fault;
  switch (fault) {
    case Fault::Overflow:
    case Fault::PrecisionExceeded:
    case Fault::TimeOutOfRange: return ErrorCode::Overflow;
    case Fault::DivisionByZero: return ErrorCode::DivisionByZero;
    case Fault::NotANumber:
    case Fault::ParseInt:
    case Fault::ParseDecimal:
    case Fault::ParseFloat:
    case Fault::ParseBool:
    case Fault::ParseTimestamp:
    case Fault::ParseDuration:
    case Fault::ParseJson:
    case Fault::ParseUrl:
    case Fault::ParseUuid:
    case Fault::BadTimeFormat:
    case Fault::JsonType:
    case Fault::NullValue:
    case Fault::BadEncoding: return ErrorCode::ConversionFailed;
    case Fault::IndexOutOfRange:
    case Fault::KeyMissing: return ErrorCode::IndexOutOfRange;
    case Fault::UnknownEnumValue: return ErrorCode::UnknownEnumValue;
    case Fault::UnknownTimeZone:
    case Fault::BadRegex:
    case Fault::TooLarge:
    case Fault::BadArgument: return ErrorCode::FunctionFailed;
  }
  return ErrorCode::FunctionFailed;
}

}  // namespace piperun::expr
