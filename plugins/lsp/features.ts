/** Core's answers in the protocol's words. */
import {
  type CodeAction,
  CodeActionKind,
  type CompletionItem,
  CompletionItemKind,
  DiagnosticSeverity,
  DiagnosticTag,
  type DocumentHighlight,
  DocumentHighlightKind,
  type DocumentSymbol,
  type FoldingRange,
  type Hover,
  type Location,
  MarkupKind,
  type Diagnostic as ProtocolDiagnostic,
  SymbolKind as ProtocolSymbolKind,
  type Range,
  SemanticTokensBuilder,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import {
  type Completion,
  completionsAt,
  type Description,
  type Diagnostic,
  describe,
  fixesFor,
  foldsOf,
  type NamedSymbol,
  type OutlineEntry,
  occurrenceAt,
  occurrencesOf,
  outlineOf,
  type Source,
  type WordKind,
  wordsOf,
} from "../../core/index.ts";
import type { Unit, Workspace } from "./workspace.ts";

/** A span of core. */
type Span = Diagnostic["span"];

/** A text, its unit, and an offset in it. */
export interface Place {
  readonly workspace: Workspace;
  readonly unit: Unit;
  readonly source: Source;
  readonly offset: number;
}

export function rangeOf(
  document: TextDocument,
  { start, end }: { readonly start: number; readonly end: number },
): Range {
  return { start: document.positionAt(start), end: document.positionAt(end) };
}

function rangeIn(workspace: Workspace, span: Span): Range {
  return rangeOf(workspace.documentOf(span.source), span);
}

function locationOf(workspace: Workspace, span: Span): Location {
  return { uri: workspace.uriOf(span.source), range: rangeIn(workspace, span) };
}

// --- diagnostics and their fixes ---

const SEVERITIES: Readonly<Record<Diagnostic["severity"], DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  hint: DiagnosticSeverity.Hint,
};

export function diagnosticOf(
  workspace: Workspace,
  { severity, id, message, help, span }: Diagnostic,
): ProtocolDiagnostic {
  return {
    range: rangeIn(workspace, span),
    severity: SEVERITIES[severity],
    // Editors show it as faded.
    ...(id.startsWith("unused-") ? { tags: [DiagnosticTag.Unnecessary] } : {}),
    code: id,
    source: "ipe",
    message: help === null ? message : `${message}\nhelp: ${help}`,
  };
}

/** A fix for each diagnostic that touches the range. */
export function codeActions({ workspace, unit, source }: Omit<Place, "offset">, range: Range): CodeAction[] {
  const document = workspace.documentOf(source);
  const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  const touched = unit.analysis.diagnostics.filter(
    ({ span }) => span.source === source && span.start <= to && from <= span.end,
  );
  return touched.flatMap((diagnostic) =>
    fixesFor(diagnostic, unit.analysis).map((fix, i) => ({
      title: fix.title,
      kind: CodeActionKind.QuickFix,
      diagnostics: [diagnosticOf(workspace, diagnostic)],
      isPreferred: i === 0,
      edit: editOf(workspace, [fix.span], fix.text),
    })),
  );
}

/** One text in the place of all spans, in whatever files they are. */
export function editOf(workspace: Workspace, spans: readonly Span[], newText: string): WorkspaceEdit {
  const changes: Record<string, TextEdit[]> = {};
  for (const span of spans) {
    const uri = workspace.uriOf(span.source);
    changes[uri] ??= [];
    changes[uri].push({ range: rangeIn(workspace, span), newText });
  }
  return { changes };
}

// --- completion ---

