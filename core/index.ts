/** What hosts use. */

export { type ByteSource, inMemory } from "./bytecode/byte-source.ts";
export { decode } from "./bytecode/decode.ts";
export { disassemble } from "./bytecode/disassemble.ts";
export type { ObligationKind, Program } from "./bytecode/program.ts";
export {
  isStatementName,
  type ReadStatement,
  readStatement,
  STATEMENT_BYTES_MAX,
  type Statement,
  statementToSign,
  withSignature,
} from "./bytecode/statement.ts";
export { obligationProblem } from "./check/target-obligations.ts";
export { missingAt, TARGETS, type Target } from "./check/targets.ts";
export { type Compiled, type CompileOptions, compile } from "./compile.ts";
export {
  canonicalName,
  fieldValue,
  headerText,
  isDenialStatus,
  isRedirectStatus,
  type SettableHeaders,
  settableHeaders,
} from "./decision/answer.ts";
export { type Caller, callerOf, grpcWebHeaders, jsonRpcCallOf, jsonRpcError } from "./decision/caller.ts";
export type { DecisionCounter } from "./decision/counter.ts";
export {
  type Decision,
  type Denial,
  type Effects,
  type Explanation,
  type FailedCondition,
  type HeaderValue,
  type LimitRequest,
  NO_EFFECTS,
  type Outcome,
  type PolicyReport,
  type Reason,
  type ReasonOutcome,
} from "./decision/decision.ts";
export { type Limiter, settle, type Taking } from "./decision/limits.ts";
export { LocalLimiter } from "./decision/local-limiter.ts";
export {
  encodedParameter,
  type QueryChanges,
  rewriteQuery,
  spellingsIn,
} from "./decision/query-string.ts";
export { type DecisionRecorder, type Judged, recorderOf } from "./decision/recorder.ts";
export { parseTraceParent, type TraceParent, traceParentOf } from "./decision/trace-parent.ts";
export { type Analysis, analyse } from "./editor/analyse.ts";
export { type Completion, type Completions, completionsAt } from "./editor/complete.ts";
export { type Description, describe } from "./editor/describe.ts";
export { fixesFor } from "./editor/fixes.ts";
export {
  type Fold,
  foldsOf,
  type OutlineEntry,
  outlineOf,
  type Word,
  type WordKind,
  wordsOf,
} from "./editor/outline.ts";
export { type Renamed, rename, renameRefusal } from "./editor/rename.ts";
export {
  type NamedSymbol,
  type Occurrence,
  occurrenceAt,
  occurrencesOf,
  type SymbolKind,
} from "./editor/symbols.ts";
export { type Formatted, format } from "./format/format.ts";
export { type Compiler, createCompiler, type Recheck, type Recompiled } from "./incremental/compiler.ts";
export { testOfBlock, testsOf } from "./policy-test/blocks.ts";
export {
  type ConditionCoverage,
  type Coverage,
  CoverageCounter,
  type PolicyCoverage,
} from "./policy-test/coverage.ts";
export {
  type FileMember,
  type FileProblem,
  type FileValue,
  type NamedPath,
  readTestFile,
} from "./policy-test/file.ts";
export type { Place, PolicyTest } from "./policy-test/policy-test.ts";
export { type Difference, runTest, type TestRun } from "./policy-test/run.ts";
export { announcedSize } from "./request/announced-size.ts";
export { type Claims, claimsOf } from "./request/claims.ts";
export { type FactValue, type Json, sameFact } from "./request/facts.ts";
export { HTTP_FORM_MEMBERS, type HttpFacts, readHttp, type Unsaid } from "./request/form-http.ts";
export { FormReader, type Member } from "./request/form-reader.ts";
export {
  type Identity,
  type IdentityPlan,
  identityPlan,
  type VerifiedFact,
  type VerifiedFacts,
  withVerified,
} from "./request/identity.ts";
export {
  JSON_ARRAY,
  JSON_FALSE,
  JSON_NULL,
  JSON_OBJECT,
  JSON_STRING,
  JSON_STRING_ESCAPED,
  JSON_TRUE,
  JsonTape,
} from "./request/json.ts";
export { checkAttributeNames, parseNeutralRequest } from "./request/json-form.ts";
export { listText } from "./request/list-text.ts";
export {
  type Body,
  type Connection,
  type Fact,
  type HeaderLine,
  type NeutralRequest,
  type Peer,
  type Text,
  undelivered,
  undeliveredConnection,
} from "./request/neutral.ts";
export { defaultOf, originOf, type ReadFact, typeOf } from "./request/read-facts.ts";
export { requestForm } from "./request/to-form.ts";
export { withAttribute, withFact } from "./request/with-fact.ts";
export { createEngine, type Engine, type EngineResult, type PolicyTrees } from "./runtime/engine.ts";
export type { Truth } from "./runtime/explain.ts";
export type { CountNeed } from "./runtime/needs.ts";
export type { Clock, ConditionTree, SeenValue } from "./runtime/tree.ts";
export { type Saving, type Savings, savings } from "./savings.ts";
export {
  isUnchanged,
  type NamedChange,
  type PartChange,
  type ProgramChanges,
  programChanges,
} from "./search/changes.ts";
export { type Differences, findDifferences, type Witness } from "./search/difference.ts";
export { type Change, type ConditionGoal, findRemedy, type Remedy } from "./search/remedy.ts";
export { addedElements, FRESH_TEXTS } from "./search/values.ts";
export {
  type Diagnostic,
  type Fix,
  type Paint,
  renderDiagnostic,
  type Severity,
  type TurnedOff,
} from "./source/diagnostics.ts";
export { printable } from "./source/display.ts";
export { FILTER_BUNDLE_BYTES_MAX, HEADER_BYTES_MAX, JSON_DEPTH_MAX } from "./source/gen/facts.ts";
export { DIAGNOSTICS } from "./source/ids.ts";
export { type FileAnswer, locate, type RowsAnswer, type Source } from "./source/source.ts";
export type { PathMode } from "./syntax/ast.ts";