const COMPLETION_KINDS: Readonly<Record<Completion["kind"], CompletionItemKind>> = {
  attribute: CompletionItemKind.Field,
  builtin: CompletionItemKind.Property,
  constant: CompletionItemKind.Constant,
  data: CompletionItemKind.Constant,
  map: CompletionItemKind.Constant,
  enum: CompletionItemKind.Enum,
  member: CompletionItemKind.EnumMember,
  type: CompletionItemKind.Struct,
  field: CompletionItemKind.Field,
  element: CompletionItemKind.Variable,
  resource: CompletionItemKind.Class,
  policy: CompletionItemKind.Class,
  guard: CompletionItemKind.Class,
  condition: CompletionItemKind.Function,
  template: CompletionItemKind.Class,
  parameter: CompletionItemKind.Variable,
  keyword: CompletionItemKind.Keyword,
  function: CompletionItemKind.Function,
  value: CompletionItemKind.Value,
};

export function completion({ workspace, unit, source, offset }: Place): CompletionItem[] {
  const { items, start, end } = completionsAt(unit.analysis, source, offset);
  const range = rangeOf(workspace.documentOf(source), { start, end });
  return items.map(({ label, kind, detail, text }, i) => ({
    label,
    kind: COMPLETION_KINDS[kind],
    ...(detail === null ? {} : { detail }),
    textEdit: { range, newText: text },
    // What is being written may start with a quote.
    filterText: text,
    sortText: String(i).padStart(5, "0"),
  }));
}

// --- names ---

export function hover({ workspace, unit, source, offset }: Place): Hover | null {
  const found = occurrenceAt(unit.analysis.symbols, source, offset);
  if (found === null) return null;
  const value = markdownOf(describe(found.symbol, unit.analysis));
  return { contents: { kind: MarkupKind.Markdown, value }, range: rangeIn(workspace, found.span) };
}

/** Comments are the author's text, no markdown. */
function markdownOf({ code, facts, comment }: Description): string {
  const plain = (text: string): string => text.replaceAll(/[\\`*_{}[\]<>()#+!|~-]/g, "\\$&");
  const own = comment === null ? [] : [comment.split("\n").map(plain).join("  \n")];
  return [`\`\`\`ipe\n${code}\n\`\`\``, ...facts, ...own].join("\n\n");
}

export function definition({ workspace, unit, source, offset }: Place): Location | null {
  const found = occurrenceAt(unit.analysis.symbols, source, offset);
  return found?.symbol.declared == null ? null : locationOf(workspace, found.symbol.declared);
}

export function references({ workspace, unit, source, offset }: Place, withDeclaration: boolean): Location[] {
  const found = occurrenceAt(unit.analysis.symbols, source, offset);
  if (found === null) return [];
  return occurrencesOf(unit.analysis.symbols, found.symbol)
    .filter(({ role }) => withDeclaration || role === "use")
    .map(({ span }) => locationOf(workspace, span));
}

/** The same name, in this text. */
export function highlights({ workspace, unit, source, offset }: Place): DocumentHighlight[] {
  const found = occurrenceAt(unit.analysis.symbols, source, offset);
  if (found === null) return [];
  return occurrencesOf(unit.analysis.symbols, found.symbol)
    .filter(({ span }) => span.source === source)
    .map(({ span, role }) => ({
      range: rangeIn(workspace, span),
      kind: role === "declaration" ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
    }));
}

export function symbolAt({ unit, source, offset }: Place): { symbol: NamedSymbol; span: Span } | null {
  return occurrenceAt(unit.analysis.symbols, source, offset);
}

// --- the text ---

const SYMBOL_KINDS: Readonly<Record<OutlineEntry["kind"], ProtocolSymbolKind>> = {
  attribute: ProtocolSymbolKind.Field,
  builtin: ProtocolSymbolKind.Property,
  constant: ProtocolSymbolKind.Constant,
  data: ProtocolSymbolKind.Array,
  map: ProtocolSymbolKind.Object,
  enum: ProtocolSymbolKind.Enum,
  member: ProtocolSymbolKind.EnumMember,
  type: ProtocolSymbolKind.Struct,
  field: ProtocolSymbolKind.Field,
  element: ProtocolSymbolKind.Variable,
  resource: ProtocolSymbolKind.Interface,
  policy: ProtocolSymbolKind.Class,
  guard: ProtocolSymbolKind.Class,
  condition: ProtocolSymbolKind.Function,
  template: ProtocolSymbolKind.Class,
  parameter: ProtocolSymbolKind.Variable,
  attributes: ProtocolSymbolKind.Namespace,
  default: ProtocolSymbolKind.Boolean,
  normalize: ProtocolSymbolKind.Constant,
  test: ProtocolSymbolKind.Event,
  import: ProtocolSymbolKind.Module,
  set: ProtocolSymbolKind.Package,
  sets: ProtocolSymbolKind.Key,
};

export function documentSymbols({ workspace, unit, source }: Omit<Place, "offset">): DocumentSymbol[] {
  const document = workspace.documentOf(source);
  const symbolOf = ({ kind, name, span, nameSpan, children }: OutlineEntry): DocumentSymbol => ({
    // A client refuses an empty name.
    name: name === "" ? '""' : name,
    kind: SYMBOL_KINDS[kind],
    range: rangeOf(document, { start: span.start, end: Math.max(span.end, nameSpan.end) }),
    selectionRange: rangeOf(document, nameSpan),
    children: children.map(symbolOf),
  });
  return outlineOf(unit.analysis, source).map(symbolOf);
}

export function foldingRanges(source: Source): FoldingRange[] {
  return foldsOf(source).map(({ kind, start, end }) => ({
    startLine: start,
    endLine: end,
    ...(kind === "comment" ? { kind: "comment" } : {}),
  }));
}

export const TOKEN_TYPES = [
  ...[
    "keyword",
    "string",
    "number",
    "comment",
    "operator",
    "variable",
    "property",
    "enum",
    "enumMember",
    "struct",
  ],
  ...["class", "function", "parameter"],
];
export const TOKEN_MODIFIERS = ["declaration", "readonly", "defaultLibrary"];

const TOKENS: Readonly<Record<WordKind, readonly [type: string, ...modifiers: string[]]>> = {
  keyword: ["keyword"],
  string: ["string"],
  number: ["number"],
  comment: ["comment"],
  operator: ["operator"],
  attribute: ["variable"],
  builtin: ["variable", "defaultLibrary"],
  constant: ["variable", "readonly"],
  data: ["variable", "readonly"],
  map: ["variable", "readonly"],
  enum: ["enum"],
  member: ["enumMember"],
  type: ["struct"],
  field: ["property"],
  element: ["parameter"],
  resource: ["class"],
  policy: ["class"],
  guard: ["class"],
  condition: ["function"],
  template: ["class"],
  parameter: ["parameter"],
};

export function semanticTokens({ workspace, unit, source }: Omit<Place, "offset">): number[] {
  const document = workspace.documentOf(source);
  const builder = new SemanticTokensBuilder();
  for (const { kind, start, end, declares } of wordsOf(unit.analysis, source)) {
    const [type, ...modifiers] = TOKENS[kind];
    const all = declares ? [...modifiers, "declaration"] : modifiers;
    const bits = all.reduce((sum, modifier) => sum | (1 << TOKEN_MODIFIERS.indexOf(modifier)), 0);
    for (const line of linesOf(source.text, start, end)) {
      const { line: row, character } = document.positionAt(line.start);
      builder.push(row, character, line.end - line.start, TOKEN_TYPES.indexOf(type), bits);
    }
  }
  return builder.build().data;
}

/** A token of the protocol stands on one line; a string may go over several. */
function linesOf(
  text: string,
  start: number,
  end: number,
): { readonly start: number; readonly end: number }[] {
  const lines: { start: number; end: number }[] = [];
  for (let at = start; at < end; ) {
    const lineBreak = text.indexOf("\n", at);
    const lineEnd = lineBreak === -1 || lineBreak > end ? end : lineBreak;
    const content = text.slice(at, lineEnd).replace(/\r$/, "");
    const blanks = content.length - content.trimStart().length;
    if (content.length > blanks) lines.push({ start: at + blanks, end: at + content.length });
    at = lineEnd + 1;
  }
  return lines;
}
